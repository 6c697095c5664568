"""From files and folders on a command line to the tracks in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.audio.info import AUDIO_SUFFIXES
from carnatic_sep.errors import UsageError
from carnatic_sep.files import below

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Track:
    """One input file.

    Attributes
    ----------
    path : the file, which may not exist
    name : what its outputs are called after; with the folder below the one that was named
    """

    path: Path
    name: str


def find_tracks(inputs: Sequence[Path], *, out_dir: Path) -> list[Track]:
    """Return the files that `inputs` name, and the audio files in the folders that they name.

    Folders are searched to any depth and through links, in the order of the names in them. Hidden
    files are left out, and what lies in `out_dir` too, so that the stems of an earlier run are not
    separated again. A file that is named twice is taken once.

    Raises
    ------
    UsageError
        No input, or a folder with no audio file in it.
    """
    if not inputs:
        raise UsageError("no input: name at least one audio file or folder")
    tracks: dict[Path, Track] = {}
    for given in inputs:
        # os.path, which takes what may not be looked at for a file: the reader says why
        folder = os.path.isdir(given)  # noqa: PTH112
        found = _in_folder(given, out_dir) if folder else [Track(given, plain_name(given))]
        for track in found:
            tracks.setdefault(_real(track.path), track)
    return list(tracks.values())


def plain_name(path: Path) -> str:
    """Return a file's name without suffix, or with it where the rest would lead to a folder.

    >>> plain_name(Path("concert.flac")), plain_name(Path("...wav"))
    ('concert', '...wav')
    """
    return path.name if path.stem in (".", "..") else path.stem


def _in_folder(folder: Path, out_dir: Path) -> list[Track]:
    files = sorted(
        path
        for path in below(folder)
        if path.suffix.lower() in AUDIO_SUFFIXES
        and _is_recording(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not _below(path, out_dir)
    )
    if not files:
        besides = (
            ", for all of it lies in --out, which is left out" if _below(folder, out_dir) else ""
        )
        raise UsageError(
            f"{folder}: no audio file in this folder{besides}; known ones end in "
            f"{' '.join(sorted(AUDIO_SUFFIXES))}"
        )
    return [Track(path, path.relative_to(folder).with_suffix("").as_posix()) for path in files]


def _is_recording(path: Path) -> bool:
    """Tell a file, and what may be one that somebody misses: a link to nothing, a locked folder."""
    try:
        return path.is_file() or (path.is_symlink() and not path.exists())
    except OSError:
        return True


def _below(path: Path, folder: Path) -> bool:
    return _real(path).is_relative_to(_real(folder))


def _real(path: Path) -> Path:
    """Follow links as far as they lead anywhere; the reader reports those that run in circles."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()
