"""Writes checkpoint, state and pictures as a run goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.loggers import TensorBoardLogger

from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.training.pictures import Drawer, log_pictures
from carnatic_sep.training.state import capture, save_state

STATE_FILE = "state.safetensors"
CHECKPOINT_FILE = "checkpoint.safetensors"


class Keeper(lightning.Callback):
    """Keeps state and checkpoint now and then and when the run ends, and draws pictures.

    Parameters
    ----------
    folder : of the run
    provenance : goes into the checkpoint, with the step
    mixer : draws the mixture of the pictures
    """

    def __init__(self, folder: Path, provenance: Provenance, mixer: Drawer) -> None:
        self.folder = folder
        self.provenance = provenance
        self.mixer = mixer

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep what the steps before this one have reached."""
        if batch_idx and pl_module.step % pl_module.config.checkpoint_every == 0:
            self.keep(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draw pictures where this step is one for them."""
        step = pl_module.step + 1  # the module counts after its callbacks
        if step % pl_module.config.picture_every == 0:
            boards = [each for each in trainer.loggers if isinstance(each, TensorBoardLogger)]
            for board in boards:
                log_pictures(
                    pl_module.ema.module,
                    self.mixer,
                    step=step,
                    folder=self.folder,
                    writer=board.experiment,
                )

    def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Keep the last step, be it the end or an interrupt."""
        self.keep(trainer, pl_module)

    def keep(self, trainer: lightning.Trainer, module: Any) -> None:
        """Write state and checkpoint, each whole or not at all."""
        save_state(
            self.folder / STATE_FILE,
            capture(module.step, module.model, module.ema, trainer.optimizers[0]),
        )
        save_checkpoint(
            self.folder / CHECKPOINT_FILE,
            module.ema.module,
            self.provenance.model_copy(update={"steps": module.step}),
            dtype="float16",
        )
