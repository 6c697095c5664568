"""The pitch of a solo stem, fine enough for gamakas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.melody import Melody
from carnatic_sep.metrics.spectra import as_channels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Rows = NDArray[np.float64]

_RATE = 16000
_HOP = 160
_FRAME = 1024
_SUM = 512
_LONGEST_LAG = 440
_CHUNK = 2000
_BINS_PER_OCTAVE = 60
_OCTAVES_PER_SECOND = 36.0
_SWITCH = 0.01
_NO_DIP = 0.01
# What a difference function tells is of the middle of the sum and its lag, not of the frame's.
_MIDDLE_OF_SEARCH = (_SUM + 112) // 2
_MIDDLE_OF_REFINING = (_SUM + _LONGEST_LAG) // 2


def track_melody(
    audio: ArrayLike,
    *,
    sample_rate: int,
    lowest_hz: float = 75.0,
    highest_hz: float = 1000.0,
) -> Melody:
    """Track the pitch of a stem as pYIN does, then refine it to about a cent.

    Each dip of YIN's normalised difference function gets the share of thresholds, drawn from a
    Beta(2, 18) distribution, under which it is the first; the likeliest path through bins of 20
    cents, voiced or not, decides. The dip near the largest multiple of the chosen period within
    27 ms then says the pitch exactly.

    Parameters
    ----------
    audio : (frames,) or (channels, frames); channels are averaged
    sample_rate : Hz
    lowest_hz, highest_hz : where pitch is looked for

    Returns
    -------
    a sample every 10 ms from 0 s on; less than one frame of 64 ms is unvoiced

    Raises
    ------
    ValueError
        Audio that is empty or not finite; a range that is empty or below 32 Hz.

    Source: Mauch and Dixon, "pYIN: A fundamental frequency estimator using probabilistic threshold
    distributions", ICASSP 2014; de Cheveigné and Kawahara, "YIN", JASA 2002.
    """
    import soxr

    if not _RATE / _SUM < lowest_hz < highest_hz < _RATE / 4:
        raise ValueError(f"pitch cannot be looked for from {lowest_hz} to {highest_hz} Hz")
    mono = as_channels(audio, name="audio").mean(axis=0, dtype=np.float64)
    samples = int(len(mono) / sample_rate * _RATE) // _HOP + 1
    times = np.arange(samples, dtype=np.float64) * (_HOP / _RATE)
    slow = soxr.resample(mono, sample_rate, _RATE) if sample_rate != _RATE else mono
    if len(slow) < _FRAME or not np.any(slow):
        return Melody(times, np.zeros(samples))
    bins = int(np.log2(highest_hz / lowest_hz) * _BINS_PER_OCTAVE) + 1
    seen = np.concatenate(
        [
            _observed(_difference(frames), lowest_hz=lowest_hz, bins=bins)
            for _, frames in _pieces(slow, np.arange(samples), middle=_MIDDLE_OF_SEARCH)
        ]
    )
    path = _likeliest(seen)
    f0 = np.where(path < bins, lowest_hz * 2.0 ** (path / _BINS_PER_OCTAVE), 0.0)
    sung = np.flatnonzero(path < bins)
    for part, frames in _pieces(slow, sung, middle=_MIDDLE_OF_REFINING):
        f0[part] = _refined(_difference(frames), f0[part])
    return Melody(times, f0)


def _pieces(
    audio: Rows, columns: NDArray[np.intp], *, middle: int
) -> Iterator[tuple[NDArray[np.intp], Rows]]:
    """Yield columns, some at a time, with frames (columns, _FRAME) that have them at `middle`."""
    padded = np.pad(audio, (middle, _FRAME))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)
    for start in range(0, len(columns), _CHUNK):
        part = columns[start : start + _CHUNK]
        yield part, windows[np.minimum(part * _HOP, len(windows) - 1)]


def _difference(frames: Rows) -> Rows:
    """YIN's difference function of frames (n, _FRAME) at lags 0 to _FRAME - _SUM."""
    import scipy.fft

    spectrum = scipy.fft.rfft(frames) * scipy.fft.rfft(frames[:, :_SUM], _FRAME).conj()
    # Lags up to _FRAME - _SUM do not wrap around.
    correlation = scipy.fft.irfft(spectrum)[:, : _FRAME - _SUM + 1]
    power = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energy = power[:, _SUM:] - power[:, : _FRAME - _SUM + 1]
    return np.asarray(np.maximum(energy[:, :1] + energy - 2.0 * correlation, 0.0))


def _observed(difference: Rows, *, lowest_hz: float, bins: int) -> Rows:
    """Probability of each pitch bin, (n, bins): what is missing to 1 is for unvoiced."""
    lags = np.arange(1, difference.shape[1])
    total = np.cumsum(difference[:, 1:], axis=1)
    scaled = np.divide(
        difference[:, 1:] * lags, total, out=np.ones_like(total), where=total > 1e-12
    )
    shortest = lowest_hz * 2.0 ** ((bins - 0.5) / _BINS_PER_OCTAVE)
    inside = (lags >= _RATE / shortest) & (lags <= _RATE / lowest_hz)
    dip = np.zeros(scaled.shape, dtype=bool)
    dip[:, 1:-1] = (scaled[:, 1:-1] < scaled[:, :-2]) & (scaled[:, 1:-1] <= scaled[:, 2:])
    value = np.minimum(np.where(dip & inside, scaled, 1.0), 1.0)
    # Thresholds under which this dip is the first: above it, but not above any dip before.
    lowest = np.minimum.accumulate(value, axis=1)
    before = np.concatenate([np.ones((len(value), 1)), lowest[:, :-1]], axis=1)
    share = np.maximum(_beta(before) - _beta(np.minimum(value, before)), 0.0)
    deepest = np.argmin(value, axis=1)
    row = np.arange(len(value))
    # Thresholds below every dip: a little of them for the deepest.
    share[row, deepest] += _NO_DIP * _beta(lowest[:, -1])
    share[~(dip & inside)] = 0.0
    at, lag = np.nonzero(share)
    place = np.log2(_RATE / (lags[lag] + _parabola(scaled, at, lag)) / lowest_hz)
    place = np.clip(np.round(place * _BINS_PER_OCTAVE), 0, bins - 1).astype(np.intp)
    seen = np.zeros((len(value), bins))
    np.add.at(seen, (at, place), share[at, lag])
    return seen


def _beta(x: Rows) -> Rows:
    """Distribution function of Beta(2, 18)."""
    return np.asarray(np.maximum(1.0 - (1.0 - x) ** 18 * (1.0 + 18.0 * x), 0.0))


def _parabola(curve: Rows, row: NDArray[np.intp], lag: NDArray[np.intp]) -> Rows:
    """Offset of the minimum of the parabola through three points, -0.5 to 0.5."""
    before, here, after = (curve[row, lag + step] for step in (-1, 0, 1))
    bend = before - 2.0 * here + after
    shift = np.divide(before - after, 2.0 * bend, out=np.zeros_like(bend), where=bend > 0.0)
    return np.clip(shift, -0.5, 0.5)


def _likeliest(seen: Rows) -> NDArray[np.intp]:
    """Viterbi's path through (columns, bins); a state of `bins` or more is unvoiced."""
    columns, bins = seen.shape
    reach = int(_OCTAVES_PER_SECOND * _HOP / _RATE * _BINS_PER_OCTAVE)
    steps = np.log(1.0 - np.abs(np.arange(-reach, reach + 1)) / (reach + 1.0))
    stay, switch = np.log(1.0 - _SWITCH), np.log(_SWITCH)
    unvoiced = np.maximum(1.0 - seen.sum(axis=1), 0.0) / bins
    tiny = np.finfo(np.float64).tiny
    voiced_log, unvoiced_log = np.log(seen + tiny), np.log(unvoiced + tiny)
    score = np.zeros((2, bins))
    score[0] = voiced_log[0]
    score[1] = unvoiced_log[0]
    came_from = np.empty((columns, 2, bins), dtype=np.int32)
    index = np.arange(bins)
    for column in range(1, columns):
        padded = np.pad(score, ((0, 0), (reach, reach)), constant_values=-np.inf)
        moves = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1) + steps
        best = np.argmax(moves, axis=2)
        reached = np.take_along_axis(moves, best[..., None], axis=2)[..., 0]
        origin = index + best - reach
        for state in (0, 1):
            kept, changed = reached[state] + stay, reached[1 - state] + switch
            change = changed > kept
            came_from[column, state] = np.where(
                change, origin[1 - state] + bins * (1 - state), origin[state] + bins * state
            )
            score[state] = np.where(change, changed, kept)
        score[0] += voiced_log[column]
        score[1] += unvoiced_log[column]
        score -= score.max()
    path = np.empty(columns, dtype=np.intp)
    path[-1] = int(np.argmax(score))
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came_from[column].ravel()[path[column]]
    return path


def _refined(difference: Rows, f0: Rows) -> Rows:
    """Refine pitches (n,) in Hz on the difference functions (n, lags) of their frames."""
    periods = np.maximum(np.floor(_LONGEST_LAG / (_RATE / f0)), 1.0)
    lag = periods * _RATE / f0
    reach = np.ceil(0.012 * lag + 1.0)
    lags = np.arange(difference.shape[1])
    near = np.abs(lags - lag[:, None]) <= reach[:, None]
    near[:, [0, -1]] = False
    best = np.argmin(np.where(near, difference, np.inf), axis=1)
    best = np.clip(best, 1, len(lags) - 2)
    row = np.arange(len(f0))
    before, here, after = (difference[row, best + step] for step in (-1, 0, 1))
    dip = near[row, best] & (here <= before) & (here <= after)
    exact = _RATE * periods / (best + _parabola(difference, row, best))
    return np.asarray(np.where(dip, exact, f0))
