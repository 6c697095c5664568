"""Writes checkpoint, state and pictures as a run goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
from lightning.pytorch.loggers import TensorBoardLogger

from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.training.pictures import log_pictures
from carnatic_sep.training.state import capture, save_state

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STATE_FILE = "state.safetensors"
CHECKPOINT_FILE = "checkpoint.safetensors"
BEST_FILE = "best.safetensors"


class Keeper(lightning.Callback):
    """Keeps state and checkpoint now and then and when the run ends, and draws pictures.

    Of several processes only the first one writes.

    Parameters
    ----------
    folder : of the run
    provenance : goes into the checkpoint, with the step
    stems : of the mixture of the pictures, (stems, frames)
    """

    def __init__(self, folder: Path, provenance: Provenance, stems: NDArray[np.float32]) -> None:
        self.folder = folder
        self.provenance = provenance
        self.stems = stems
        self._kept_step: int | None = None

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draw pictures and keep what is reached, where this step is one for it."""
        config, step = pl_module.config, pl_module.step
        if not pl_module.stepped:
            return
        if step % config.picture_every == 0 and trainer.is_global_zero:
            boards = [each for each in trainer.loggers if isinstance(each, TensorBoardLogger)]
            for board in boards:
                log_pictures(
                    pl_module.ema.module,
                    self.stems,
                    step=step,
                    folder=self.folder,
                    writer=board.experiment,
                )
        if step % config.checkpoint_every == 0:
            self.keep(trainer, pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Keep the last step, be it the end or an interrupt; no process leaves before."""
        self.keep(trainer, pl_module)
        trainer.strategy.barrier("kept")

    def keep(self, trainer: lightning.Trainer, module: Any) -> None:
        """Write state and checkpoint, each whole or not at all."""
        if not trainer.is_global_zero or module.step == self._kept_step:
            return
        state = capture(
            module.step,
            module.model,
            module.ema,
            trainer.optimizers[0],
            standing=module.standing,
        )
        save_state(self.folder / STATE_FILE, state)
        self._checkpoint(module, CHECKPOINT_FILE)
        self._kept_step = module.step

    def keep_best(self, module: Any) -> None:
        """Write the averaged weights as the best ones."""
        self._checkpoint(module, BEST_FILE)

    def _checkpoint(self, module: Any, name: str) -> None:
        save_checkpoint(
            self.folder / name,
            module.ema.module,
            self.provenance.model_copy(update={"steps": module.step}),
            dtype="float16",
        )
