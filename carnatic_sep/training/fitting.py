"""What every run does with Lightning: keep, report, validate, stop gently, share the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from carnatic_sep.training.guard import Guard
from carnatic_sep.training.interrupt import StopTogether, stop_gently
from carnatic_sep.training.keeper import BEST_FILE, CHECKPOINT_FILE, STATE_FILE, Keeper
from carnatic_sep.training.listening import fixed_stems
from carnatic_sep.training.progress import ProgressLines
from carnatic_sep.training.ranks import is_first_process
from carnatic_sep.training.state import load_state
from carnatic_sep.training.validation import Validator

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from carnatic_sep.training.config import RunConfig
    from carnatic_sep.training.module import SeparationModule
    from carnatic_sep.training.prepared import Prepared
    from carnatic_sep.training.standing import Standing
    from carnatic_sep.training.state import TrainingState

    Report = Callable[[str], None]


def earlier_state(
    config: RunConfig, folder: Path, *, resume: bool, report: Report
) -> tuple[TrainingState | None, bool]:
    """Return where an earlier run in `folder` stopped, and whether nothing is left to do.

    Raises
    ------
    CheckpointError
        The state is damaged.
    """
    path = folder / STATE_FILE
    state = load_state(path) if resume and path.is_file() else None
    if state and state.step >= config.last_step:
        report(f"{folder}: all {config.last_step} steps are done")
        return state, True
    if state and config.validate_every and state.standing.is_over(config.patience):
        report(f"{folder}: stopped early at step {state.step}; {_best(state.standing)}")
        return state, True
    if state:
        report(f"{folder}: going on at step {state.step} of {config.last_step}")
    return state, False


def result(config: RunConfig, folder: Path, standing: Standing) -> Path:
    """Return the checkpoint to use: the best one of a run that validates, else the last one."""
    return folder / (BEST_FILE if config.validate_every and standing.step else CHECKPOINT_FILE)


def fit(
    prepared: Prepared,
    *,
    folder: Path,
    report: Report,
    progress: Report,
    progress_seconds: float,
) -> Path:
    """Train to the last step, or until patience is at an end; return the checkpoint to use.

    Parameters
    ----------
    folder : of the run
    report : takes a line for each thing that happens once
    progress : takes a line every `progress_seconds`

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C; the step at hand was finished and its state kept.
    SystemExit
        After SIGTERM, with code 143; likewise.
    TrainingError
        A loss or gradient that is not finite; its batch was kept.
    """
    module, config = prepared.module, prepared.module.config
    report = report if is_first_process() else _say_nothing
    folder.mkdir(parents=True, exist_ok=True)
    pictured = list(prepared.validation[:1]) or fixed_stems(prepared.drawer, 1)
    keeper = Keeper(folder, prepared.provenance, pictured[0])
    together = StopTogether()
    callbacks = [together, Guard(folder), ProgressLines(progress, seconds=progress_seconds), keeper]
    if config.validate_every:
        callbacks.insert(-1, Validator(prepared.validation, keeper, report))
    trainer = make_trainer(
        module,
        steps=config.last_step - module.step,
        callbacks=callbacks,
        loggers=[CSVLogger(folder, name="log"), TensorBoardLogger(str(folder), name="tensorboard")],
    )
    kept = "its state is kept, give the same command again to go on"
    with stop_gently(together.ask):
        trainer.fit(module, datamodule=Batches(prepared))
    over = bool(config.validate_every) and module.standing.is_over(config.patience)
    if over and module.step < config.last_step:
        report(f"{folder}: stopped early at step {module.step}; {_best(module.standing)}")
    elif module.step < config.last_step:
        how = "told to end" if together.terminated else "interrupted"
        report(f"{folder}: {how} at step {module.step} of {config.last_step}; {kept}")
        together.leave()
    return result(config, folder, module.standing)


def make_trainer(
    module: SeparationModule,
    *,
    steps: int,
    callbacks: Sequence[lightning.Callback],
    loggers: Sequence[Any] = (),
) -> lightning.Trainer:
    """Return what runs the loop for `steps` more steps, as the module's configuration says."""
    config = module.config
    alone = config.devices == 1 and config.nodes == 1
    strategy: str = config.strategy
    if not alone or strategy == "ddp":
        # Where some parameters stand still for a while, DDP must look which of them take part.
        strategy = "ddp_find_unused_parameters_true" if module.frozen else "ddp"
    return lightning.Trainer(
        max_steps=steps,
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.nodes,
        strategy=strategy,
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        accumulate_grad_batches=config.accumulate,
        gradient_clip_val=config.gradient_clip,
        logger=list(loggers),
        callbacks=list(callbacks),
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        log_every_n_steps=min(10, config.last_step),
        use_distributed_sampler=False,  # the batches know which process they are for
    )


class Batches(lightning.LightningDataModule):
    """Makes each process its own batches, once it is known how many there are."""

    def __init__(self, prepared: Prepared) -> None:
        super().__init__()
        self._prepared = prepared

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of this process."""
        assert self.trainer is not None
        return self._prepared.loader(self.trainer.global_rank)


def _best(standing: Standing) -> str:
    return f"no validation was better than that of step {standing.step} in {BEST_FILE}"


def _say_nothing(line: str) -> None:
    """Take a line and drop it."""
