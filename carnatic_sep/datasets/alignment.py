"""How a stem lies in its mixture: how late, how loud, which way up, and whether clocks ran apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Complex = NDArray[np.complex128]
    Real = NDArray[np.float64]

BAND_CENTRES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Octaves whose gains are reported."""

_WINDOW_SECONDS = 10.0
_MOST_WINDOWS = 16
_FINE_SECONDS = 0.1
_DRIFT_REACH_SECONDS = 0.004
_UPSAMPLING = 16
_AGREEMENT_FRAMES = 2.0
_SIDE_SECONDS = 0.001
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
    confidence : 0 to 1: share of the windows, each as it counts, that agree on lag and polarity,
        times how far the correlation's peak stands above the next
    drift_ppm : by how much the stem's recorder ran slower than the mixture's, parts per million,
        so that the lag grows; None where the recording is too short to say
    band_gains_db : gain in each octave of :data:`BAND_CENTRES_HZ`; NaN where the stem is silent
    """

    lag_seconds: float
    gain: float
    polarity: int
    confidence: float
    drift_ppm: float | None
    band_gains_db: tuple[float, ...]


def align_stem(
    stem: NDArray[np.floating],
    mixture: NDArray[np.floating],
    *,
    sample_rate: int,
    max_lag_seconds: float = 0.2,
) -> Alignment:
    """Find a stem in a mixture of itself and others.

    The coarse lag is the highest peak, of either sign, of the generalised cross-correlation with
    phase transform (Knapp and Carter, 1976), each frequency weighted by its coherence. Around it,
    each of up to sixteen windows of 10 s gives its own; a robust line through them tells drift and
    leaves out windows in which the player rests. What agrees is pooled, and the peak of its
    correlation located between samples. Gains are least squares over the windows that agree.

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
    coarse, prominence = _coarse_lag(stem, mixture, windows, reach=reach, sample_rate=sample_rate)
    polarity = 1 if prominence > 0 else -1
    spectra = [_Spectra.of(stem, mixture, window, coarse, sample_rate) for window in windows]
    peaks = [spectrum.peak(polarity, _DRIFT_REACH_SECONDS) for spectrum in spectra]
    lags = coarse + np.array([lag for lag, _ in peaks])
    weights = np.array([height for _, height in peaks])
    middles = np.array([0.5 * (start + end) for start, end in windows]) - 0.5 * frames
    drift, agrees = _line(middles, lags, weights, sample_rate=sample_rate)

    pooled = _Spectra.sum([one for one, yes in zip(spectra, agrees, strict=True) if yes])
    if drift is not None and abs(drift) * frames > _AGREEMENT_FRAMES:
        lag = float(np.average(lags[agrees] - drift * middles[agrees], weights=weights[agrees]))
    else:
        lag = coarse + pooled.peak(polarity, _SIDE_SECONDS)[0]
    gain, bands = pooled.gains(lag - coarse, polarity)
    return Alignment(
        lag_seconds=float(lag / sample_rate),
        gain=gain,
        polarity=polarity,
        confidence=float(abs(prominence) * np.sum(weights[agrees]) / (np.sum(weights) + _FLOOR)),
        drift_ppm=None if drift is None else float(drift * 1e6),
        band_gains_db=bands,
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
class _Spectra:
    """Cross and power spectra of a stem, brought forward by a whole lag, and a mixture."""

    cross: Complex
    stem: Real
    mixture: Real
    segments: int
    sample_rate: int

    @classmethod
    def of(
        cls,
        stem: NDArray[np.floating],
        mixture: NDArray[np.floating],
        window: tuple[int, int],
        lag: int,
        sample_rate: int,
    ) -> _Spectra:
        from scipy import fft

        size = fft.next_fast_len(round(_FINE_SECONDS * sample_rate), real=True)
        start = max(window[0], -lag, 0)
        end = min(window[1], len(stem) - lag, len(mixture))
        return cls._welch(stem[start + lag : end + lag], mixture[start:end], size, sample_rate)

    @classmethod
    def coarse(
        cls,
        stem: NDArray[np.floating],
        mixture: NDArray[np.floating],
        window: tuple[int, int],
        size: int,
        sample_rate: int,
    ) -> _Spectra:
        part = slice(*window)
        return cls._welch(stem[part], mixture[part], size, sample_rate)

    @classmethod
    def _welch(
        cls,
        stem: NDArray[np.floating],
        mixture: NDArray[np.floating],
        size: int,
        sample_rate: int,
    ) -> _Spectra:
        """Average over segments of `size` frames, half over each other, under a Hann window."""
        from scipy import fft

        hop = size // 2
        count = max((min(len(stem), len(mixture)) - size) // hop + 1, 1)
        hann = np.hanning(size + 1)[:-1]
        spectra = [
            fft.rfft(np.stack([_cut(stem, k * hop, size), _cut(mixture, k * hop, size)]) * hann)
            for k in range(count)
        ]
        stems, mixtures = np.stack(spectra, axis=1)
        return cls(
            cross=np.sum(mixtures * np.conj(stems), axis=0),
            stem=np.sum(np.abs(stems) ** 2, axis=0),
            mixture=np.sum(np.abs(mixtures) ** 2, axis=0),
            segments=count,
            sample_rate=sample_rate,
        )

    @classmethod
    def sum(cls, spectra: list[_Spectra]) -> _Spectra:
        return cls(
            cross=np.sum([one.cross for one in spectra], axis=0),
            stem=np.sum([one.stem for one in spectra], axis=0),
            mixture=np.sum([one.mixture for one in spectra], axis=0),
            segments=sum(one.segments for one in spectra),
            sample_rate=spectra[0].sample_rate,
        )

    def correlation(self, *, upsampling: int = 1) -> Real:
        """Return the generalised cross-correlation over lags of the stem, from 0, circular.

        Phase transform, weighted by the squared coherence less what unrelated noise would show.
        """
        from scipy import fft

        coherence = np.abs(self.cross) ** 2 / (self.stem * self.mixture + _FLOOR)
        chance = 1.0 / self.segments if self.segments > 1 else 0.0
        weight = np.clip((coherence - chance) / (1.0 - chance), 0.0, 1.0)
        size = 2 * (len(self.cross) - 1)
        spectrum = np.conj(self.cross) / (np.abs(self.cross) + _FLOOR) * weight
        total = np.sum(weight) + _FLOOR
        values = fft.irfft(spectrum, size * upsampling) * upsampling * size / (2.0 * total)
        return np.asarray(values)

    def peak(self, polarity: int, reach_seconds: float) -> tuple[float, float]:
        """Return the lag in frames, between samples, of the highest peak near 0, and its height."""
        values = polarity * self.correlation(upsampling=_UPSAMPLING)
        reach = min(round(reach_seconds * self.sample_rate) * _UPSAMPLING, len(values) // 2 - 2)
        near = np.arange(-reach, reach + 1)
        best = int(near[np.argmax(values[near])])
        before, top, after = values[[best - 1, best, best + 1]]
        bend = before - 2.0 * top + after
        between = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
        return float((best + between) / _UPSAMPLING), float(max(top, 0.0))

    def gains(self, lag: float, polarity: int) -> tuple[float, tuple[float, ...]]:
        """Return the least-squares gain of the stem, and that of each octave in dB."""
        size = 2 * (len(self.cross) - 1)
        turn = np.exp(-2j * np.pi * np.arange(len(self.cross)) / size * lag)
        along = polarity * np.real(self.cross * turn)
        hertz = np.arange(len(self.cross)) * self.sample_rate / size
        bands = []
        for centre in BAND_CENTRES_HZ:
            inside = (hertz >= centre / np.sqrt(2)) & (hertz < centre * np.sqrt(2))
            power = float(np.sum(self.stem[inside]))
            found = float(np.sum(along[inside]))
            silent = power <= 1e-8 * float(np.sum(self.stem)) or found <= 0.0
            bands.append(float("nan") if silent else 20.0 * float(np.log10(found / power)))
        return max(float(np.sum(along) / np.sum(self.stem)), 0.0), tuple(bands)


def _nothing_found() -> Alignment:
    nowhere = (float("nan"),) * len(BAND_CENTRES_HZ)
    return Alignment(0.0, 0.0, 1, 0.0, None, nowhere)


def _windows(frames: int, *, sample_rate: int) -> list[tuple[int, int]]:
    """Return up to sixteen windows of 10 s, evenly spread; a short recording gives quarters."""
    length = min(int(_WINDOW_SECONDS * sample_rate), frames // 4)
    count = min(frames // length, _MOST_WINDOWS)
    starts = np.linspace(0, frames - length, count).astype(int)
    return [(int(start), int(start) + length) for start in starts]


def _cut(sound: NDArray[np.floating], start: int, size: int) -> Real:
    """Return `size` frames from `start`, zeros behind the end."""
    part = np.asarray(sound[start : start + size], np.float64)
    return np.pad(part, (0, size - len(part)))


def _coarse_lag(
    stem: NDArray[np.floating],
    mixture: NDArray[np.floating],
    windows: list[tuple[int, int]],
    *,
    reach: int,
    sample_rate: int,
) -> tuple[int, float]:
    """Return the lag in frames, and how far its peak stands above the next, -1 to 1 by its sign."""
    from scipy import fft

    size = fft.next_fast_len(max(4 * reach, round(4 * _FINE_SECONDS * sample_rate)), real=True)
    size += size % 2
    spectra = [_Spectra.coarse(stem, mixture, window, size, sample_rate) for window in windows]
    values = _Spectra.sum(spectra).correlation()
    lags = np.arange(-reach, reach + 1)
    near = values[lags]
    best = int(np.argmax(np.abs(near)))
    apart = np.abs(lags - lags[best]) > _SIDE_SECONDS * sample_rate
    second = float(np.max(np.abs(near[apart]), initial=0.0))
    height = float(near[best])
    return int(lags[best]), float(np.sign(height)) * (1.0 - second / (abs(height) + _FLOOR))


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
