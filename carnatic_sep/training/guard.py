"""Stops a run whose loss or gradient is no number any more, and keeps the batch that did it."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch

from carnatic_sep.errors import TrainingError
from carnatic_sep.training.keeper import STATE_FILE

if TYPE_CHECKING:
    from torch import Tensor


class Guard(lightning.Callback):
    """Looks at each loss and each gradient before the optimiser does.

    Parameters
    ----------
    folder : of the run; the batch is kept in it
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._batch: Any = None

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Remember the batch."""
        self._batch = batch

    def on_before_backward(self, trainer: lightning.Trainer, pl_module: Any, loss: Tensor) -> None:
        """Look at the loss."""
        fault = None if bool(torch.isfinite(loss.detach())) else f"the loss is {float(loss):g}"
        self._stop_if(fault, trainer, pl_module)

    def on_after_backward(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Look at the gradient."""
        self._stop_if(gradient_fault(pl_module.model), trainer, pl_module)

    def _stop_if(self, fault: str | None, trainer: lightning.Trainer, module: Any) -> None:
        """Stop all processes together where one of them has a fault.

        Raises
        ------
        TrainingError
            There is a fault; the message names step, file and remedy.
        """
        several = trainer.world_size > 1
        if not (
            trainer.strategy.reduce_boolean_decision(fault is not None, all=False)
            if several
            else fault
        ):
            return
        step = module.step + 1
        if fault is None:
            raise TrainingError(f"step {step}: another process met a fault; see its message")
        part = f"-process-{trainer.global_rank}" if trainer.global_rank else ""
        path = self.folder / f"batch-of-step-{step:06d}{part}.safetensors"
        found = save_batch(path, self._batch, step=step, fault=fault)
        spoilt = [name for name, value in found.items() if not bool(torch.isfinite(value).all())]
        if spoilt:
            held = ", ".join(spoilt)
            cause = f"{held} of the batch hold numbers that are not finite: mend the recordings"
        else:
            cause = "the batch itself is sound: lower learning_rate or gradient_clip"
            cause += "" if module.config.precision == "fp32" else ", or set precision to fp32"
        state = (self.folder / STATE_FILE).is_file()
        again = ", which goes on from the last state that was kept" if state else ""
        raise TrainingError(
            f"step {step}: {fault}; its batch is kept in {path}. {cause}; then give the same "
            f"command again{again}"
        )


def gradient_fault(model: torch.nn.Module) -> str | None:
    """Say which gradient of `model` is not finite; None where all are."""
    held = [(name, p.grad) for name, p in model.named_parameters() if p.grad is not None]
    if not held:
        return None
    largest = torch.stack(
        [torch.linalg.vector_norm(g.detach().float(), ord=torch.inf) for _, g in held]
    )
    bad = (~torch.isfinite(largest)).nonzero().flatten().tolist()
    if not bad:
        return None
    return (
        f"the gradient is not finite in {len(bad)} of {len(held)} tensors, {held[bad[0]][0]} first"
    )


def save_batch(path: Path, batch: Any, *, step: int, fault: str) -> dict[str, Tensor]:
    """Write the tensors of `batch` as safetensors, and return them by name."""
    from safetensors.torch import save_file

    if is_dataclass(batch):
        named = {field.name: getattr(batch, field.name) for field in fields(batch)}
    else:
        named = {"stems": batch}
    tensors = {name: value.detach().cpu().contiguous() for name, value in named.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    about = json.dumps({"step": step, "fault": fault})
    save_file(tensors, path, metadata={"carnatic_sep": about})
    return tensors
