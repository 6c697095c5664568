"""One fine-tuning run from a base and multitracks to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import lightning
from torch.utils.data import DataLoader

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.errors import ConfigError
from carnatic_sep.models.bases import Base, load_base
from carnatic_sep.models.checkpoint import Provenance
from carnatic_sep.training.finetune_config import FinetuneConfig
from carnatic_sep.training.finetune_module import FinetuneModule
from carnatic_sep.training.fitting import fit
from carnatic_sep.training.interrupt import ignore_interrupts
from carnatic_sep.training.keeper import CHECKPOINT_FILE, STATE_FILE, Keeper
from carnatic_sep.training.multitracks import Excerpts, MultitrackBatches, activities, chosen
from carnatic_sep.training.progress import ProgressLines
from carnatic_sep.training.state import load_state
from carnatic_sep.training.surgery import Operation, operate

if TYPE_CHECKING:
    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.datasets.registry import Dataset

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
    """Fine-tune `config.base` on `config.dataset`; return the checkpoint's path.

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
    """
    folder = out_dir / config.name
    dataset, tracks = open_tracks(config)
    state_path = folder / STATE_FILE
    state = load_state(state_path) if resume and state_path.is_file() else None
    if state and state.step >= config.last_step:
        report(f"{folder}: all {config.last_step} steps are done")
        return folder / CHECKPOINT_FILE

    lightning.seed_everything(config.seed, verbose=False)
    base = load_base(config.base)
    operation = operate(
        base.model, config.surgery.stems, donors=config.surgery.donors, seed=config.seed
    )
    for line in describe(base, operation, config):
        report(line)
    if state:
        report(f"{folder}: going on at step {state.step} of {config.last_step}")
    excerpts = _excerpts(config, tracks, operation, cache=out_dir / "cache", report=report)
    module = FinetuneModule(
        operation.model.train(), config, kept_parameters=operation.kept_parameters, state=state
    )
    folder.mkdir(parents=True, exist_ok=True)
    provenance = _provenance(config, base, operation, dataset, tracks)
    batches = MultitrackBatches(
        excerpts, batch_size=config.batch_size, seed=config.seed, first_step=module.step
    )
    return fit(
        module,
        DataLoader(
            batches, batch_size=None, num_workers=config.workers, worker_init_fn=ignore_interrupts
        ),
        folder=folder,
        keeper=Keeper(folder, provenance, excerpts),
        report=report,
        progress=ProgressLines(progress or report, seconds=progress_seconds),
    )


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


def _excerpts(
    config: FinetuneConfig,
    tracks: list[Multitrack],
    operation: Operation,
    *,
    cache: Path,
    report: Report,
) -> Excerpts:
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
    if config.loss.needs_activity:
        report(f"telling who plays when in {len(tracks)} tracks (once; kept in {cache})")
    return Excerpts(
        tracks,
        config.tracks,
        stems=model.stems,
        sample_rate=model.sample_rate,
        channels=model.channels or 1,
        frames=round((config.tracks.seconds or model.segment_seconds) * model.sample_rate),
        activity=activities(tracks, model.stems, cache=cache) if config.loss.needs_activity else {},
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
