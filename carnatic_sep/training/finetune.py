"""One fine-tuning run from a base and multitracks to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import lightning

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.errors import ConfigError
from carnatic_sep.models.bases import Base, load_base
from carnatic_sep.models.checkpoint import Provenance
from carnatic_sep.training.findings import track_findings
from carnatic_sep.training.finetune_config import FinetuneConfig, TracksConfig
from carnatic_sep.training.finetune_module import FinetuneModule
from carnatic_sep.training.fitting import earlier_state, fit, result
from carnatic_sep.training.listening import fixed_stems
from carnatic_sep.training.multitracks import Excerpts, MultitrackBatches, activities, chosen
from carnatic_sep.training.prepared import Prepared
from carnatic_sep.training.rehearsal import Rehearsal, rehearse
from carnatic_sep.training.surgery import Operation, operate
from carnatic_sep.training.validation import check_metric

if TYPE_CHECKING:
    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.datasets.registry import Dataset
    from carnatic_sep.models.base import SeparationModel
    from carnatic_sep.training.state import TrainingState
    from carnatic_sep.training.track_activity import TrackActivity

    Report = Callable[[str], None]


def finetune(
    config: FinetuneConfig,
    *,
    out_dir: Path,
    resume: bool = True,
    report: Report = lambda line: None,
    progress: Report | None = None,
    progress_seconds: float = 30.0,
) -> Path:
    """Fine-tune `config.base` on `config.dataset`; return the checkpoint to use.

    `out_dir/<name>/` holds what :func:`carnatic_sep.training.run.train` leaves too: checkpoint,
    state, logs and pictures. With `resume` an interrupted run goes on at the step of its last
    state.

    Parameters
    ----------
    report : takes a line for each thing that happens once, each step of the surgery among them
    progress : takes a line with step, loss and time left every `progress_seconds`; `report` if
        None

    Raises
    ------
    ConfigError
        No dataset is named, or the configuration fits neither it nor the base.
    CheckpointError
        The base cannot be loaded, or the state of an earlier run is damaged or of another network.
    DatasetError
        There are no tracks.
    KeyboardInterrupt
        After Ctrl-C; the step at hand was finished and its state kept.
    TrainingError
        A loss or gradient that is not finite; its batch was kept.
    """
    folder = out_dir / config.name
    open_tracks(config)  # what is wrong with the dataset is told before anything else
    state, done = earlier_state(config, folder, resume=resume, report=report)
    if state and done:
        return result(config, folder, state.standing)
    prepared = prepare(config, out_dir=out_dir, state=state, report=report)
    return fit(
        prepared,
        folder=folder,
        report=report,
        progress=progress or report,
        progress_seconds=progress_seconds,
    )


def prepare(
    config: FinetuneConfig,
    *,
    out_dir: Path,
    state: TrainingState | None = None,
    report: Report = lambda line: None,
) -> Prepared:
    """Operate on the base and look at the tracks; whatever does not fit is found here.

    Parameters
    ----------
    out_dir : its folder ``cache`` keeps what is computed once
    state : where an earlier run stopped

    Raises
    ------
    ConfigError, CheckpointError, DatasetError
        As :func:`finetune` does.
    """
    dataset, tracks = open_tracks(config)
    lightning.seed_everything(config.seed, verbose=False)
    base = load_base(config.base)
    operation = operate(
        base.model, config.surgery.stems, donors=config.surgery.donors, seed=config.seed
    )
    for line in describe(base, operation, config):
        report(line)
    model = operation.model
    _check(config, operation)
    kept_out = validation_tracks(config, dataset)
    learnt = [track for track in tracks if track.id not in {each.id for each in kept_out}]
    if not learnt:
        raise ConfigError(f"{config.name}: validation takes all {len(tracks)} tracks; leave some")
    cache = out_dir / "cache"
    if config.loss.needs_activity:
        report(f"telling who plays when in {len(learnt)} tracks (once; kept in {cache})")
    activity = activities(learnt, model.stems, cache=cache) if config.loss.needs_activity else {}
    excerpts = _excerpts(config.tracks, learnt, model, activity)
    module = FinetuneModule(
        model.train(), config, kept_parameters=operation.kept_parameters, state=state
    )

    def batches(rank: int) -> MultitrackBatches:
        return MultitrackBatches(
            excerpts,
            batch_size=config.batch_size,
            seed=config.seed,
            first_step=module.step * config.accumulate,
            rank=rank,
        )

    still = {"gain_db": (0.0, 0.0), "semitones": (0.0, 0.0)}
    as_played = config.tracks.model_copy(update=still)
    return Prepared(
        module,
        batches=batches,
        waveforms=lambda: next(iter(batches(0))).waveforms(model.stems),
        drawer=excerpts,
        validation=fixed_stems(
            _excerpts(as_played, kept_out, model, {}), config.validation.mixtures
        )
        if kept_out
        else [],
        provenance=_provenance(config, base, operation, dataset, learnt),
        findings=lambda: track_findings(learnt, model.stems),
    )


def rehearse_finetuning(
    config: FinetuneConfig, *, out_dir: Path, report: Report = lambda line: None
) -> Rehearsal:
    """Try `config` out: look at the tracks, run a few steps, picture a batch; train nothing.

    Raises
    ------
    ConfigError, CheckpointError, DatasetError, TrainingError, KeyboardInterrupt
        As :func:`finetune` does.
    """
    prepared = prepare(config, out_dir=out_dir, report=report)
    return rehearse(prepared, folder=out_dir / config.name, report=report)


def open_tracks(config: FinetuneConfig) -> tuple[Dataset, list[Multitrack]]:
    """Return the dataset and the tracks of it that `config` uses; no audio is opened.

    Raises
    ------
    ConfigError
        No dataset is named, or none of its tracks is left.
    DatasetError
        There is no such folder, or no track in it; or it has no split.
    UnknownNameError
        No dataset of that name, or no such part of its split.
    """
    if not config.dataset:
        raise ConfigError(f"{config.name}: no dataset; name one with --dataset, or in the file")
    dataset = load_dataset(config.dataset, root=config.tracks.root)
    part = config.tracks.split
    return dataset, chosen(dataset.split(part) if part else dataset.tracks(), config.tracks)


def describe(base: Base, operation: Operation, config: FinetuneConfig) -> list[str]:
    """Say what was done to the base and what learns when, a line each."""
    model = operation.model
    count = sum(parameter.numel() for parameter in model.parameters())
    lines = [
        f"{base.name}: a {base.model.architecture} for {', '.join(base.model.stems)}",
        *(f"  {graft}" for graft in operation.grafts),
        f"  {len(model.stems)} stems, {count:,} weights, {model.sample_rate} Hz",
    ]
    frozen = min(config.surgery.frozen_steps, config.last_step)
    kept = [graft.stem for graft in operation.grafts if graft.kept]
    if frozen and kept and len(kept) < len(operation.grafts):
        lines.append(f"  steps 1 to {frozen}: {', '.join(kept)} frozen; then all learns")
    elif frozen and not kept:
        lines.append("  all heads are new: all of them learn from the first step")
    return lines


def validation_tracks(config: FinetuneConfig, dataset: Dataset) -> list[Multitrack]:
    """Return the tracks that validation uses and the run does not learn from.

    Raises
    ------
    ConfigError
        Validation is asked for and there is no track for it, or its metric needs more than tracks.
    """
    if not config.validate_every:
        return []
    check_metric(config)
    wanted = config.validation
    if not wanted.split and not wanted.tracks:
        raise ConfigError(
            f"{config.name}: validate_every needs tracks that are kept out of training; name a "
            "part of the split in validation.split, or patterns in validation.tracks"
        )
    tracks = dataset.split(wanted.split) if wanted.split else dataset.tracks()
    patterns = TracksConfig(include=wanted.tracks or ("*",))
    try:
        return chosen(tracks, patterns)
    except ConfigError as error:
        raise ConfigError(f"{config.name}: validation.tracks: {error}") from error


def _check(config: FinetuneConfig, operation: Operation) -> None:
    model = operation.model
    if config.stem_weights is not None and len(config.stem_weights) != len(model.stems):
        raise ConfigError(
            f"{config.name}: stem_weights has {len(config.stem_weights)} numbers for "
            f"{len(model.stems)} stems"
        )
    if len(operation.kept_parameters) == len(list(model.parameters())) and (
        config.surgery.frozen_steps
    ):
        raise ConfigError(
            f"{config.name}: surgery.frozen_steps is {config.surgery.frozen_steps}, but no head is "
            "new, so nothing would learn; set it to 0"
        )


def _excerpts(
    config: TracksConfig,
    tracks: list[Multitrack],
    model: SeparationModel,
    activity: Mapping[str, TrackActivity],
) -> Excerpts:
    return Excerpts(
        tracks,
        config,
        stems=model.stems,
        sample_rate=model.sample_rate,
        channels=model.channels or 1,
        frames=round((config.seconds or model.segment_seconds) * model.sample_rate),
        activity=activity,
    )


def _provenance(
    config: FinetuneConfig,
    base: Base,
    operation: Operation,
    dataset: Dataset,
    tracks: list[Multitrack],
) -> Provenance:
    licences = sorted({track.licence for track in tracks if track.licence} | {base.licence})
    return Provenance(
        name=config.name,
        description=f"{base.name} fine-tuned on {dataset.layout.title}",
        licence="; ".join(licences),
        credits=[*base.credits, f"{dataset.name}: {len(tracks)} tracks"],
        trained_on=f"{len(tracks)} tracks of {dataset.name}, after {base.name}",
        seed=config.seed,
        extra={
            "config": config.model_dump(mode="json"),
            "surgery": [str(graft) for graft in operation.grafts],
        },
    )
