"""Datasets, tracks and reports as plain values: what a program reads and a person is shown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from carnatic_sep.datasets.home import dataset_home
from carnatic_sep.datasets.layout import read_layout, shipped_layouts
from carnatic_sep.datasets.multitrack import Multitrack
from carnatic_sep.datasets.registry import PLAIN, Dataset
from carnatic_sep.datasets.splits import SplitFile
from carnatic_sep.datasets.stats import DatasetStats, track_seconds
from carnatic_sep.datasets.validate import ValidationReport
from carnatic_sep.errors import DatasetError

_SECONDS_PER_HOUR = 3600


def known_datasets() -> list[dict[str, Any]]:
    """Return name, title, licence and state of every dataset that is known by name."""
    layouts = [read_layout(name) for name in shipped_layouts() if name != PLAIN]
    return [
        {
            "name": layout.name,
            "title": layout.title,
            "licence": layout.licence,
            "checked": layout.checked,
            "public": bool(layout.download) or layout.loader == "saraga",
            "here": _is_here(layout.name),
        }
        for layout in layouts
    ]


def _is_here(name: str) -> bool:
    try:
        return dataset_home(name).is_dir()
    except (DatasetError, OSError):  # without a home, or one that may not be looked into
        return False


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return what a dataset is and how it lies on disk."""
    layout = dataset.layout
    own_names = {stem: ", ".join(names) for stem, names in layout.names.items()}
    checked = "on the real thing" if layout.checked else f"NOT CHECKED. {layout.unchecked}"
    return {
        "name": dataset.name,
        "title": layout.title,
        "description": layout.description,
        "home": layout.home,
        "licence": layout.licence,
        "checked": checked,
        "folder": str(dataset.root),
        "here": dataset.root.is_dir(),
        "stems": list(layout.stems),
        "mixture": list(layout.mixture),
        "mixture_is_the_sum": layout.mixture_is_sum_of_stems,
        "expected_stems": list(layout.expected),
        "own_names": own_names,
        "download": [remote.url for remote in layout.download],
        "how_to_get": layout.how_to_get,
        "split": layout.split,
    }


def track_facts(track: Multitrack) -> dict[str, Any]:
    """Return what is known of a track; its audio is not opened."""
    return {
        "id": track.id,
        "concert": track.concert,
        "artists": [f"{artist.name} ({artist.role})" for artist in track.artists],
        "stems": {name: ", ".join(m.name for m in feeds) for name, feeds in track.stems.items()},
        "mixture": str(track.mixture) if track.mixture else None,
        "mixture_is_the_sum": track.mixture_is_sum_of_stems,
        "tonic_hz": track.tonic_hz,
        "raga": track.raga,
        "tala": track.tala,
        "annotations": sorted(track.annotations),
        "licence": track.licence,
    }


def report_facts(report: ValidationReport) -> dict[str, Any]:
    """Return a validation report."""
    return {
        "dataset": report.dataset,
        "root": str(report.root),
        "tracks": len(report.tracks),
        "files": report.files,
        "seconds": report.seconds,
        "checksums_from": report.checksums_from,
        "faults": len(report.faults),
        "problems": [asdict(problem) for problem in report.problems],
        "usable": report.usable,
    }


def split_facts(dataset: Dataset, split: SplitFile) -> dict[str, Any]:
    """Return the parts of a split by id with their hours, and what could not be opened."""
    seconds, _, unreadable = track_seconds(dataset.tracks())
    return {
        "dataset": dataset.name,
        "by": split.by,
        "seed": split.seed,
        "parts": {
            name: {
                "tracks": list(ids),
                "hours": sum(seconds.get(i, 0.0) for i in ids) / _SECONDS_PER_HOUR,
            }
            for name, ids in split.parts.items()
        },
        "unreadable": sorted(unreadable),
    }


def stats_facts(stats: DatasetStats) -> dict[str, Any]:
    """Return the counts over a dataset, lengths in hours."""
    facts = asdict(stats)
    facts["root"] = str(stats.root)
    facts["hours"] = facts.pop("seconds") / _SECONDS_PER_HOUR
    facts.pop("stem_seconds")
    facts.pop("stem_tracks")
    facts["stems"] = {
        stem: {"tracks": stats.stem_tracks[stem], "hours": seconds / _SECONDS_PER_HOUR}
        for stem, seconds in stats.stem_seconds.items()
    }
    facts["parts"] = {
        name: {"tracks": tracks, "hours": seconds / _SECONDS_PER_HOUR}
        for name, (tracks, seconds) in stats.parts.items()
    }
    order = ["dataset", "root", "tracks", "multitracks", "hours", "concerts", "stems", "parts"]
    return {key: facts[key] for key in order} | {k: v for k, v in facts.items() if k not in order}
