"""One training run from a configuration to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from torch.utils.data import IterableDataset

from carnatic_sep.datasets.bank import SAMPLE_RATE, SoloBank, load_bank, require_folder, select
from carnatic_sep.datasets.mixer import MIXED_STEMS, Mixer
from carnatic_sep.datasets.synthesised import synthesised_voices
from carnatic_sep.datasets.yaml_file import nearest
from carnatic_sep.errors import ConfigError
from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.models.checkpoint import Provenance, load_checkpoint
from carnatic_sep.models.registry import architectures, build
from carnatic_sep.training.config import TrainConfig
from carnatic_sep.training.credits import credits_of
from carnatic_sep.training.dataset import BandBatches, Drawer, MixtureBatches
from carnatic_sep.training.earlier_runs import require_earlier_runs
from carnatic_sep.training.findings import bank_findings
from carnatic_sep.training.fitting import earlier_state, fit, result
from carnatic_sep.training.growth import grow
from carnatic_sep.training.listening import fixed_stems
from carnatic_sep.training.module import SeparationModule
from carnatic_sep.training.prepared import Prepared
from carnatic_sep.training.rehearsal import Rehearsal, rehearse
from carnatic_sep.training.rendered import rendered_voices
from carnatic_sep.training.state import TrainingState
from carnatic_sep.training.teacher import taught_voices
from carnatic_sep.training.validation import check_metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    """Train `config` on the recordings in `data_dir`; return the checkpoint to use.

    `out_dir/<name>/` holds ``checkpoint.safetensors`` (the averaged weights, ready for
    ``separate --model``), ``best.safetensors`` (those of the best validation, where there are
    any), ``state.safetensors`` (to go on from), logs and pictures. With `resume` an interrupted
    run goes on at the step of its last state.

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
    TrainingError
        A loss or gradient that is not finite; its batch was kept.
    """
    require_folder(data_dir)
    folder = out_dir / config.name
    state, done = earlier_state(config, folder, resume=resume, report=report)
    if state and done:
        return result(config, folder, state.standing)
    prepared = prepare(config, data_dir=data_dir, out_dir=out_dir, state=state, report=report)
    return fit(
        prepared,
        folder=folder,
        report=report,
        progress=progress or report,
        progress_seconds=progress_seconds,
    )


def prepare(
    config: TrainConfig,
    *,
    data_dir: Path,
    out_dir: Path,
    state: TrainingState | None = None,
    report: Report = lambda line: None,
) -> Prepared:
    """Build the network and read the recordings; whatever does not fit is found here.

    Parameters
    ----------
    out_dir : its folder ``cache`` keeps what is computed once
    state : where an earlier run stopped

    Raises
    ------
    ConfigError
        The configuration does not fit the data or the architecture.
    """
    require_folder(data_dir)
    require_earlier_runs(config)
    lightning.seed_everything(config.seed, verbose=False)
    model = _model(config, report)
    learnt = _without_validation(config)
    cache = out_dir / "cache"
    report(f"{data_dir}: reading solo recordings (pitch is tracked once and kept in {cache})")
    bank = load_bank(data_dir, learnt.data, cache=cache)
    sung = synthesised_voices(data_dir, learnt.data, cache=cache)
    taught = taught_voices(learnt, data_dir=data_dir, cache=cache, report=report)
    rendered = rendered_voices(config.rendered_voices, seed=config.seed)
    solos = Mixer(
        bank, config.mix, teacher_bank=taught, rendered_bank=rendered + sung, seed=config.seed
    )
    mixer = _with_ensembles(solos, learnt, data_dir=data_dir, cache=cache, report=report)
    module = SeparationModule(model, config, state=state)
    return Prepared(
        module,
        batches=lambda rank: _batches(config, mixer, model, module.step, rank),
        waveforms=lambda: _waveforms(_mixtures(config, mixer)),
        drawer=mixer,
        validation=_validation(config, data_dir=data_dir, cache=cache),
        provenance=_provenance(
            learnt,
            bank,
            voices=len(bank.voices) + len(taught),
            synthesised=len({clip.performance for clip in sung}),
            data_dir=data_dir,
        ),
        findings=lambda: bank_findings(bank, taught, learnt.data, data_dir=data_dir),
    )


def rehearse_training(
    config: TrainConfig, *, data_dir: Path, out_dir: Path, report: Report = lambda line: None
) -> Rehearsal:
    """Try `config` out: look at the data, run a few steps, picture a batch; train nothing.

    Raises
    ------
    ConfigError, TrainingError, KeyboardInterrupt
        As :func:`train` does.
    """
    prepared = prepare(config, data_dir=data_dir, out_dir=out_dir, report=report)
    return rehearse(prepared, folder=out_dir / config.name, report=report)


def _without_validation(config: TrainConfig) -> TrainConfig:
    """Keep the takes of validation out of what is learnt, as those of the test are."""
    if not config.validate_every:
        return config
    check_metric(config)
    takes = list(config.validation.takes)
    if not takes:
        raise ConfigError(
            f"{config.name}: validate_every needs recordings that are kept out of training; list "
            "patterns of them in validation.takes"
        )
    data = config.data.model_copy(update={"test": [*config.data.test, *takes]})
    return config.model_copy(update={"data": data})


def _validation(config: TrainConfig, *, data_dir: Path, cache: Path) -> list[NDArray[np.float32]]:
    """Mix recordings that are kept out as the run mixes its own, with all instruments there."""
    if not config.validate_every:
        return []
    takes = list(config.validation.takes)
    for name in select(data_dir, takes):
        if any(fnmatch(name, pattern) for pattern in config.data.test):
            raise ConfigError(
                f"{config.name}: validation.takes: {name} is kept out by data.test; what chooses "
                "the weights cannot test them"
            )
    held = config.data.model_copy(update={"test": takes})
    try:
        bank = load_bank(data_dir, held, test=True, cache=cache)
    except ConfigError as error:
        raise ConfigError(f"{config.name}: validation.takes: {error}") from error
    mix = config.mix.model_copy(update={"absent": {}})
    return fixed_stems(Mixer(bank, mix), config.validation.mixtures)


def _with_ensembles(
    solos: Mixer, config: TrainConfig, *, data_dir: Path, cache: Path, report: Report
) -> Drawer:
    """Let `config.ensemble_share` of the mixtures be rendered from the recordings."""
    if not config.ensemble_share:
        return solos
    from carnatic_sep.ensemble.orders import make_ensemble
    from carnatic_sep.training.kutcheri import EnsembleMixer, SharedMixer

    report(f"{data_dir}: preparing players for rendered ensembles (once, kept in {cache})")
    ensemble = make_ensemble(
        bank=data_dir,
        data=config.data,
        cache=cache,
        config=config.ensemble,
        sample_rate=SAMPLE_RATE,
    )
    rendered = EnsembleMixer(ensemble, seconds=config.mix.seconds)
    return SharedMixer(solos, rendered, share=config.ensemble_share)


def _model(config: TrainConfig, report: Report) -> SeparationModel:
    """Build or load the network, and check that it fits what the mixer draws."""
    if config.init_from:
        model = load_checkpoint(config.init_from).train()
        if model.architecture != config.architecture:
            raise ConfigError(
                f"{config.init_from}: is a {model.architecture}, not {config.architecture}"
            )
        model = grow(
            model, config.model, build=lambda options: _built(config, options), report=report
        ).train()
    else:
        model = _built(config, config.model)
    if tuple(model.stems) != MIXED_STEMS:
        raise ConfigError(f"{config.name}: the mixer makes the stems {', '.join(MIXED_STEMS)}")
    if model.sample_rate != SAMPLE_RATE:
        raise ConfigError(f"{config.name}: the mixer works at {SAMPLE_RATE} Hz; so must the model")
    if config.loss == "band_complex_l1" and not isinstance(model, BandUNet):
        raise ConfigError(f"{config.name}: loss band_complex_l1 needs architecture band_unet")
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _built(config: TrainConfig, model: Mapping[str, Any]) -> SeparationModel:
    known = architectures().get(config.architecture)
    if known is not None:
        options = list(signature(known).parameters)
        for key in model:
            if key not in options:
                hint = nearest(key, options) or f"its keys are {', '.join(options)}"
                raise ConfigError(f"{config.name}: model.{key}: unknown key; {hint}")
    try:
        return build(config.architecture, **model)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{config.name}: model: {error}") from error


def _batches(
    config: TrainConfig, mixer: Drawer, model: SeparationModel, step: int, rank: int
) -> IterableDataset[Any]:
    """Batches of process `rank` from `step` on: band statistics or stems, as the loss wants."""
    batches = _mixtures(config, mixer, step=step, rank=rank)
    if config.loss == "band_complex_l1":
        assert isinstance(model, BandUNet)
        return BandBatches(batches, model)
    return batches


def _mixtures(
    config: TrainConfig, mixer: Drawer, *, step: int = 0, rank: int = 0
) -> MixtureBatches:
    return MixtureBatches(
        mixer,
        batch_size=config.batch_size,
        seed=config.seed,
        first_step=step * config.accumulate,
        reuse=config.reuse,
        rank=rank,
    )


def _waveforms(batches: MixtureBatches) -> list[dict[str, NDArray[np.float32]]]:
    stems = next(iter(batches)).numpy()
    return [
        {"mixture": each.sum(axis=0), **dict(zip(MIXED_STEMS, each, strict=True))} for each in stems
    ]


def _provenance(
    config: TrainConfig, bank: SoloBank, *, voices: int, synthesised: int, data_dir: Path
) -> Provenance:
    return Provenance(
        name=config.name,
        description=f"{config.architecture} trained on mixtures of solo recordings",
        licence="CC BY-NC-SA 4.0",
        credits=credits_of(data_dir, config.data),
        trained_on=f"{voices} voice clips, {len(bank.notes)} violin notes, "
        f"{len(bank.pieces)} violin pieces, {len(bank.strokes)} mridangam takes; "
        f"{config.rendered_voices} phrases sung by rule, {synthesised} synthesised singers, "
        "synthesised tanpura, ghatam and kanjira",
        seed=config.seed,
        extra={"config": config.model_dump(mode="json")},
    )
