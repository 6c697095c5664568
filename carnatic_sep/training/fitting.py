"""What every run does with Lightning: keep, report, stop gently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from carnatic_sep.training.interrupt import stop_gently
from carnatic_sep.training.keeper import CHECKPOINT_FILE, Keeper
from carnatic_sep.training.progress import ProgressLines

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from carnatic_sep.training.module import SeparationModule

    Report = Callable[[str], None]


def fit(
    module: SeparationModule,
    batches: DataLoader[Any],
    *,
    folder: Path,
    keeper: Keeper,
    report: Report,
    progress: ProgressLines,
) -> Path:
    """Train `module` to its last step and return the checkpoint's path.

    Parameters
    ----------
    batches : from the module's step on
    folder : of the run
    report : takes a line if the run is interrupted

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C; the step at hand was finished and its state kept.
    """
    config = module.config
    trainer = lightning.Trainer(
        max_steps=config.last_step - module.step,
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        gradient_clip_val=config.gradient_clip,
        logger=[CSVLogger(folder, name="log"), TensorBoardLogger(str(folder), name="tensorboard")],
        callbacks=[keeper, progress],
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        log_every_n_steps=min(10, config.last_step),
        accelerator="auto",
        devices=1,
    )

    def stop() -> None:
        trainer.should_stop = True

    with stop_gently(stop):
        trainer.fit(module, batches)
    if module.step < config.last_step:
        report(
            f"{folder}: interrupted at step {module.step} of {config.last_step}; "
            "its state is kept, give the same command again to go on"
        )
        raise KeyboardInterrupt
    return folder / CHECKPOINT_FILE
