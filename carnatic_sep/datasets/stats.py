"""What a dataset holds: hours, concerts, people, ragas, stems, parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from carnatic_sep.datasets.multitrack import Multitrack
from carnatic_sep.datasets.registry import Dataset
from carnatic_sep.errors import CarnaticSepError
from carnatic_sep.transfer.origin import OnProgress


@dataclass(frozen=True)
class DatasetStats:
    """Counts over a dataset; lengths are those of the longest file of each track.

    Attributes
    ----------
    tracks, multitracks : all recordings, and those that have stems
    seconds : length of all that can be opened
    concerts : number of concerts
    stem_seconds : stem to the length of the tracks that have it
    stem_tracks : stem to the number of tracks that have it
    microphones : name of a microphone to the number of tracks that have it
    sample_rates : Hz to number of tracks
    artists : lead artist to number of tracks
    ragas, talas : name to number of tracks
    with_tonic : number of tracks whose tonic is known
    annotations : kind to number of tracks that have it
    parts : part of the split to tracks and seconds; empty where there is no split
    unreadable : ids of tracks that could not be opened
    """

    dataset: str
    root: Path
    tracks: int
    multitracks: int
    seconds: float
    concerts: int
    stem_seconds: Mapping[str, float]
    stem_tracks: Mapping[str, int]
    microphones: Mapping[str, int]
    sample_rates: Mapping[int, int]
    artists: Mapping[str, int]
    ragas: Mapping[str, int]
    talas: Mapping[str, int]
    with_tonic: int
    annotations: Mapping[str, int]
    parts: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()


def track_seconds(
    tracks: list[Multitrack], *, on_progress: OnProgress | None = None
) -> tuple[dict[str, float], dict[str, int], list[str]]:
    """Return length and sample rate by track id, and the ids of those that cannot be opened."""
    seconds: dict[str, float] = {}
    rates: dict[str, int] = {}
    unreadable: list[str] = []
    for number, track in enumerate(tracks, start=1):
        try:
            rate, frames = track.info()
            seconds[track.id], rates[track.id] = frames / rate, rate
        except CarnaticSepError:
            unreadable.append(track.id)
        if on_progress is not None:
            on_progress("reading headers", number, len(tracks))
    return seconds, rates, unreadable


def dataset_stats(dataset: Dataset, *, on_progress: OnProgress | None = None) -> DatasetStats:
    """Count what is in `dataset`; only headers and metadata are read.

    Raises
    ------
    DatasetError
        There is no such folder or no track in it.
    """
    tracks = dataset.tracks()
    seconds, rates, unreadable = track_seconds(tracks, on_progress=on_progress)
    stem_seconds: dict[str, float] = {}
    for track in tracks:
        for stem in track.stems:
            stem_seconds[stem] = stem_seconds.get(stem, 0.0) + seconds.get(track.id, 0.0)
    return DatasetStats(
        dataset=dataset.name,
        root=dataset.root,
        tracks=len(tracks),
        multitracks=sum(bool(track.stems) for track in tracks),
        seconds=sum(seconds.values()),
        concerts=len({track.concert for track in tracks}),
        stem_seconds=stem_seconds,
        stem_tracks=_counted(stem for track in tracks for stem in track.stems),
        microphones=_counted(m.name for track in tracks for m in track.microphones),
        sample_rates=dict(Counter(rates.values()).most_common()),
        artists=_counted(
            name for track in tracks for name in {a.name for a in track.artists if a.role == "lead"}
        ),
        ragas=_counted(track.raga for track in tracks if track.raga),
        talas=_counted(track.tala for track in tracks if track.tala),
        with_tonic=sum(track.tonic_hz is not None for track in tracks),
        annotations=_counted(kind for track in tracks for kind in track.annotations),
        parts=_parts(dataset, seconds),
        unreadable=tuple(unreadable),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))


def _parts(dataset: Dataset, seconds: Mapping[str, float]) -> dict[str, tuple[int, float]]:
    try:
        parts = dataset.parts()
    except CarnaticSepError:
        return {}
    return {
        name: (len(members), sum(seconds.get(track.id, 0.0) for track in members))
        for name, members in parts.items()
    }
