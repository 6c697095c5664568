"""Contours and strokes as plain csv files, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.pitch import PitchTrack, check_hop
from carnatic_sep.errors import AnalysisError, AudioWriteError
from carnatic_sep.files import growing, reason

if TYPE_CHECKING:
    from carnatic_sep.analysis.distribution import Distribution
    from carnatic_sep.analysis.rhythm import Rhythm

_UNEVEN = 0.02
_LENGTHS_DIFFER_SECONDS = 1.0


def write_text(path: Path, lines: Iterable[str]) -> None:
    """Write lines; see :func:`write_pieces`."""
    write_pieces(path, (f"{line}\n" for line in lines))


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """Write text, a piece in memory at a time, under a partial name; then give the file its own.

    Raises
    ------
    AudioWriteError
        It cannot be written.
    """
    try:
        with growing(path) as place, place.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
    except OSError as error:
        raise AudioWriteError(f"{path}: cannot be written ({reason(error)})") from error


def write_rows(path: Path, rows: Iterable[Sequence[float | str]], *, digits: int = 4) -> None:
    """Write rows of numbers and words with commas between them; see :func:`write_text`."""
    write_text(
        path,
        (
            ",".join(f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell) for cell in row)
            for row in rows
        ),
    )


def write_pitch(folder: Path, pitch: PitchTrack) -> None:
    """Write ``pitch.csv`` (seconds, Hz; 0 where unvoiced) and ``confidence.csv`` (seconds, 0..1).

    Two columns and no heading, as compIAM, mir_eval and Sonic Visualiser read them.
    """
    steps = 1e4 * pitch.hop_seconds
    digits = 4 if abs(steps - round(steps)) < 1e-6 else 7  # so that times are those of the hop
    for name, row in (("pitch.csv", pitch.f0), ("confidence.csv", pitch.confidence)):
        write_rows(folder / name, _pairs(pitch.times, row), digits=digits)


def read_pitch(
    path: Path, *, hop_seconds: float | None = None, lasts_seconds: float | None = None
) -> PitchTrack:
    """Read a contour: two columns of seconds and Hz, with commas or white space between.

    Parameters
    ----------
    hop_seconds : the hop that is wanted; the file's own if None
    lasts_seconds : length of the recording that it belongs to; the file's own if None

    Returns
    -------
    PitchTrack, brought to the hop where the file has another, and to the recording's length;
    confidence 1 where voiced

    Raises
    ------
    AnalysisError
        No such file, other contents, no voiced sample, times that are not evenly spaced, or a
        length more than a second from the recording's.
    """
    try:
        text = path.read_text(encoding="utf-8").replace(",", " ")
        lines = [line.split() for line in text.splitlines() if line.strip()]
        rows = np.array([[float(cell) for cell in line] for line in lines])
    except (OSError, ValueError) as error:
        raise AnalysisError(f"{path}: not a contour of seconds and Hz ({error})") from error
    if rows.ndim != 2 or rows.shape[1] != 2 or len(rows) < 2 or not np.isfinite(rows).all():
        raise AnalysisError(f"{path}: not a contour; it needs two columns, seconds and Hz")
    steps = np.diff(rows[:, 0])
    hop = float(np.median(steps))
    if hop <= 0.0 or np.any(np.abs(steps - hop) > _UNEVEN * hop + 1e-4) or abs(rows[0, 0]) > hop:
        raise AnalysisError(
            f"{path}: its times must rise evenly from 0 s on; the hop is {hop:.5f} s here but "
            f"{steps.min():.5f} to {steps.max():.5f} s elsewhere"
        )
    if not np.any(rows[:, 1] > 0.0):
        raise AnalysisError(f"{path}: no voiced sample in this contour; all are 0 Hz")
    hop = float((rows[-1, 0] - rows[0, 0]) / (len(rows) - 1))
    check_hop(hop)
    f0 = np.maximum(rows[:, 1], 0.0)  # some write a doubtful pitch with a minus
    found = PitchTrack(f0, (f0 > 0.0).astype(np.float64), hop, path.name)
    found = found if hop_seconds is None else found.resampled(hop_seconds)
    return found if lasts_seconds is None else _fitted(path, found, lasts_seconds)


def _fitted(path: Path, pitch: PitchTrack, seconds: float) -> PitchTrack:
    """Cut a contour to a recording, or leave the recording's end unvoiced."""
    own = len(pitch.f0) * pitch.hop_seconds
    if abs(own - seconds) > _LENGTHS_DIFFER_SECONDS:
        raise AnalysisError(
            f"{path} lasts {own:.2f} s but the recording {seconds:.2f} s: it is the contour of "
            "another recording, or of a part of it"
        )
    count = int(np.ceil(seconds / pitch.hop_seconds - 1e-6))
    more = (0, max(0, count - len(pitch.f0)))
    f0, confidence = (np.pad(row, more)[:count] for row in (pitch.f0, pitch.confidence))
    return PitchTrack(f0, confidence, pitch.hop_seconds, pitch.tracker)


def write_distributions(folder: Path, folded: Distribution, unfolded: Distribution) -> None:
    """Write ``histogram-folded.csv`` and ``histogram.csv`` (cents over Sa, share of the time)."""
    for name, found in (("histogram-folded.csv", folded), ("histogram.csv", unfolded)):
        write_rows(folder / name, _pairs(found.cents, found.density), digits=6)


def write_rhythm(folder: Path, rhythm: Rhythm) -> None:
    """Write ``strokes.csv`` and ``tempo.csv``, with a line of headings each."""
    heading = ["seconds", "hand", "left", "right", "left_db", "right_db"]
    strokes: list[list[float | str]] = [
        [each.seconds, each.hand, each.left, each.right, each.left_db, each.right_db]
        for each in rhythm.strokes
    ]
    write_rows(folder / "strokes.csv", [heading, *strokes])
    tempo = _pairs(rhythm.tempo_times, rhythm.tempo_per_minute)
    write_rows(folder / "tempo.csv", [["seconds", "aksharas_per_minute"], *tempo])


def _pairs(one: Iterable[float], other: Iterable[float]) -> Iterator[list[float]]:
    return ([float(a), float(b)] for a, b in zip(one, other, strict=True))
