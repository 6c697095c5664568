"""The drone: partials that stand still, and the Sa that they are partials of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.windows import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.analysis.windows import Mono

    Row = NDArray[np.float64]

STEP_CENTS = 10.0
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 1280.0
_FFT, _HOP = 16384, 8192
_STILL_CENTS = 12.0
_STILL_COLUMNS = 3
_MOST_PEAKS = 25
_OCTAVE_HZ = 100.0
# How much of a tanpura's still partials lie at each height over Sa, octaves folded: Sa itself and
# its octaves, Pa with the third harmonics of Sa, the fifth harmonic (antara gandhara).
_TEMPLATE = {0.0: 1.0, 702.0: 0.6, 386.0: 0.25}
_WIDTH_CENTS = 25.0


def drone_histogram(audio: Mono) -> Row:
    """Count the partials that stand still, by height.

    Spectral peaks of columns of 0.37 s that stay within 12 cents for three columns, weighted by
    their share of the column's energy: voice and violin seldom stand so still, the tanpura always
    does.

    Parameters
    ----------
    audio : (frames,) at 44.1 kHz

    Returns
    -------
    (480,), weight per 10 cents from 80 Hz up to 1280 Hz; sums to 1, or all 0 in silence
    """
    bins = round(1200.0 * np.log2(_HIGHEST_HZ / _LOWEST_HZ) / STEP_CENTS)
    histogram = np.zeros(bins)
    columns = [_peaks(audio[start : start + _FFT]) for start in range(0, len(audio) - _FFT, _HOP)]
    for index in range(len(columns) - _STILL_COLUMNS + 1):
        cents, weight = columns[index]
        still = np.ones(len(cents), dtype=bool)
        for later, _ in columns[index + 1 : index + _STILL_COLUMNS]:
            still &= _nearest(cents, later) <= _STILL_CENTS
        places = np.round(cents[still] / STEP_CENTS).astype(np.int64)
        inside = (places >= 0) & (places < bins)
        np.add.at(histogram, places[inside], weight[still][inside])
    total = float(histogram.sum())
    return np.asarray(histogram / total if total > 0.0 else histogram)


def drone_tonic(histogram: Row) -> float:
    """Return the Sa that a histogram of still partials belongs to.

    Parameters
    ----------
    histogram : as :func:`drone_histogram` gives it

    Returns
    -------
    Hz within 100 to 200; 0 where nothing stands still
    """
    if not histogram.any():
        return 0.0
    folded, steps = _folded(histogram)
    best = steps[int(np.argmax([_score(folded, steps, sa) for sa in steps]))]
    apart = _cents_apart(steps, best)
    near = np.abs(apart) <= 20.0
    cents = best + float(np.average(apart[near], weights=folded[near] + 1e-12))
    hz = _LOWEST_HZ * 2.0 ** (cents / 1200.0)
    return float(hz * 2.0 ** -np.floor(np.log2(hz / _OCTAVE_HZ)))


def drone_support(histogram: Row, hz: float) -> float:
    """Return how well still partials fit a Sa of `hz`, from 0 to 1, where 1 is the best of all."""
    if not histogram.any():
        return 1.0
    folded, steps = _folded(histogram)
    most = max(_score(folded, steps, sa) for sa in steps)
    cents = 1200.0 * float(np.log2(hz / _LOWEST_HZ))
    return float(min(1.0, _score(folded, steps, cents) / most))


def _folded(histogram: Row) -> tuple[Row, Row]:
    """Return weights of one octave from 80 Hz up, and their heights in cents."""
    per_octave = round(1200.0 / STEP_CENTS)
    steps = np.asarray(np.arange(per_octave) * STEP_CENTS, dtype=np.float64)
    return np.asarray(histogram.reshape(-1, per_octave).sum(axis=0)), steps


def _score(folded: Row, steps: Row, sa: float) -> float:
    """Return how much of an octave of still partials lies where those of Sa at `sa` cents do."""
    return sum(
        share * float(folded @ np.exp(-0.5 * (_cents_apart(steps - above, sa) / _WIDTH_CENTS) ** 2))
        for above, share in _TEMPLATE.items()
    )


def _cents_apart(cents: Row, other: float) -> Row:
    return np.asarray((cents - other + 600.0) % 1200.0 - 600.0)


def _nearest(cents: Row, others: Row) -> Row:
    """Return how far each of `cents` is from the nearest of `others`, both rising."""
    if not len(others):
        return np.full(len(cents), np.inf)
    right = np.clip(np.searchsorted(others, cents), 0, len(others) - 1)
    left = np.maximum(right - 1, 0)
    return np.asarray(np.minimum(np.abs(others[left] - cents), np.abs(others[right] - cents)))


def _peaks(frame: Mono) -> tuple[Row, Row]:
    """Return the strongest peaks of a column: cents over 80 Hz, rising, and shares of energy."""
    spectrum = np.abs(np.fft.rfft(frame * np.hanning(_FFT)))
    first, last = (int(hz * _FFT / RATE) for hz in (_LOWEST_HZ, _HIGHEST_HZ))
    level = np.log(spectrum[first - 1 : last + 2] + 1e-9)
    middle = level[1:-1]
    at = np.flatnonzero((middle > level[:-2]) & (middle >= level[2:])) + 1
    if not len(at):
        return np.zeros(0), np.zeros(0)
    at = np.sort(at[np.argsort(level[at])[-_MOST_PEAKS:]])
    bend = level[at - 1] - 2.0 * level[at] + level[at + 1]
    shift = np.where(bend < 0.0, 0.5 * (level[at - 1] - level[at + 1]) / np.minimum(bend, -1e-9), 0)
    hertz = (first - 1 + at + np.clip(shift, -0.5, 0.5)) * RATE / _FFT
    power = np.exp(2.0 * level[at])
    # The square root keeps one loud partial from outvoting all others.
    weight = np.sqrt(power / max(float(power.sum()), 1e-12))
    return np.asarray(1200.0 * np.log2(hertz / _LOWEST_HZ)), np.asarray(weight)
