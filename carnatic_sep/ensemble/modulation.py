"""How a pitch line moves: rate and extent of its oscillations, lengths of its glides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Line = NDArray[np.float64]

_RATE = 100.0
_ROUNDING_SECONDS = 0.012
_TURN_CENTS = 30.0
_SHORTEST_STRETCH_SECONDS = 0.3
_SWING_SECONDS = (0.05, 0.25)
_RUN_SWINGS = 3
_GLIDE_CENTS = 80.0
_STEADY_SECONDS = 0.15
_STEADY_CENTS = 40.0


@dataclass(frozen=True)
class Modulation:
    """What was found in one or more lines.

    Attributes
    ----------
    rate_hz : (runs,), cycles a second of each run of at least three quick swings
    extent_cents : (runs,), mean distance from turn to turn in each run
    glide_seconds : (glides,), time from 10 to 90 % of each move of 80 cents or more that is not
        part of a run
    oscillating, steady : seconds within runs, and within 0.15 s that stay inside 40 cents
    voiced : seconds looked at
    """

    rate_hz: Line
    extent_cents: Line
    glide_seconds: Line
    oscillating: float
    steady: float
    voiced: float


def measure_modulation(
    cents: NDArray[np.floating], voiced: NDArray[np.bool_], *, rate: float
) -> Modulation:
    """Measure one line.

    The line is read at 100 values a second and rounded over 12 ms, so that lines from different
    trackers compare. It turns where it comes back by 30 cents.

    Parameters
    ----------
    cents : (values,)
    voiced : (values,), where `cents` means something; stretches under 0.3 s are left out
    rate : values a second
    """
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

    at = np.arange(0.0, len(cents) - 1, rate / _RATE)
    line = np.interp(at, np.arange(len(cents)), cents)
    sounds = np.interp(at, np.arange(len(cents)), np.asarray(voiced, dtype=np.float64)) > 0.99
    rates, extents, glides = [], [], []
    oscillating = steady = total = 0.0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sounds, [False]]))).reshape(-1, 2)
    for first, last in edges:
        if last - first < _SHORTEST_STRETCH_SECONDS * _RATE:
            continue
        stretch = gaussian_filter1d(line[first:last], _ROUNDING_SECONDS * _RATE)
        total += stretch.size / _RATE
        width = int(_STEADY_SECONDS * _RATE)
        spread = maximum_filter1d(stretch, width) - minimum_filter1d(stretch, width)
        steady += float(np.count_nonzero(spread < _STEADY_CENTS)) / _RATE
        turns = _turns(stretch)
        swings = np.diff(turns) / _RATE
        inside = np.zeros(swings.size, dtype=bool)
        quick = (swings >= _SWING_SECONDS[0]) & (swings <= _SWING_SECONDS[1])
        runs = np.flatnonzero(np.diff(np.concatenate([[False], quick, [False]]))).reshape(-1, 2)
        for one, other in runs:
            if other - one >= _RUN_SWINGS:
                inside[one:other] = True
                rates.append(0.5 / float(np.mean(swings[one:other])))
                extents.append(float(np.mean(np.abs(np.diff(stretch[turns[one : other + 1]])))))
                oscillating += float(np.sum(swings[one:other]))
        for index in np.flatnonzero(~inside):
            glide = stretch[turns[index] : turns[index + 1] + 1]
            if abs(glide[-1] - glide[0]) >= _GLIDE_CENTS:
                glides.append(_glide_seconds(glide))
    return Modulation(
        np.array(rates), np.array(extents), np.array(glides), oscillating, steady, total
    )


def together(parts: list[Modulation]) -> Modulation:
    """Pool what was found in several lines."""
    return Modulation(
        np.concatenate([part.rate_hz for part in parts]),
        np.concatenate([part.extent_cents for part in parts]),
        np.concatenate([part.glide_seconds for part in parts]),
        sum(part.oscillating for part in parts),
        sum(part.steady for part in parts),
        sum(part.voiced for part in parts),
    )


def _turns(line: Line) -> NDArray[np.int64]:
    """Return where a line turns back by at least 30 cents, its two ends included."""
    turns = [0]
    extreme, rising = 0, 0
    for index in range(1, line.size):
        if rising >= 0 and line[index] > line[extreme]:
            extreme = index
            if line[index] - line[turns[-1]] >= _TURN_CENTS:
                rising = 1
        elif rising <= 0 and line[index] < line[extreme]:
            extreme = index
            if line[turns[-1]] - line[index] >= _TURN_CENTS:
                rising = -1
        if rising != 0 and rising * (line[extreme] - line[index]) >= _TURN_CENTS:
            turns.append(extreme)
            extreme, rising = index, -rising
    turns.append(line.size - 1)
    return np.array(turns, dtype=np.int64)


def _glide_seconds(glide: Line) -> float:
    """Return the time from the last value under 10 % to the first over 90 % of a move."""
    share = (glide - glide[0]) / (glide[-1] - glide[0])
    over = int(np.argmax(share >= 0.9))
    under = int(np.flatnonzero(share[: over + 1] <= 0.1)[-1])
    return (over - under) / _RATE
