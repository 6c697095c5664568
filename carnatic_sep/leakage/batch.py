"""Many tracks, one after the other: a track that fails is named, and the others go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from carnatic_sep.errors import AudioWriteError, CarnaticSepError, UsageError
from carnatic_sep.files import growing
from carnatic_sep.leakage.config import CleanConfig

if TYPE_CHECKING:
    from carnatic_sep.audio.formats import OutputFormat
    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.leakage.clean_files import CleanedTrack
    from carnatic_sep.leakage.inspect import Inspection

__all__ = ["Batch", "clean_tracks", "inspect_tracks", "select_tracks"]

_DEFAULT = CleanConfig()

Found = TypeVar("Found")
OnStep = Callable[[str, int, int | None], None]
"""Called with a track's id, what is done and how much there is."""


@dataclass
class Batch(Generic[Found]):
    """What came of each track.

    Attributes
    ----------
    found : id to result
    failed : id to what went wrong
    left_out : ids of recordings without any stem, as half of a collection may be
    notes : what one should know of tracks that came out: files that end before the others
    """

    found: dict[str, Found] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def select_tracks(
    dataset: str, *, root: Path | None = None, ids: Iterable[str] | None = None
) -> list[Multitrack]:
    """Return the tracks of a dataset (its name, a layout or a folder), or those with `ids`.

    Raises
    ------
    DatasetError, UnknownNameError
        No such dataset, folder or track.
    """
    from carnatic_sep.datasets.registry import load_dataset

    loaded = load_dataset(dataset, root=root)
    return [loaded.track(name) for name in ids] if ids else loaded.tracks()


def clean_tracks(
    tracks: Iterable[Multitrack],
    out_dir: Path,
    *,
    config: CleanConfig = _DEFAULT,
    output_format: OutputFormat | None = None,
    overwrite: bool = False,
    on_step: OnStep | None = None,
) -> Batch[CleanedTrack]:
    """Clean each track as `clean_files.clean_multitrack` does; what is done already is skipped.

    So is what earlier calls have written below `out_dir`, where that lies within the dataset.
    """
    from carnatic_sep.leakage.clean_files import clean_multitrack, was_cleaned

    batch: Batch[CleanedTrack] = Batch()
    for track in tracks:
        if was_cleaned(track, out_dir):
            continue
        if not track.stems:
            batch.left_out.append(track.id)
            continue

        def tell(done: int, total: int, name: str = track.id) -> None:
            if on_step is not None:
                on_step(name, done, total)

        try:
            batch.found[track.id] = clean_multitrack(
                track,
                out_dir,
                config=config,
                output_format=output_format,
                overwrite=overwrite,
                on_progress=tell,
            )
            batch.notes += _early_ends(track)
        except CarnaticSepError as error:
            batch.failed[track.id] = str(error)
    return batch


def inspect_tracks(
    tracks: Iterable[Multitrack],
    *,
    out_dir: Path | None = None,
    seconds: float = 60.0,
    on_step: OnStep | None = None,
) -> Batch[Inspection]:
    """Inspect each track, and write ``ID.json`` and ``ID.png`` into `out_dir` if there is one.

    Raises
    ------
    AudioWriteError
        A report or a picture cannot be written.
    UsageError
        No length of time that could be looked at.
    """
    from carnatic_sep.leakage.inspect import inspect_track

    if not 0.0 < seconds < float("inf"):  # wrong for every track, so told once
        raise UsageError(f"--seconds {seconds}: give how much to look at, above 0")
    batch: Batch[Inspection] = Batch()
    chosen = list(tracks)
    for number, track in enumerate(chosen):
        if on_step is not None:
            on_step("tracks", number, len(chosen))
        if not track.stems:
            batch.left_out.append(track.id)
            continue
        try:
            batch.found[track.id] = found = inspect_track(track, seconds=seconds)
            batch.notes += _early_ends(track)
        except CarnaticSepError as error:
            batch.failed[track.id] = str(error)
            continue
        if out_dir is not None:
            _write_inspection(found, out_dir)
    return batch


def _early_ends(track: Multitrack) -> list[str]:
    """Say which files of a track are taken to be silent at its end."""
    rate, frames = track.info()
    return [
        f"{path}: ends {seconds:.2f} s before the longest file of {track.id} "
        f"({frames / rate:.2f} s); taken as silent from there"
        for path, seconds in track.early_ends().items()
    ]


def _write_inspection(found: Inspection, out_dir: Path) -> None:
    from carnatic_sep.leakage.picture import save_inspection

    path = out_dir / f"{found.track}.json"
    text = json.dumps(found.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        with growing(path) as place:
            place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AudioWriteError(
            f"{path}: cannot be written ({error.strerror}); choose another --out"
        ) from error
    save_inspection(found, out_dir / f"{found.track}.png")
