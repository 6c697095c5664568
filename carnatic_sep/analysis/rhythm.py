"""The mridangam: its strokes, which hand they belong to, the pulse under them, and sama."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.pulse import find_pulse
from carnatic_sep.analysis.windows import RATE, Window, mono_blocks, windows
from carnatic_sep.errors import AnalysisError
from carnatic_sep.metrics.rhythm import detect_onsets, loudest_band

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from carnatic_sep.analysis.windows import Mono

    Row = NDArray[np.float64]

_CORE_SECONDS, _MARGIN_SECONDS = 30.0, 1.0
_LEFT_HZ, _RIGHT_HZ = (50.0, 250.0), (250.0, 8000.0)
_STROKE_SECONDS = 0.06
_RANGE_DB = 30.0
_SOUNDS_DB = -12.0
_NEAR_SAMA_SECONDS = 0.05


@dataclass(frozen=True)
class Stroke:
    """One stroke.

    Attributes
    ----------
    seconds : when
    left, right : how strongly each head sounds, 0 to 1: dB within 30 of the piece's loud strokes
    left_db, right_db : levels in 50 to 250 Hz and 250 Hz to 8 kHz over the first 60 ms, dB
    """

    seconds: float
    left: float
    right: float
    left_db: float
    right_db: float

    @property
    def hand(self) -> str:
        """``left``, ``right`` or ``both``: the head that sounds, or both if within 12 dB."""
        difference = (self.left - self.right) * _RANGE_DB
        if difference > -_SOUNDS_DB:
            return "left"
        return "right" if difference < _SOUNDS_DB else "both"


@dataclass(frozen=True)
class Rhythm:
    """What the mridangam plays.

    Attributes
    ----------
    strokes : in order
    pulse_per_minute : the akshara pulse (the fast grid that strokes fall on); NaN without one
    pulse_confidence : 0 to 1, how much better strokes fit that grid than chance
    tempo_times, tempo_per_minute : (points,), how the pulse changes over the piece
    """

    strokes: tuple[Stroke, ...]
    pulse_per_minute: float
    pulse_confidence: float
    tempo_times: Row
    tempo_per_minute: Row

    @property
    def onsets(self) -> Row:
        """Times of all strokes, (strokes,), seconds."""
        return np.array([stroke.seconds for stroke in self.strokes], dtype=np.float64)


@dataclass(frozen=True)
class SamaAgreement:
    """How the strokes lie about annotated samas.

    Attributes
    ----------
    with_stroke : share of samas with a stroke within 50 ms
    by_chance : the same share for times drawn at random between first and last sama
    pulses_per_cycle : median of annotated cycle over pulse; near a whole number where the pulse
        is a division of the tala
    """

    with_stroke: float
    by_chance: float
    pulses_per_cycle: float


def analyse_rhythm(path: Path, *, report: Callable[[float], None] = lambda seconds: None) -> Rhythm:
    """Find strokes and pulse in the file of a mridangam, half a minute in memory at a time.

    Parameters
    ----------
    report : takes the seconds that are done

    Raises
    ------
    AudioReadError
        The file cannot be read.
    """
    scale = max(
        (loudest_band(_core(part), sample_rate=RATE) for part in _windows(mono_blocks(path))),
        default=0.0,
    )
    return rhythm_of(_windows(mono_blocks(path)), full_scale=scale, report=report)


def rhythm_of(
    parts: Iterable[Window],
    *,
    full_scale: float,
    report: Callable[[float], None] = lambda seconds: None,
) -> Rhythm:
    """Find strokes and pulse in windows of a mridangam; see :func:`analyse_rhythm`.

    Parameters
    ----------
    full_scale : loudest band of the whole, see :func:`carnatic_sep.metrics.rhythm.loudest_band`
    """
    times: list[Row] = []
    levels: list[NDArray[np.float64]] = []
    for part in parts:
        if full_scale > 0.0 and len(part.audio) > RATE // 10:
            found = detect_onsets(part.audio, sample_rate=RATE, full_scale=full_scale)
            at = found + part.offset_seconds
            found = found[(at >= part.start_seconds) & (at < part.end_seconds)]
            times.append(found + part.offset_seconds)
            levels.append(head_levels(part.audio, found))
        report(part.end_seconds)
    onsets = np.concatenate(times) if times else np.zeros(0)
    db = np.concatenate(levels) if levels else np.zeros((0, 2))
    strokes = _strokes(onsets, db)
    weights = np.array([max(stroke.left, stroke.right) for stroke in strokes])
    pulse = find_pulse(onsets, weights)
    return Rhythm(strokes, pulse.per_minute, pulse.confidence, pulse.times, pulse.local_per_minute)


def head_levels(audio: Mono, onsets: Row) -> NDArray[np.float64]:
    """Return the levels of both heads over the 60 ms after each onset, (onsets, 2), dB.

    Parameters
    ----------
    audio : (frames,) at 44.1 kHz
    onsets : seconds

    Source: bands as in :func:`carnatic_sep.metrics.rhythm.stroke_bands`.
    """
    length = round(_STROKE_SECONDS * RATE)
    starts = np.round(onsets * RATE).astype(np.int64)
    padded = np.pad(np.asarray(audio, dtype=np.float64), (0, length))
    if not len(starts):
        return np.zeros((0, 2))
    frames = padded[starts[:, None] + np.arange(length)]
    fade = 0.5 + 0.5 * np.cos(np.pi * np.arange(length) / length)  # an attack keeps its start
    power = np.abs(np.fft.rfft(frames * fade, 4 * length, axis=1)) ** 2
    hertz = np.fft.rfftfreq(4 * length, 1.0 / RATE)
    sums = [
        power[:, (hertz >= low) & (hertz < high)].sum(axis=1) for low, high in (_LEFT_HZ, _RIGHT_HZ)
    ]
    return np.asarray(10.0 * np.log10(np.maximum(np.stack(sums, axis=1), 1e-12)))


def sama_agreement(rhythm: Rhythm, sama: Sequence[float], *, seed: int = 0) -> SamaAgreement:
    """Compare strokes and pulse with annotated samas.

    Raises
    ------
    AnalysisError
        Fewer than two samas, or samas that do not rise.
    """
    marks = np.asarray(sama, dtype=np.float64)
    if len(marks) < 2 or np.any(np.diff(marks) <= 0.0):
        raise AnalysisError("samas: give at least two times in seconds, rising")
    onsets = rhythm.onsets
    drawn = np.random.default_rng(seed).uniform(marks[0], marks[-1], 2000)
    period = 60.0 / rhythm.pulse_per_minute if rhythm.pulse_per_minute > 0.0 else float("nan")
    return SamaAgreement(
        _share_near(marks, onsets),
        _share_near(drawn, onsets),
        float(np.median(np.diff(marks)) / period),
    )


def read_sama(path: Path) -> tuple[float, ...]:
    """Read annotated samas: a time in seconds at the start of each line.

    Raises
    ------
    AnalysisError
        The file cannot be read, or a line starts with no number.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return tuple(float(line.replace(",", " ").split()[0]) for line in lines if line.strip())
    except (OSError, ValueError, IndexError) as error:
        raise AnalysisError(
            f"{path}: not a file of samas, one time in seconds a line ({error})"
        ) from error


def _share_near(times: Row, onsets: Row) -> float:
    if not len(onsets):
        return 0.0
    right = np.clip(np.searchsorted(onsets, times), 0, len(onsets) - 1)
    left = np.maximum(right - 1, 0)
    apart = np.minimum(np.abs(onsets[left] - times), np.abs(onsets[right] - times))
    return float(np.mean(apart <= _NEAR_SAMA_SECONDS))


def _strokes(onsets: Row, db: NDArray[np.float64]) -> tuple[Stroke, ...]:
    if not len(onsets):
        return ()
    loud = np.quantile(db, 0.95, axis=0)
    strength = np.clip(1.0 + (db - loud) / _RANGE_DB, 0.0, 1.0)
    return tuple(
        Stroke(float(at), float(own[0]), float(own[1]), float(raw[0]), float(raw[1]))
        for at, own, raw in zip(onsets, strength, db, strict=True)
    )


def _windows(blocks: Iterable[Mono]) -> Iterable[Window]:
    return windows(blocks, core_seconds=_CORE_SECONDS, margin_seconds=_MARGIN_SECONDS)


def _core(part: Window) -> Mono:
    first = round((part.start_seconds - part.offset_seconds) * RATE)
    last = round((part.end_seconds - part.offset_seconds) * RATE)
    return part.audio[first:last]
