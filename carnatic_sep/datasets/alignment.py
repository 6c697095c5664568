"""How a stem lies in its mixture: how late, how loud, which way up, and whether clocks drifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.cross_spectra import (
    QUIET,
    CrossSpectra,
    fast_size,
    least_ratio,
    segments,
)
from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Complex = NDArray[np.complex128]
    Real = NDArray[np.float64]

BAND_CENTRES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Octaves whose gains are reported."""

_WINDOW_SECONDS = 10.0
_MOST_WINDOWS = 16
_COARSE_SECONDS = 0.4
_FINE_SECONDS = 0.1
_DRIFT_REACH_SECONDS = 0.004
_AGREEMENT_FRAMES = 2.0
_SIDE_SECONDS = 0.001
_BAND_REACH_SECONDS = 0.0015
_BAND_REACH_PERIODS = 1.5
_LEAST_WINDOWS_FOR_DRIFT = 4
_LEAST_SECONDS_FOR_DRIFT = 20.0
_SHORTEST_SECONDS = 0.25
_FLOOR = 1e-20


@dataclass(frozen=True)
class Alignment:
    """Where a stem lies in a mixture: mixture(t) holds polarity * gain * stem(t + lag).

    Attributes
    ----------
    lag_seconds : by how much the stem comes later than in the mixture; with drift, in the middle
    gain : linear, above 0, that the stem has in the mixture; 0 if nothing of it was found
    polarity : 1, or -1 where the mixture holds the stem upside down
    confidence : 0 to 1, the product of three shares: of the windows, each as it counts, that
        agree on the lag; of the correlation's peak above the next; and of what the octaves find
        each at its own lag that the one lag and polarity explain
    drift_ppm : by how much the lag grows with time, parts per million, because the stem's recorder
        ran faster than the mixture's; None where the recording is too short to say
    band_gains_db : gain in each octave of :data:`BAND_CENTRES_HZ`; NaN where the stem is silent
    band_lags_seconds : lag of each octave's envelope. Where they differ, the mixture went through
        something that delays low sound more than high sound, `lag_seconds` is that of the highest
        octaves, and polarity means little
    """

    lag_seconds: float
    gain: float
    polarity: int
    confidence: float
    drift_ppm: float | None
    band_gains_db: tuple[float, ...]
    band_lags_seconds: tuple[float, ...]


def align_stem(
    stem: NDArray[np.floating],
    mixture: NDArray[np.floating],
    *,
    sample_rate: int,
    max_lag_seconds: float = 0.2,
) -> Alignment:
    """Find a stem in a mixture of itself and others.

    The coarse lag is the highest peak, of either sign, of the generalised cross-correlation with
    phase transform (Knapp and Carter, 1976) over those cells of the time-frequency plane in which
    the stem is loud against the mixture. Around it, each of up to sixteen windows of 10 s gives
    its own lag; a robust line through them tells drift and leaves out windows in which the player
    rests. What agrees is pooled, and the peak of its correlation located between samples. Gains
    are least squares over the same cells, octave by octave.

    Parameters
    ----------
    stem, mixture : (frames,), beginning at one time; the longer one's end is left out
    sample_rate : Hz
    max_lag_seconds : how far off the stem may lie, either way

    Raises
    ------
    UsageError
        Signals that are not mono, or that are shorter than 0.25 s or twice the lag searched.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mixture = rng.standard_normal(32000)
    >>> found = align_stem(-0.5 * np.roll(mixture, 80), mixture, sample_rate=16000)
    >>> round(1000 * found.lag_seconds, 3), found.polarity, round(found.gain, 2)
    (5.0, -1, 2.0)
    """
    frames = min(len(stem), len(mixture))
    reach = round(max_lag_seconds * sample_rate)
    if stem.ndim != 1 or mixture.ndim != 1:
        raise UsageError(f"stem and mixture must be mono, not {stem.shape} and {mixture.shape}")
    if frames < max(_SHORTEST_SECONDS * sample_rate, 2 * reach):
        raise UsageError(
            f"{frames / sample_rate:.2f} s are too short to find lags up to {max_lag_seconds} s in"
        )
    if not np.any(stem[:frames]) or not np.any(mixture[:frames]):
        return _nothing_found()

    windows = _windows(frames, sample_rate=sample_rate)
    size = fast_size(max(4 * reach, round(_COARSE_SECONDS * sample_rate)))
    long = [segments(stem, mixture, window, size=size) for window in windows]
    ratio = least_ratio(long)
    pooled = CrossSpectra.sum([CrossSpectra.of(pair, ratio, sample_rate) for pair in long])
    coarse, prominence = _coarse_lag(pooled, reach=reach)
    polarity = -1 if prominence < 0 else 1

    size = fast_size(round(_FINE_SECONDS * sample_rate))
    short = [segments(stem, mixture, window, size=size, lag=coarse) for window in windows]
    spectra = [CrossSpectra.of(pair, ratio, sample_rate) for pair in short]
    peaks = [spectrum.peak(polarity, _DRIFT_REACH_SECONDS) for spectrum in spectra]
    lags = coarse + np.array([lag for lag, _ in peaks])
    weights = np.array([height for _, height in peaks])
    weights *= [np.sum(spectrum.cells) for spectrum in spectra]
    middles = np.array([0.5 * (start + end) for start, end in windows]) - 0.5 * frames
    drift, agrees = _line(middles, lags, weights, sample_rate=sample_rate)

    if drift is not None:
        spectra = [
            CrossSpectra.of(_straightened(pair, middle, drift), ratio, sample_rate)
            for pair, middle in zip(short, middles, strict=True)
        ]
    pooled = CrossSpectra.sum([one for one, yes in zip(spectra, agrees, strict=True) if yes])
    lag = coarse + pooled.peak(polarity, _DRIFT_REACH_SECONDS)[0]
    bands = [_band(pooled, centre, lag - coarse) for centre in BAND_CENTRES_HZ]
    explained = polarity * pooled.found(lag - coarse).real
    present = sum(abs(band.found) for band in bands)
    share = min(max(explained / (present + _FLOOR), 0.0), 1.0)
    return Alignment(
        lag_seconds=float(lag / sample_rate),
        gain=present / (sum(band.power for band in bands) + _FLOOR),
        polarity=polarity,
        confidence=float(
            abs(prominence) * share * np.sum(weights[agrees]) / (np.sum(weights) + _FLOOR)
        ),
        drift_ppm=None if drift is None else float(drift * 1e6),
        band_gains_db=tuple(band.gain_db for band in bands),
        band_lags_seconds=tuple((coarse + band.lag) / sample_rate for band in bands),
    )


def shifted(sound: NDArray[np.floating], frames: float) -> NDArray[np.float32]:
    """Return `sound`, (frames,), later by so many frames, whole or not; zeros come in.

    Band-limited interpolation through the spectrum, so that a shift there and back is the identity
    but for what left at the ends.
    """
    from scipy import fft

    padding = int(np.ceil(abs(frames))) + 64
    size = fft.next_fast_len(len(sound) + 2 * padding, real=True)
    spectrum = fft.rfft(np.asarray(sound, np.float64), size)
    turn = np.exp(-2j * np.pi * np.arange(len(spectrum)) / size * frames)
    moved: NDArray[np.float32] = fft.irfft(spectrum * turn, size)[: len(sound)].astype(np.float32)
    return moved


@dataclass(frozen=True)
class _Band:
    """One octave of a stem in the mixture; the lag in frames is NaN where the stem is silent."""

    lag: float
    found: complex
    power: float

    @property
    def gain_db(self) -> float:
        if np.isnan(self.lag):
            return float("nan")
        return 20.0 * float(np.log10(abs(self.found) / self.power))


def _band(pooled: CrossSpectra, centre_hz: float, lag: float) -> _Band:
    octave = pooled.band(centre_hz / np.sqrt(2), centre_hz * np.sqrt(2))
    power = float(np.sum(octave.power))
    if power <= QUIET * float(np.sum(pooled.power)):
        return _Band(lag=float("nan"), found=0j, power=0.0)
    own = octave.delay(lag, max(_BAND_REACH_SECONDS, _BAND_REACH_PERIODS / centre_hz))
    found = max(octave.found(own), octave.found(lag), key=abs)
    return _Band(lag=own, found=found, power=power)


def _nothing_found() -> Alignment:
    nowhere = (float("nan"),) * len(BAND_CENTRES_HZ)
    return Alignment(0.0, 0.0, 1, 0.0, None, nowhere, nowhere)


def _windows(frames: int, *, sample_rate: int) -> list[tuple[int, int]]:
    """Return up to sixteen windows of 10 s, evenly spread; a short recording gives quarters."""
    length = min(int(_WINDOW_SECONDS * sample_rate), frames // 4)
    count = min(frames // length, _MOST_WINDOWS)
    starts = np.linspace(0, frames - length, count).astype(int)
    return [(int(start), int(start) + length) for start in starts]


def _coarse_lag(spectra: CrossSpectra, *, reach: int) -> tuple[int, float]:
    """Return the lag in frames, and how far its peak stands above the next, -1 to 1 by its sign."""
    values = spectra.correlation()
    lags = np.arange(-reach, reach + 1)
    near = values[lags]
    best = int(np.argmax(np.abs(near)))
    apart = np.abs(lags - lags[best]) > _SIDE_SECONDS * spectra.sample_rate
    second = float(np.max(np.abs(near[apart]), initial=0.0))
    height = float(near[best])
    return int(lags[best]), float(np.sign(height)) * (1.0 - second / (abs(height) + _FLOOR))


def _straightened(pair: Complex, middle: float, drift: float) -> Complex:
    """Return a window's spectra with the stem's drift undone, segment by segment.

    `middle` is that of the window, in frames from the middle of the recording.
    """
    _, count, bins = pair.shape
    size = 2 * (bins - 1)
    times = middle + (np.arange(count) - 0.5 * (count - 1)) * (size // 2)
    turn = np.exp(2j * np.pi / size * np.outer(drift * times, np.arange(bins)))
    return np.stack([pair[0] * turn, pair[1]])


def _line(
    middles: Real, lags: Real, weights: Real, *, sample_rate: int
) -> tuple[float | None, NDArray[np.bool_]]:
    """Return the drift, frames a frame, and which windows lie on the line through most of them."""
    from scipy.stats import theilslopes

    long_enough = (
        len(lags) >= _LEAST_WINDOWS_FOR_DRIFT
        and np.ptp(middles) >= _LEAST_SECONDS_FOR_DRIFT * sample_rate
    )
    slope = float(theilslopes(lags, middles).slope) if long_enough else 0.0
    level = lags - slope * middles
    order = np.argsort(level)
    total = np.cumsum(weights[order])
    centre = level[order][np.searchsorted(total, 0.5 * total[-1])]
    agrees = np.abs(level - centre) <= _AGREEMENT_FRAMES
    if not long_enough or np.sum(agrees) < _LEAST_WINDOWS_FOR_DRIFT:
        return None, agrees
    slope = float(np.polyfit(middles[agrees], lags[agrees], 1, w=np.sqrt(weights[agrees]))[0])
    return slope, agrees
