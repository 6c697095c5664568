"""New heads for a trained model: which stems keep theirs, which are copied, which are fresh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carnatic_sep.errors import ConfigError, UnknownNameError
from carnatic_sep.models.registry import build
from carnatic_sep.training.finetune_config import FRESH

if TYPE_CHECKING:
    from torch import Tensor

    from carnatic_sep.models.base import SeparationModel

_HEADS = "nets"
_MIXER = "mixer.weight"
_USUAL_DONORS: Mapping[str, tuple[str, ...]] = {
    "violin": ("other", "accompaniment"),
    "mridangam": ("drums", "accompaniment"),
    "other": ("accompaniment",),
    "accompaniment": ("other",),
}


@dataclass(frozen=True)
class Graft:
    """One stem of the new model and the stem of the base whose head it starts with."""

    stem: str
    donor: str | None

    @property
    def kept(self) -> bool:
        """Whether the stem was there before."""
        return self.stem == self.donor

    def __str__(self) -> str:
        if self.donor is None:
            return f"{self.stem}: a fresh head"
        return f"{self.stem}: its own head" if self.kept else f"{self.stem}: a copy of {self.donor}"


@dataclass(frozen=True)
class Operation:
    """The model with its new stems, what each came from, and the parameters that are not new."""

    model: SeparationModel
    grafts: tuple[Graft, ...]
    kept_parameters: frozenset[str]


def plan_grafts(
    base: Sequence[str], stems: Sequence[str], donors: Mapping[str, str]
) -> tuple[Graft, ...]:
    """Return for each of `stems` which stem of `base` its head comes from.

    Raises
    ------
    ConfigError
        A donor is named for a stem that is not wanted.
    UnknownNameError
        The base has no stem of a donor's name.
    """
    for stem, donor in donors.items():
        if stem not in stems:
            raise ConfigError(f"surgery.donors.{stem}: the stems wanted are {', '.join(stems)}")
        if donor != FRESH and donor not in base:
            raise UnknownNameError("stem of the base", donor, [*base, FRESH])
    return tuple(Graft(stem, _donor(stem, base, donors)) for stem in stems)


def operate(
    model: SeparationModel, stems: Sequence[str], *, donors: Mapping[str, str], seed: int = 0
) -> Operation:
    """Return `model` with one head for each of `stems`.

    A model that has these very stems stays as it is, whatever its architecture. Otherwise each
    stem must have a network of its own, as in `unet` and `tfc_tdf`. What a layer takes of one kept
    stem into another, or of the mixture, stays too; to begin with it takes nothing of new heads.

    Parameters
    ----------
    donors : stem to the stem of the base that its head is copied from, or "fresh"
    seed : of fresh heads

    Raises
    ------
    ConfigError
        The architecture shares its layers among the stems, so that heads cannot be exchanged.
    UnknownNameError
        A donor that the base does not have.
    """
    grafts = plan_grafts(model.stems, stems, donors)
    if tuple(stems) == model.stems and all(graft.kept for graft in grafts):
        return Operation(model, grafts, frozenset(name for name, _ in model.named_parameters()))
    if not hasattr(model, _HEADS):
        raise ConfigError(
            f"a {model.architecture} shares its layers among its stems "
            f"({', '.join(model.stems)}): fine-tune it for these, or choose a base with a network "
            "for each stem, such as spleeter"
        )
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        changed = build(model.architecture, **{**model.config, "stems": list(stems)})
    state, old = changed.state_dict(), model.state_dict()
    for index, graft in enumerate(grafts):
        if graft.donor is not None:
            state |= _moved(old, model.stems.index(graft.donor), index)
    if _MIXER in state:
        state[_MIXER] = _mixing(old[_MIXER], state[_MIXER], model.stems, grafts)
    changed.load_state_dict(state)
    kept = {f"{_HEADS}.{index}." for index, graft in enumerate(grafts) if graft.kept}
    names = [name for name, _ in changed.named_parameters()]
    return Operation(
        changed, grafts, frozenset(name for name in names if any(map(name.startswith, kept)))
    )


def _donor(stem: str, base: Sequence[str], donors: Mapping[str, str]) -> str | None:
    if stem in donors:
        return None if donors[stem] == FRESH else donors[stem]
    usual = (stem, *_USUAL_DONORS.get(stem, ()))
    return next((name for name in usual if name in base), None)


def _moved(state: Mapping[str, Tensor], old: int, new: int) -> dict[str, Tensor]:
    """Return the tensors of head `old` under the names of head `new`."""
    lead = f"{_HEADS}.{old}."
    return {
        f"{_HEADS}.{new}.{name[len(lead) :]}": tensor.clone()
        for name, tensor in state.items()
        if name.startswith(lead)
    }


def _mixing(old: Tensor, fresh: Tensor, base: Sequence[str], grafts: Sequence[Graft]) -> Tensor:
    """Return the weights of the layer that mixes heads, those between kept stems as they were.

    Parameters
    ----------
    old : (stems of the base, the same and the mixture)
    fresh : (new stems, the same and the mixture), as the layer begins
    """
    mixed = fresh.clone()
    kept = [(new, base.index(graft.stem)) for new, graft in enumerate(grafts) if graft.kept]
    for new, before in kept:
        mixed[new, -1] = old[before, -1]
        for other, other_before in kept:
            mixed[new, other] = old[before, other_before]
    return mixed
