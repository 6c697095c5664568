"""One training run from a configuration to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from torch.utils.data import DataLoader

from carnatic_sep.datasets.bank import SAMPLE_RATE, SoloBank, load_bank, require_folder
from carnatic_sep.datasets.mixer import MIXED_STEMS, Mixer
from carnatic_sep.errors import ConfigError
from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.models.checkpoint import Provenance, load_checkpoint
from carnatic_sep.models.registry import build
from carnatic_sep.training.config import TrainConfig
from carnatic_sep.training.credits import credits_of
from carnatic_sep.training.dataset import BandBatches, MixtureBatches
from carnatic_sep.training.fitting import fit
from carnatic_sep.training.interrupt import ignore_interrupts
from carnatic_sep.training.keeper import CHECKPOINT_FILE, STATE_FILE, Keeper
from carnatic_sep.training.module import SeparationModule
from carnatic_sep.training.progress import ProgressLines
from carnatic_sep.training.rendered import rendered_voices
from carnatic_sep.training.state import TrainingState, load_state
from carnatic_sep.training.teacher import taught_voices

if TYPE_CHECKING:
    from carnatic_sep.models.base import SeparationModel

    Report = Callable[[str], None]


def train(
    config: TrainConfig,
    *,
    data_dir: Path,
    out_dir: Path,
    resume: bool = True,
    report: Report = lambda line: None,
    progress: Report | None = None,
    progress_seconds: float = 30.0,
) -> Path:
    """Train `config` on the recordings in `data_dir`; return the checkpoint's path.

    `out_dir/<name>/` holds ``checkpoint.safetensors`` (the averaged weights, ready for
    ``separate --model``), ``state.safetensors`` (to go on from), logs and pictures. With `resume`
    an interrupted run goes on at the step of its last state.

    Parameters
    ----------
    report : takes a line for each thing that happens once
    progress : takes a line with step, loss and time left every `progress_seconds`; `report` if
        None

    Raises
    ------
    ConfigError
        The configuration does not fit the data or the architecture.
    CheckpointError
        The state of an earlier run is damaged, or of another network.
    KeyboardInterrupt
        After Ctrl-C; the step at hand was finished and its state kept.
    """
    require_folder(data_dir)
    folder = out_dir / config.name
    lightning.seed_everything(config.seed, verbose=False)
    model = _model(config)
    state_path = folder / STATE_FILE
    state = load_state(state_path) if resume and state_path.is_file() else None
    if state and state.step >= config.last_step:
        report(f"{folder}: all {config.last_step} steps are done")
        return folder / CHECKPOINT_FILE
    if state:
        report(f"{folder}: going on at step {state.step} of {config.last_step}")

    cache = out_dir / "cache"
    report(f"{data_dir}: reading solo recordings (pitch is tracked once and kept in {cache})")
    bank = load_bank(data_dir, config.data, cache=cache)
    taught = taught_voices(config, data_dir=data_dir, cache=cache, report=report)
    rendered = rendered_voices(config.rendered_voices, seed=config.seed)
    mixer = Mixer(bank, config.mix, teacher_bank=taught, rendered_bank=rendered, seed=config.seed)
    module = SeparationModule(model, config, state=state)
    folder.mkdir(parents=True, exist_ok=True)
    provenance = _provenance(config, bank, voices=len(bank.voices) + len(taught), data_dir=data_dir)
    return fit(
        module,
        _batches(config, mixer, model, state),
        folder=folder,
        keeper=Keeper(folder, provenance, mixer),
        report=report,
        progress=ProgressLines(progress or report, seconds=progress_seconds),
    )


def _model(config: TrainConfig) -> SeparationModel:
    """Build or load the network, and check that it fits what the mixer draws."""
    if config.init_from:
        model = load_checkpoint(config.init_from).train()
        if model.architecture != config.architecture:
            raise ConfigError(
                f"{config.init_from}: is a {model.architecture}, not {config.architecture}"
            )
    else:
        try:
            model = build(config.architecture, **config.model)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{config.name}: model: {error}") from error
    if tuple(model.stems) != MIXED_STEMS:
        raise ConfigError(f"{config.name}: the mixer makes the stems {', '.join(MIXED_STEMS)}")
    if model.sample_rate != SAMPLE_RATE:
        raise ConfigError(f"{config.name}: the mixer works at {SAMPLE_RATE} Hz; so must the model")
    if config.loss == "band_complex_l1" and not isinstance(model, BandUNet):
        raise ConfigError(f"{config.name}: loss band_complex_l1 needs architecture band_unet")
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _batches(
    config: TrainConfig, mixer: Mixer, model: SeparationModel, state: TrainingState | None
) -> DataLoader[Any]:
    """Batches from the step of `state` on: band statistics or stems, as the loss wants them."""
    batches: Any = MixtureBatches(
        mixer,
        batch_size=config.batch_size,
        seed=config.seed,
        first_step=state.step if state else 0,
        reuse=config.reuse,
    )
    if config.loss == "band_complex_l1":
        assert isinstance(model, BandUNet)
        batches = BandBatches(batches, model)
    return DataLoader(
        batches,
        batch_size=None,
        num_workers=config.workers,
        worker_init_fn=ignore_interrupts,
    )


def _provenance(config: TrainConfig, bank: SoloBank, *, voices: int, data_dir: Path) -> Provenance:
    return Provenance(
        name=config.name,
        description=f"{config.architecture} trained on mixtures of solo recordings",
        licence="CC BY-NC-SA 4.0",
        credits=credits_of(data_dir, config.data),
        trained_on=f"{voices} voice clips, {len(bank.notes)} violin notes, "
        f"{len(bank.pieces)} violin pieces, {len(bank.strokes)} mridangam takes; "
        f"{config.rendered_voices} phrases sung by rule, synthesised tanpura, ghatam and kanjira",
        seed=config.seed,
        extra={"config": config.model_dump(mode="json")},
    )
