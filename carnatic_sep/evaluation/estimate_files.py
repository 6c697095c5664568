"""A folder of somebody's estimates: found per track, read, and refused where they do not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.info import AUDIO_SUFFIXES
from carnatic_sep.errors import EvaluationError, UnknownNameError
from carnatic_sep.stems import DEFAULT_STEMS, canonical

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE_SECONDS = 0.05
"""Estimates may be this much longer or shorter: what lossy formats pad, and no more."""


@dataclass(frozen=True)
class Estimates:
    """One track's estimates.

    Attributes
    ----------
    stems : stem -> (channels, frames)
    notes : what was left out or padded, in words
    """

    stems: dict[str, NDArray[np.float32]]
    notes: tuple[str, ...] = ()


def track_folder(folder: Path, track_id: str) -> Path:
    """Return the folder of a track's estimates: ``FOLDER/ID``, or by the id's last part.

    Raises
    ------
    EvaluationError
        Neither is there.
    """
    for found in (folder / track_id, folder / track_id.rpartition("/")[2]):
        if found.is_dir():
            return found
    raise EvaluationError(
        f"{folder}: no estimates of {track_id}; they belong into {folder / track_id}, "
        "as vocals.flac and so on"
    )


def estimate_files(folder: Path, wanted: tuple[str, ...]) -> tuple[dict[str, Path], list[str]]:
    """Return the file of each of the `wanted` stems, and notes on what else is there or is not.

    Raises
    ------
    EvaluationError
        None of them is there, or one is twice.
    """
    found: dict[str, Path] = {}
    extra: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in AUDIO_SUFFIXES or path.stem.lower() in ("mixture", "mix"):
            continue
        try:
            stem = canonical(path.stem)
        except UnknownNameError:
            extra.append(path.name)
            continue
        if stem in found:
            raise EvaluationError(
                f"{folder}: {found[stem].name} and {path.name} are both {stem}; keep one of them"
            )
        if stem in wanted:
            found[stem] = path
        else:
            extra.append(path.name)
    if not found:
        raise EvaluationError(f"{folder}: none of {', '.join(wanted)} is here; check the names")
    missing = [stem for stem in wanted if stem not in found]
    notes = [f"{folder}: no estimate of {stem}, so it has no score" for stem in missing]
    if extra:
        notes.append(f"{folder}: no reference for {', '.join(extra)}; left out")
    return {stem: found[stem] for stem in wanted if stem in found}, notes


def read_estimates(
    folder: Path,
    track_id: str,
    *,
    stems: tuple[str, ...] | None = None,
    sample_rate: int,
    frames: int,
) -> Estimates:
    """Read the estimates of one track.

    Parameters
    ----------
    folder : holds one folder per track
    stems : that there are references for; all of the vocabulary if None
    sample_rate : Hz, that the estimates must have
    frames : length that they must have, give or take :data:`TOLERANCE_SECONDS`

    Raises
    ------
    EvaluationError
        No estimates, or estimates of another rate or length; the message names the file.
    AudioReadError
        A file cannot be decoded, or holds NaN.
    """
    from carnatic_sep.audio.reader import read_audio

    files, notes = estimate_files(track_folder(folder, track_id), stems or DEFAULT_STEMS)
    found = {}
    for stem, path in files.items():
        audio, rate = read_audio(path)
        if rate != sample_rate:
            raise EvaluationError(
                f"{path}: has {rate} Hz but the references of {track_id} have {sample_rate} Hz; "
                "resample the estimates, or evaluate against references of their rate"
            )
        surplus = audio.shape[1] - frames
        if abs(surplus) > TOLERANCE_SECONDS * sample_rate:
            raise EvaluationError(
                f"{path}: lasts {audio.shape[1] / rate:.3f} s but {track_id} lasts "
                f"{frames / rate:.3f} s; separate the whole mixture, and cut nothing off"
            )
        if surplus:
            notes.append(f"{path}: {'cut' if surplus > 0 else 'padded'} by {abs(surplus)} frames")
        found[stem] = np.pad(audio[:, :frames], ((0, 0), (0, max(0, -surplus))))
    return Estimates(found, tuple(notes))
