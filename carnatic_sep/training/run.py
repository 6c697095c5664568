"""One training run from a configuration to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader

from carnatic_sep.datasets.bank import load_bank
from carnatic_sep.datasets.mixer import MIXED_STEMS, Mixer
from carnatic_sep.errors import ConfigError
from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.models.checkpoint import Provenance, load_checkpoint, save_checkpoint
from carnatic_sep.models.registry import build
from carnatic_sep.training.config import TrainConfig
from carnatic_sep.training.credits import credits_of
from carnatic_sep.training.dataset import BandBatches, MixtureBatches
from carnatic_sep.training.module import SeparationModule
from carnatic_sep.training.pictures import log_pictures
from carnatic_sep.training.state import capture, load_state, save_state
from carnatic_sep.training.teacher import taught_voices

if TYPE_CHECKING:
    from carnatic_sep.models.base import SeparationModel

    Report = Callable[[str], None]

STATE_FILE = "state.safetensors"
CHECKPOINT_FILE = "checkpoint.safetensors"


def train(
    config: TrainConfig,
    *,
    data_dir: Path,
    out_dir: Path,
    resume: bool = True,
    report: Report = lambda line: None,
) -> Path:
    """Train `config` on the recordings in `data_dir`; return the checkpoint's path.

    `out_dir/<name>/` holds ``checkpoint.safetensors`` (the averaged weights, ready for
    ``separate --model``), ``state.safetensors`` (to go on from), logs and pictures. With `resume`
    an interrupted run goes on at the step of its last state.

    Raises
    ------
    ConfigError
        The configuration does not fit the data or the architecture.
    """
    folder = out_dir / config.name
    folder.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(config.seed, verbose=False)
    model = _model(config)
    state_path = folder / STATE_FILE
    state = load_state(state_path) if resume and state_path.is_file() else None
    if state and state.step >= config.steps:
        report(f"{folder}: all {config.steps} steps are done")
        return folder / CHECKPOINT_FILE
    if state:
        report(f"{folder}: going on at step {state.step} of {config.steps}")

    cache = out_dir / "cache"
    report(f"{data_dir}: reading solo recordings (pitch is tracked once and kept in {cache})")
    bank = load_bank(data_dir, config.data, cache=cache)
    taught = taught_voices(config, data_dir=data_dir, cache=cache, report=report)
    mixer = Mixer(bank, config.mix, teacher_bank=taught, seed=config.seed)
    batches: Any = MixtureBatches(
        mixer,
        batch_size=config.batch_size,
        seed=config.seed,
        first_step=state.step if state else 0,
        reuse=config.reuse,
    )
    if config.loss == "band_complex_l1":
        if not isinstance(model, BandUNet):
            raise ConfigError(f"{config.name}: loss band_complex_l1 needs architecture band_unet")
        batches = BandBatches(batches, model)
    module = SeparationModule(model, config, state=state)
    provenance = Provenance(
        name=config.name,
        description=f"{config.architecture} trained on mixtures of solo recordings",
        licence="CC BY-NC-SA 4.0",
        credits=credits_of(data_dir, config.data),
        trained_on=f"{len(bank.voices) + len(taught)} voice clips, {len(bank.notes)} violin notes, "
        f"{len(bank.pieces)} violin pieces, {len(bank.strokes)} mridangam takes; synthesised "
        "tanpura, ghatam and kanjira",
        seed=config.seed,
        extra={"config": config.model_dump(mode="json")},
    )
    trainer = lightning.Trainer(
        max_steps=config.steps - module.step,
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        gradient_clip_val=config.gradient_clip,
        logger=[CSVLogger(folder, name="log"), TensorBoardLogger(str(folder), name="tensorboard")],
        callbacks=[_Keeper(folder, provenance, mixer)],
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=True,
        log_every_n_steps=10,
        accelerator="auto",
        devices=1,
    )
    trainer.fit(module, DataLoader(batches, batch_size=None, num_workers=config.workers))
    return folder / CHECKPOINT_FILE


def _model(config: TrainConfig) -> SeparationModel:
    if config.init_from:
        model = load_checkpoint(config.init_from).train()
        if model.architecture != config.architecture:
            raise ConfigError(
                f"{config.init_from}: is a {model.architecture}, not {config.architecture}"
            )
    else:
        try:
            model = build(config.architecture, **config.model)
        except TypeError as error:
            raise ConfigError(f"{config.name}: model: {error}") from error
    if tuple(model.stems) != MIXED_STEMS:
        raise ConfigError(f"{config.name}: the mixer makes the stems {', '.join(MIXED_STEMS)}")
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class _Keeper(lightning.Callback):
    """Writes checkpoint, state and pictures as the run goes, and when it ends or is interrupted."""

    def __init__(self, folder: Path, provenance: Provenance, mixer: Mixer) -> None:
        self.folder = folder
        self.provenance = provenance
        self.mixer = mixer

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = pl_module.step + 1  # the module counts after its callbacks
        if step % pl_module.config.picture_every == 0:
            log_pictures(
                pl_module.ema.module,
                self.mixer,
                step=step,
                folder=self.folder,
                writer=trainer.loggers[1].experiment,  # type: ignore[attr-defined]
            )

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx and pl_module.step % pl_module.config.checkpoint_every == 0:
            self._keep(trainer, pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        self._keep(trainer, pl_module)

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: Any, exception: BaseException
    ) -> None:
        if isinstance(exception, KeyboardInterrupt) and pl_module.step:
            self._keep(trainer, pl_module)

    def _keep(self, trainer: lightning.Trainer, module: Any) -> None:
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
