"""The pulse under strokes: the period whose grid they fall on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float64]

_SHORTEST, _LONGEST = 0.1, 0.4
_PERIODS = 600
_WINDOW_SECONDS, _STEP_SECONDS = 12.0, 3.0
_LEAST_STROKES = 8
_STEADY = 60.0
_FAST_BIAS = 0.3


@dataclass(frozen=True)
class Pulse:
    """A pulse and how it changes.

    Attributes
    ----------
    per_minute : median over the piece; NaN where there are too few strokes
    confidence : 0 to 1: mean length of the strokes' vector sum on the circle of one period
    times, local_per_minute : (points,), every 3 s
    """

    per_minute: float
    confidence: float
    times: Row
    local_per_minute: Row


def find_pulse(onsets: Row, weights: Row) -> Pulse:
    """Find the period between 0.1 and 0.4 s on whose grid strokes fall.

    In windows of 12 s, the strokes are put on the circle of each candidate period; they agree on a
    phase where the period is right. A grid half as long fits as well, so among periods that fit
    nearly alike the longest is taken; a path through the windows that seldom jumps is found by
    dynamic programming.

    Parameters
    ----------
    onsets : (strokes,), seconds, rising
    weights : (strokes,), how much each counts

    Source: this project; circular agreement as in Rayleigh's test. "Akshara pulse" after
    Srinivasamurthy and Serra, "A supervised approach to hierarchical metrical cycle tracking from
    audio music recordings", ICASSP 2014.
    """
    nothing = Pulse(float("nan"), 0.0, np.zeros(0), np.zeros(0))
    if len(onsets) < _LEAST_STROKES:
        return nothing
    periods = np.geomspace(_SHORTEST, _LONGEST, _PERIODS)
    last = max(onsets[0] + _STEP_SECONDS, onsets[-1] - _WINDOW_SECONDS / 2)
    centres = np.arange(onsets[0] + _WINDOW_SECONDS / 2, last + _STEP_SECONDS, _STEP_SECONDS)
    if not len(centres):
        centres = np.array([(onsets[0] + onsets[-1]) / 2])
    fits, kept = [], []
    for centre in centres:
        inside = np.abs(onsets - centre) <= _WINDOW_SECONDS / 2
        if inside.sum() >= _LEAST_STROKES:
            fits.append(_fit(onsets[inside] - centre, weights[inside], periods))
            kept.append(centre)
    if not fits:
        return nothing
    scores = np.stack(fits)
    longer = np.log(periods / _SHORTEST) / np.log(_LONGEST / _SHORTEST)
    path = _steady_path(scores * (1.0 - _FAST_BIAS + _FAST_BIAS * longer))
    local = 60.0 / periods[path]
    return Pulse(
        float(np.median(local)),
        float(np.mean(scores[np.arange(len(path)), path])),
        np.array(kept),
        local,
    )


def _fit(times: Row, weights: Row, periods: Row) -> Row:
    """Return how well strokes agree on a phase for each period, 0 to 1."""
    turns = np.exp(2j * np.pi * times[:, None] / periods)
    return np.asarray(np.abs(weights @ turns) / max(float(weights.sum()), 1e-12))


def _steady_path(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the period of each window on the best path; a jump costs by its size."""
    windows, periods = scores.shape
    index = np.arange(periods)
    cost = np.minimum(np.abs(index[:, None] - index) / _STEADY, 0.5)
    total, back = scores[0].copy(), np.zeros((windows, periods), dtype=np.int64)
    for window in range(1, windows):
        reached = total[:, None] - cost
        back[window] = np.argmax(reached, axis=0)
        total = reached[back[window], index] + scores[window]
    path = np.zeros(windows, dtype=np.int64)
    path[-1] = int(np.argmax(total))
    for window in range(windows - 1, 0, -1):
        path[window - 1] = back[window, path[window]]
    return path
