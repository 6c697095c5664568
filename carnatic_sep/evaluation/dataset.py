"""Evaluate systems on a dataset: scores of every track, a summary, and a report to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from carnatic_sep.errors import EvaluationError, UsageError
from carnatic_sep.evaluation.contenders import Contender, line_up
from carnatic_sep.evaluation.options import EvaluationOptions
from carnatic_sep.evaluation.parts import Part, fingerprint, load_part, save_part, write_text
from carnatic_sep.evaluation.workers import score_tracks
from carnatic_sep.separation.checks import whole_number

if TYPE_CHECKING:
    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.datasets.registry import Dataset

PARTS = "tracks"
SUMMARY = "summary.json"
REPORT = "report.html"


class Watcher(Protocol):
    """Is told how an evaluation goes on."""

    def begin(self, tracks: int, reused: int) -> None:
        """Take how many tracks there are, and how many of them an earlier run has scored."""

    def scored(self, part: Part) -> None:
        """Take a track that has just been scored."""


class _Nobody:
    def begin(self, tracks: int, reused: int) -> None:
        pass

    def scored(self, part: Part) -> None:
        pass


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes
    ----------
    summary : means, intervals, pairs and scores of tracks, as ``summary.json`` holds them
    parts : all scores, by the second too, in the dataset's order
    files : what was written
    """

    summary: dict[str, Any]
    parts: tuple[Part, ...]
    files: tuple[Path, ...] = ()

    @property
    def failures(self) -> dict[str, str]:
        """``TRACK`` or ``TRACK, SYSTEM`` -> why it has no scores."""
        return {
            f"{part.track}, {system}" if system else part.track: why
            for part in self.parts
            for system, why in part.failed.items()
        }


def evaluate(
    model: str | Path | Sequence[str | Path] = (),
    *,
    dataset: str | Path | Dataset,
    estimates: Path | str | Sequence[Path | str] = (),
    split: str | None = None,
    out: Path | str | None = None,
    baselines: Sequence[str] | None = None,
    options: EvaluationOptions | None = None,
    root: Path | None = None,
    jobs: int = 1,
    views: int = 1,
    overwrite: bool = False,
    watcher: Watcher | None = None,
) -> Evaluation:
    """Score models or folders of estimates on a dataset, beside floors and bounds.

    Parameters
    ----------
    model : name or checkpoint file, or several
    dataset : a name, a folder of tracks, or a dataset
    estimates : folder of ``TRACK/STEM.ext``, or several
    split : part of the dataset; all of it if None
    out : folder for ``scores.csv``, ``scores.parquet``, ``summary.json``, ``report.html`` and the
        scores of each track, from which an interrupted evaluation goes on; no files if None
    baselines : names in :data:`carnatic_sep.evaluation.contenders.BASELINES`; all if None
    options : what else is asked
    root : where the dataset of that name lies
    jobs : processes, each with one track in memory
    views : how many times each model looks; see :class:`carnatic_sep.Separator`
    overwrite : replace the report in `out`; tracks of which nothing changed are not scored again
    watcher : is told of every track

    Raises
    ------
    UsageError
        Nothing to score, a report in `out` already, or an impossible option.
    UnknownNameError
        No such model, dataset, split, baseline or metric.
    EvaluationError
        No track could be scored.

    Examples
    --------
    >>> found = evaluate("default", dataset="renders", out="report")  # doctest: +SKIP
    >>> found.summary["summary"]["default"]["vocals"]["lc_sdr"]["mean"]  # doctest: +SKIP
    """
    from carnatic_sep.metrics.registry import select

    chosen = options or EvaluationOptions()
    jobs = whole_number(jobs, what="jobs")
    views = whole_number(views, what="views")
    folder = Path(out) if out is not None else None
    if folder is not None and (folder / SUMMARY).exists() and not overwrite:
        raise UsageError(
            f"{folder / SUMMARY}: is there already; give --overwrite, or another folder"
        )
    select(chosen.metrics)  # an unknown name is told of before hours of work
    systems = line_up(
        models=_several(model),
        estimates=[Path(each) for each in _several(estimates)],
        baselines=None if baselines is None else _several(baselines),
        views=views,
    )
    found = _dataset(dataset, root)
    tracks = found.split(split) if split else found.tracks()
    parts = _score(tracks, systems, chosen, folder=folder, jobs=jobs, watcher=watcher or _Nobody())
    if not any(part.scores for part in parts):
        reasons = next((why for part in parts for why in part.failed.values()), "no metric applies")
        raise EvaluationError(f"{found.name}: no track could be scored; the first: {reasons}")
    return _conclude(parts, systems, chosen, name=found.name, split=split, folder=folder)


def _several(one_or_more: Any) -> list[Any]:
    if isinstance(one_or_more, (str, Path)):
        return [one_or_more]
    if not isinstance(one_or_more, Iterable):
        raise UsageError(f"{one_or_more!r}: give a name, a path, or several of them")
    return list(one_or_more)


def _dataset(dataset: str | Path | Dataset, root: Path | None) -> Dataset:
    if isinstance(dataset, (str, Path)):
        from carnatic_sep.datasets.registry import load_dataset

        return load_dataset(dataset, root=root)
    if not hasattr(dataset, "tracks"):
        raise UsageError(f"dataset {dataset!r}: give a name, a folder of tracks, or a Dataset")
    return dataset


def _score(
    tracks: Sequence[Multitrack],
    systems: tuple[Contender, ...],
    options: EvaluationOptions,
    *,
    folder: Path | None,
    jobs: int,
    watcher: Watcher,
) -> list[Part]:
    """Return a part of each track, from an earlier run where nothing has changed since."""
    marks = {track.id: fingerprint(track, systems, options) for track in tracks}
    parts: dict[str, Part] = {}
    if folder is not None:
        for track in tracks:
            part = load_part(folder / PARTS, track.id, marks[track.id])
            if part is not None and not part.failed:
                parts[track.id] = part
    watcher.begin(len(tracks), len(parts))
    waiting = [(track, marks[track.id]) for track in tracks if track.id not in parts]
    for part in score_tracks(waiting, systems, options, jobs=jobs):
        if folder is not None:
            save_part(folder / PARTS, part)
        parts[part.track] = part
        watcher.scored(part)
    return [parts[track.id] for track in tracks]


def _conclude(
    parts: Sequence[Part],
    systems: Sequence[Contender],
    options: EvaluationOptions,
    *,
    name: str,
    split: str | None,
    folder: Path | None,
) -> Evaluation:
    from carnatic_sep.evaluation.summary import summarise
    from carnatic_sep.evaluation.versions import versions

    summary = summarise(
        parts,
        systems,
        options,
        dataset={"name": name, "split": split},
        versions=versions(cleaned=options.cleaned),
    )
    if folder is None:
        return Evaluation(summary, tuple(parts))

    from carnatic_sep.evaluation.report.page import report_page
    from carnatic_sep.evaluation.tables import write_tables

    files = write_tables(folder, parts)
    excerpts = [excerpt for part in parts for excerpt in part.excerpts]
    tracks_of = [part.track for part in parts for _ in part.excerpts]
    page = report_page(summary, list(zip(tracks_of, excerpts, strict=True)))
    write_text(folder / REPORT, page)
    # Last, because it says that all the rest is there.
    write_text(folder / SUMMARY, json.dumps(summary, indent=1, allow_nan=False) + "\n")
    return Evaluation(summary, tuple(parts), (*files, folder / REPORT, folder / SUMMARY))
