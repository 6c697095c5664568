"""Rhythm: are the mridangam's strokes in place, and does each hand still sound like itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics._optional import require
from carnatic_sep.metrics.mel import mel_filters
from carnatic_sep.metrics.sdr import validate
from carnatic_sep.metrics.spectra import Grid, as_channels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Row = NDArray[np.float64]

_HOP_SECONDS = 0.005
_FLUX_BANDS = 40
_RANGE = 1e3
_LEAST_RISE = 0.1
_NEIGHBOURS = 6
_AVERAGE = 20
_LEFT_HZ = (50.0, 100.0, 160.0, 250.0)
_RIGHT_HZ = (250.0, 400.0, 700.0, 1200.0, 2200.0, 4000.0, 8000.0)
_STROKE_SECONDS = 0.06
_FLOOR_DB = -40.0


@dataclass(frozen=True)
class OnsetScores:
    """Shares from 0 to 1; higher is better.

    Attributes
    ----------
    precision : of the estimated onsets, those that are in the reference
    recall : of the reference's onsets, those that were estimated
    f_measure : harmonic mean of both
    """

    precision: float
    recall: float
    f_measure: float


@dataclass(frozen=True)
class StrokeBands:
    """Mean absolute difference in dB over strokes and bands; lower is better.

    Attributes
    ----------
    left_db : 50 to 250 Hz, where the left, bass head (thoppi) speaks
    right_db : 250 Hz to 8 kHz, of the right, treble head (valanthalai)
    """

    left_db: float
    right_db: float


def detect_onsets(audio: ArrayLike, *, sample_rate: int, full_scale: float | None = None) -> Row:
    """Find strokes by the rise of the log spectrum.

    Mel bands of 20 ms columns every 5 ms, ``log(1 + 1000 m / full_scale)``; their rise over 10 ms,
    each band against the loudest of its neighbours, summed; peaks that stand out of the 100 ms
    around them.

    Parameters
    ----------
    audio : (frames,) or (channels, frames); channels are added in power
    sample_rate : Hz
    full_scale : loudest band magnitude, see :func:`loudest_band`; the audio's own if None. Give an
        estimate that of its reference, so that faint remains are not heard as strokes.

    Returns
    -------
    (onsets,), seconds, rising; none in silence

    Raises
    ------
    ValueError
        Audio that is empty or not finite.

    Source: Böck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013.
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    bands = _bands(as_channels(audio, name="audio"), sample_rate)
    scale = float(bands.max()) if full_scale is None else full_scale
    if scale <= 0.0:
        return np.zeros(0)
    level = np.log1p(_RANGE * bands / scale) / np.log1p(_RANGE)
    before = maximum_filter1d(level, 3, axis=1)
    rise = np.zeros(len(level))
    rise[2:] = np.mean(np.maximum(level[2:] - before[:-2], 0.0), axis=1)
    peak = rise == maximum_filter1d(rise, 2 * _NEIGHBOURS + 1)
    around = uniform_filter1d(rise, 2 * _AVERAGE + 1)
    onsets = np.flatnonzero(peak & (rise > 0.02) & (rise > around + _LEAST_RISE * _top(rise)))
    # A rise over two columns happened between them.
    # Columns are whole frames apart: 220 at 44.1 kHz, not 220.5.
    hop_seconds = _hop_frames(sample_rate) / sample_rate
    return np.asarray(np.maximum(onsets - 1, 0) * hop_seconds, dtype=np.float64)


def loudest_band(audio: ArrayLike, *, sample_rate: int) -> float:
    """Return the largest band magnitude of `audio`, the `full_scale` of :func:`detect_onsets`."""
    return float(_bands(as_channels(audio, name="audio"), sample_rate).max())


def onset_scores(
    reference: ArrayLike, estimate: ArrayLike, *, tolerance_seconds: float = 0.025
) -> OnsetScores:
    """Match onsets with mir_eval.

    Parameters
    ----------
    reference, estimate : (onsets,), seconds, rising
    tolerance_seconds : 25 ms: mridangam strokes follow one another within 80 ms

    Returns
    -------
    OnsetScores; precision is NaN without estimated onsets, recall without the reference's, the
    f-measure without either; 0 where only one side has any

    Raises
    ------
    ValueError
        Times that are not finite, negative, or do not rise.
    UsageError
        mir_eval is not installed.

    Source: Raffel et al., "mir_eval", ISMIR 2014.
    """
    ref, est = np.asarray(reference, dtype=np.float64), np.asarray(estimate, dtype=np.float64)
    for name, times in (("reference", ref), ("estimate", est)):
        if times.ndim != 1 or not np.all(np.isfinite(times)):
            raise ValueError(f"{name} onsets of shape {times.shape} must be (onsets,) and finite")
        if np.any(times < 0.0) or np.any(np.diff(times) < 0.0):
            raise ValueError(f"{name} onsets must not be negative and must rise")
    nan = float("nan")
    if not len(ref) or not len(est):
        none = nan if not len(ref) and not len(est) else 0.0
        return OnsetScores(0.0 if len(est) else nan, 0.0 if len(ref) else nan, none)
    f, precision, recall = require("mir_eval.onset").f_measure(ref, est, window=tolerance_seconds)
    return OnsetScores(float(precision), float(recall), float(f))


def stroke_bands(
    reference: ArrayLike, estimate: ArrayLike, *, sample_rate: int, onsets: ArrayLike | None = None
) -> StrokeBands:
    """Compare the spectrum of each stroke, the bands of the left head and the right apart.

    Energies in 3 and 6 bands over the 60 ms after each of the reference's onsets, in dB, held
    within 40 dB of the stroke's loudest band; the mean of ``|estimate - reference|``.

    Parameters
    ----------
    reference : (frames,) or (channels, frames)
    estimate : like `reference`
    sample_rate : Hz
    onsets : seconds; :func:`detect_onsets` of the reference if None

    Returns
    -------
    StrokeBands; NaN without onsets

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.sdr.validate`.

    Source: this project.
    """
    validate(reference, estimate)
    ref, est = as_channels(reference, name="reference"), as_channels(estimate, name="estimate")
    if onsets is None:
        onsets = detect_onsets(ref, sample_rate=sample_rate)
    starts = np.round(np.asarray(onsets, dtype=np.float64) * sample_rate).astype(np.int64)
    length = max(1, round(_STROKE_SECONDS * sample_rate))
    starts = starts[starts + length <= ref.shape[-1]]
    if not len(starts):
        return StrokeBands(float("nan"), float("nan"))
    index = starts[:, None] + np.arange(length)
    a, b = (_stroke_levels(signal[:, index], sample_rate) for signal in (ref, est))
    floor = a.max(axis=1, keepdims=True) + _FLOOR_DB
    difference = np.abs(np.maximum(b, floor) - np.maximum(a, floor))
    left = len(_LEFT_HZ) - 1
    return StrokeBands(float(difference[:, :left].mean()), float(difference[:, left:].mean()))


def _stroke_levels(strokes: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """(channels, strokes, frames) -> (strokes, bands), dB."""
    import scipy.fft

    length = strokes.shape[-1]
    fade = 0.5 + 0.5 * np.cos(np.pi * np.arange(length) / length)  # an attack keeps its start
    spectrum = scipy.fft.rfft(strokes * fade, 4 * length)
    power = np.sum(np.abs(spectrum) ** 2, axis=0)
    hertz = np.arange(power.shape[-1]) * sample_rate / (4 * length)
    edges = (*_LEFT_HZ, *_RIGHT_HZ[1:])
    energies = [
        power[:, (hertz >= low) & (hertz < high)].sum(axis=1)
        for low, high in pairwise(edges)
        if low < sample_rate / 2
    ]
    return np.asarray(10.0 * np.log10(np.maximum(np.stack(energies, axis=1), 1e-20)))


def _bands(signal: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """(channels, frames) -> (columns, bands), magnitudes every 5 ms."""
    hop = _hop_frames(sample_rate)
    grid = Grid(4 * hop, hop)
    filters = mel_filters(sample_rate=sample_rate, n_fft=grid.n_fft, bands=_FLUX_BANDS)
    parts = []
    for first, count in grid.chunks(signal.shape[-1]):
        spectra = grid.read(signal, first, count)
        parts.append(np.sqrt(np.sum(spectra.real**2 + spectra.imag**2, axis=0)) @ filters.T)
    return np.concatenate(parts).astype(np.float64)


def _hop_frames(sample_rate: int) -> int:
    return max(1, round(_HOP_SECONDS * sample_rate))


def _top(rise: Row) -> float:
    return float(np.percentile(rise, 99.0))
