"""What a run needs to go on where it stopped: one safetensors file, nothing pickled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.errors import CheckpointError
from carnatic_sep.files import growing
from carnatic_sep.training.standing import Standing

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

_FORMAT = "carnatic-sep-training-state-1"


@dataclass(frozen=True)
class TrainingState:
    """Step reached, and tensors named ``model.*``, ``ema.*`` and ``optimizer.<index>.<name>``."""

    step: int
    tensors: dict[str, Tensor]
    standing: Standing = field(default_factory=Standing)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors below `prefix`, without it."""
        lead = f"{prefix}."
        return {k[len(lead) :]: v for k, v in self.tensors.items() if k.startswith(lead)}


def capture(
    step: int,
    model: nn.Module,
    ema: nn.Module,
    optimizer: Optimizer,
    *,
    standing: Standing | None = None,
) -> TrainingState:
    """Collect the state of a run; tensors are references, not copies."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"ema.{name}": value for name, value in ema.state_dict().items()}
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{index}.{name}"] = value
    return TrainingState(step, tensors, standing or Standing())


def restore(state: TrainingState, model: nn.Module, ema: nn.Module, optimizer: Optimizer) -> None:
    """Put a captured state back into freshly built parts.

    Raises
    ------
    CheckpointError
        The state belongs to another network.
    """
    try:
        model.load_state_dict(state.part("model"))
        ema.load_state_dict(state.part("ema"))
    except RuntimeError as error:
        raise CheckpointError(
            f"the earlier run's state is of another network ({str(error).splitlines()[0]}); "
            "start anew with --restart, or give the run another name"
        ) from error
    for index, parameter in enumerate(_parameters(optimizer)):
        stored = state.part(f"optimizer.{index}")
        if stored:
            optimizer.state[parameter] = {
                name: value.clone() if value.dim() == 0 else value.to(parameter).clone()
                for name, value in stored.items()
            }


def save_state(path: Path, state: TrainingState) -> None:
    """Write `state` to `path`, whole or not at all, whatever breaks off meanwhile.

    Raises
    ------
    CheckpointError
        The disk is full, or the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {name: value.detach().cpu().contiguous() for name, value in state.tensors.items()}
    about = {"format": _FORMAT, "step": state.step}
    if state.standing.step or state.standing.waited:
        about["standing"] = asdict(state.standing)
    try:
        with growing(path) as place:
            save_file(tensors, place, metadata={"carnatic_sep": json.dumps(about)})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error}); the state before it is kept. Check the folder's "
            "permissions and free space"
        ) from error


def load_state(path: Path) -> TrainingState:
    """Read what :func:`save_state` wrote.

    Raises
    ------
    CheckpointError
        The file is no training state of this package.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as handle:
            about = json.loads((handle.metadata() or {}).get("carnatic_sep", "{}"))
            if about.get("format") != _FORMAT:
                raise CheckpointError(f"{path}: not a training state; remove it to start anew")
            tensors = {name: handle.get_tensor(name) for name in list(handle.keys())}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error}); remove it to start anew"
        ) from error
    return TrainingState(int(about["step"]), tensors, Standing(**about.get("standing", {})))


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
