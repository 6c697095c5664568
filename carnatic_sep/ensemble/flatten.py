"""Recorded notes without their own wavering: time warped so that the pitch stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float32]

OVERSAMPLING = 2
_HARMONICS = 6
_BAND, _LEAST_BAND_HZ = 0.05, 40.0
_ROUNDING_SECONDS = 0.005
_STEADY_SECONDS = 0.15
_MOST_GAIN = 4.0


def flatten(audio: Row, *, f0: float, sample_rate: int) -> Row:
    """Warp a sustained note so that its pitch is `f0` all the way, and even out its loudness.

    The first six harmonics, the strong ones most, say how fast cycles pass; the note is read again
    so that they pass evenly. Reading it later at another speed then gives
    another pitch, known exactly. What is faster than 0.15 s, such as the noise of the bow, stays.

    Parameters
    ----------
    audio : (frames,), a note within a quarter tone of `f0`
    f0 : Hz
    sample_rate : Hz

    Returns
    -------
    (frames,) at twice `sample_rate`, so that reading between samples loses no treble; RMS 1
    """
    import soxr
    from scipy.ndimage import uniform_filter1d

    cycles = _cycles(np.asarray(audio, dtype=np.float64), f0=f0, sample_rate=sample_rate)
    rate = OVERSAMPLING * sample_rate
    dense = soxr.resample(np.asarray(audio, dtype=np.float64), 1, 2 * OVERSAMPLING, quality="VHQ")
    even = np.arange(cycles[0], cycles[-1], f0 / rate)
    place = np.interp(even, cycles, np.arange(audio.size)) * 2 * OVERSAMPLING
    flat = np.interp(place, np.arange(dense.size), dense)
    loudness = np.sqrt(uniform_filter1d(flat**2, int(_STEADY_SECONDS * rate)) + 1e-20)
    flat *= np.minimum(1.0 / loudness, _MOST_GAIN / np.median(loudness))
    return np.asarray(flat / np.sqrt(np.mean(flat**2) + 1e-20), dtype=np.float32)


def _cycles(audio: NDArray[np.float64], *, f0: float, sample_rate: int) -> NDArray[np.float64]:
    """Return how many cycles of the note have passed at each sample, always rising, (frames,)."""
    from scipy.fft import fft, ifft, next_fast_len
    from scipy.ndimage import gaussian_filter1d

    size = next_fast_len(audio.size)
    spectrum = fft(audio, size)
    hz = np.arange(size) * (sample_rate / size)
    turn, weight = np.zeros(audio.size), np.full(audio.size, 1e-20)
    for harmonic in range(1, _HARMONICS + 1):
        half = min(max(_BAND * harmonic * f0, _LEAST_BAND_HZ), 0.45 * f0)
        away = np.abs(hz - harmonic * f0) / half
        window = np.cos(0.5 * np.pi * np.clip(2.0 * away - 1.0, 0.0, 1.0)) ** 2
        tone = ifft(spectrum * window)[: audio.size]
        step = np.angle(tone[1:] * np.conj(tone[:-1])) / (2.0 * np.pi * harmonic)
        sure = np.abs(tone) ** 2 * harmonic**2
        turn[1:] += sure[1:] * step
        weight[1:] += sure[1:]
    rounded = _ROUNDING_SECONDS * sample_rate
    speed = gaussian_filter1d(turn, rounded) / gaussian_filter1d(weight, rounded)
    return np.asarray(np.cumsum(np.clip(speed, 0.9 * f0 / sample_rate, 1.1 * f0 / sample_rate)))
