"""Melodies whose partial was taken for the pitch, put where the pitch is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.windows import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.analysis.windows import Mono

    Row = NDArray[np.float64]

_FRAME, _FFT = 8192, 16384
_HIGHEST_HZ = 5000.0
_PARTIALS, _DECAY = 12, 0.8
_NEAR_CENTS = (-25.0, -12.0, 0.0, 12.0, 25.0)
_DIVISORS = tuple(range(1, 9))
_JUMP_CENTS = 80.0
_STEP_SECONDS = 0.01
_AT_ONCE = 64


def lowered(audio: Mono, times: Row, f0: Row, *, lowest_hz: float) -> Row:
    """Move stretches of a melody down where another pitch explains more partials.

    A stretch without a jump keeps its height, or goes to a half, a third, and so on to an eighth of
    it, wherever the partials sum to the most: square roots of their amplitudes, less what lies
    halfway to their neighbours, each with 0.8 of the weight of the one below. What lies between the
    partials of a pitch is either noise, which speaks for no octave, or a partial of the pitch an
    octave below. For a voice that is heard alone, as in its stem: in a mixture others sound between
    its partials.

    Parameters
    ----------
    audio : (frames,) at 44.1 kHz, in which the melody was found
    times, f0 : (samples,), seconds and Hz, 0 where unvoiced
    lowest_hz : no stretch goes below

    Returns
    -------
    (samples,), Hz

    Source: this project, after harmonic summation: Hermes, "Measurement of pitch by subharmonic
    summation", JASA 83(1), 1988. Chosen on rendered pieces that are not those reported on.
    """
    moved = f0.copy()
    stretches = _stretches(f0)
    if not stretches:
        return moved
    step = max(1, round(_STEP_SECONDS / float(np.median(np.diff(times))))) if len(times) > 1 else 1
    picked = [np.arange(first, last, step) for first, last in stretches]
    strengths = _strengths(audio, np.concatenate(picked), times, f0)
    ends = np.cumsum([len(each) for each in picked])
    for (first, last), own in zip(stretches, np.split(strengths, ends[:-1]), strict=True):
        middle = float(np.median(f0[first:last]))
        sums = [
            total if middle / divisor >= lowest_hz else 0.0
            for divisor, total in zip(_DIVISORS, own.sum(axis=0), strict=True)
        ]
        moved[first:last] /= _DIVISORS[int(np.argmax(sums))]
    return moved


def _stretches(f0: Row) -> list[tuple[int, int]]:
    """Return where a melody goes on without rest or jump, as first sample and the one after."""
    cents = 1200.0 * np.log2(np.maximum(f0, 1e-3))
    breaks = np.flatnonzero(np.abs(np.diff(cents)) >= _JUMP_CENTS) + 1
    edges = [0, *breaks.tolist(), len(f0)]
    return [
        (first, last)
        for first, last in itertools.pairwise(edges)
        if last > first and f0[first] > 0.0
    ]


def _strengths(audio: Mono, picked: NDArray[np.int64], times: Row, f0: Row) -> Row:
    """Return how strong the partials of each divisor's pitch are, (picked, divisors)."""
    padded = np.pad(audio, (_FRAME // 2, _FRAME))
    starts = np.clip(np.round(times[picked] * RATE).astype(np.int64), 0, len(audio))
    taper = np.hanning(_FRAME).astype(np.float32)
    last = int(_HIGHEST_HZ * 1.02 * _FFT / RATE) + 2
    found = []
    for at in range(0, len(picked), _AT_ONCE):
        frames = padded[starts[at : at + _AT_ONCE, None] + np.arange(_FRAME)] * taper
        spectrum = np.sqrt(np.abs(np.fft.rfft(frames, _FFT, axis=1)[:, :last]))
        hertz = f0[picked[at : at + _AT_ONCE]]
        found.append(np.stack([_strength(spectrum, hertz / each) for each in _DIVISORS], axis=1))
    return np.concatenate(found)


def _strength(spectrum: NDArray[np.floating], hertz: Row) -> Row:
    """Sum the partials of a pitch in each frame, each less what is halfway to its neighbours."""
    partials = hertz[:, None] * np.arange(1, _PARTIALS + 1)
    halves = hertz[:, None] * (np.arange(_PARTIALS + 1) + 0.5)
    between = _level(spectrum, halves)
    above = _level(spectrum, partials) - 0.5 * (between[:, :-1] + between[:, 1:])
    counts = np.where(partials <= _HIGHEST_HZ, above, 0.0)
    return np.asarray(counts @ _DECAY ** np.arange(_PARTIALS))


def _level(spectrum: NDArray[np.floating], hertz: Row) -> Row:
    """Return the strongest bin within 25 cents of frequencies, (frames, frequencies)."""
    near = 2.0 ** (np.array(_NEAR_CENTS) / 1200.0)
    bins = hertz[:, :, None] * near * (_FFT / RATE)
    low = np.clip(bins.astype(np.int64), 0, spectrum.shape[1] - 2)
    share = np.clip(bins - low, 0.0, 1.0)
    rows = np.arange(len(hertz))[:, None, None]
    level = (1.0 - share) * spectrum[rows, low] + share * spectrum[rows, low + 1]
    return np.asarray(np.where(hertz <= _HIGHEST_HZ, level.max(axis=2), 0.0))
