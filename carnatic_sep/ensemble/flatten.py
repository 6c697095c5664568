"""Recorded notes without their own wavering: time warped so that the pitch stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float32]

OVERSAMPLING = 2
_HARMONICS = 4
_BAND = 0.25
_STEADY_SECONDS = 0.15
_MOST_GAIN = 4.0


def flatten(audio: Row, *, f0: float, sample_rate: int) -> Row:
    """Warp a sustained note so that its pitch is `f0` all the way, and even out its loudness.

    The phase of the strongest of the first four harmonics says how many cycles have passed; the
    note is read again so that they pass evenly. Reading it later at another speed then gives
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
    """Return how many cycles of the note have passed at each sample, never falling, (frames,)."""
    from scipy.fft import fft, ifft, next_fast_len

    size = next_fast_len(audio.size)
    spectrum = fft(audio, size)
    hz = np.arange(size) * (sample_rate / size)
    best, phase, number = 0.0, np.zeros(audio.size), 1
    for harmonic in range(1, _HARMONICS + 1):
        away = np.abs(hz - harmonic * f0) / (_BAND * f0)
        window = np.where(away < 1.0, np.cos(0.5 * np.pi * np.minimum(away, 1.0)) ** 2, 0.0)
        tone = ifft(2.0 * spectrum * window)[: audio.size]
        power = float(np.mean(np.abs(tone) ** 2))
        if power > best:
            best, phase, number = power, np.unwrap(np.angle(tone)), harmonic
    passed = phase / (2.0 * np.pi * number)
    return np.asarray(np.maximum.accumulate(passed + 1e-12 * np.arange(audio.size)))
