"""A trained network with further layers: what it knew is kept, the rest starts fresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from carnatic_sep.errors import ConfigError

if TYPE_CHECKING:
    from carnatic_sep.models.base import SeparationModel


def grow(
    model: SeparationModel,
    options: Mapping[str, Any],
    *,
    build: Callable[[Mapping[str, Any]], SeparationModel],
    report: Callable[[str], None] = lambda line: None,
) -> SeparationModel:
    """Return the network of `options` with the weights of `model`, all of which it must have.

    Parameters
    ----------
    options : of the architecture; those not named are the model's own
    build : makes a network of options
    report : takes a line that says what starts fresh

    Raises
    ------
    ConfigError
        Something that `model` has learnt has no place, or not the same shape, in the new network.
    """
    wanted = {**model.config, **options}
    if wanted == model.config:
        return model
    larger = build(wanted)
    state, learnt = larger.state_dict(), model.state_dict()
    for name, tensor in learnt.items():
        place = state.get(name)
        if place is None or place.shape != tensor.shape:
            changed = sorted(key for key in wanted if wanted[key] != model.config.get(key))
            found = "nothing" if place is None else f"{tuple(place.shape)}"
            raise ConfigError(
                f"model: {', '.join(changed)} differ from the checkpoint's, and its {name} "
                f"{tuple(tensor.shape)} finds {found} to go to; options may only add layers to a "
                "network that goes on"
            )
    fresh = [name for name, _ in larger.named_parameters() if name not in learnt]
    count = sum(larger.get_parameter(name).numel() for name in fresh)
    report(f"model: {len(learnt)} tensors go on, {len(fresh)} of {count:,} parameters start fresh")
    larger.load_state_dict({**state, **learnt})
    return larger
