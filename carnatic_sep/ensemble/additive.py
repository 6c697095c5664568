"""Band-limited tones: harmonics of a moving pitch, and noise of a given spectrum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOP_FRAMES = 128
_COLUMNS_PER_CHUNK = 64


def columns(frames: int) -> int:
    """Return how many control columns, one every :data:`HOP_FRAMES`, cover `frames`."""
    return -(-frames // HOP_FRAMES) + 1


def phase_cycles(f0: NDArray[np.float64], *, frames: int, sample_rate: int) -> NDArray[np.float64]:
    """Integrate a pitch in Hz given per column into a phase in cycles, (frames,)."""
    at = np.arange(frames) / HOP_FRAMES
    return np.cumsum(np.interp(at, np.arange(f0.size), f0)) / sample_rate


def harmonic_sum(
    phase: NDArray[np.float64], amplitudes: NDArray[np.complex64]
) -> NDArray[np.float64]:
    """Sum harmonics ``Re(amplitude_k * exp(2 pi i k phase))``, k from 1.

    Parameters
    ----------
    phase : (frames,), cycles
    amplitudes : (harmonics, columns), taken linearly between columns; zero where a harmonic would
        lie past the band, which is what keeps the tone free of aliases

    Returns
    -------
    (frames,)
    """
    out = np.zeros(columns(phase.size) * HOP_FRAMES)
    padded = np.pad(phase, (0, out.size - phase.size))
    ramp = (np.arange(HOP_FRAMES) / HOP_FRAMES).astype(np.float32)
    for first in range(0, amplitudes.shape[1] - 1, _COLUMNS_PER_CHUNK):
        chunk = amplitudes[:, first : first + _COLUMNS_PER_CHUNK + 1]
        span = slice(first * HOP_FRAMES, (first + chunk.shape[1] - 1) * HOP_FRAMES)
        turn = np.exp(2j * np.pi * (padded[span] % 1.0)).astype(np.complex64)
        turn = turn.reshape(-1, HOP_FRAMES)
        power, total = turn.copy(), np.zeros(turn.shape, dtype=np.complex64)
        for row in chunk[: _last_audible(chunk)]:
            start, rise = row[:-1, None], np.diff(row)[:, None]
            total += (start + rise * ramp) * power
            power *= turn
        out[span] = total.real.reshape(-1)
    return out[: phase.size]


def _last_audible(amplitudes: NDArray[np.complex64]) -> int:
    audible = np.flatnonzero(np.any(amplitudes != 0, axis=1))
    return int(audible[-1]) + 1 if audible.size else 0


def band_limit(frequency: NDArray[np.float64], *, sample_rate: int) -> NDArray[np.float64]:
    """Return a gain that fades out between 0.40 and 0.46 of the sample rate, or 16 kHz if lower."""
    top = min(0.46 * sample_rate, 16000.0)
    return np.asarray(np.clip((top - frequency) / (0.13 * top), 0.0, 1.0))


def shaped_noise(
    frames: int,
    *,
    sample_rate: int,
    gain: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return noise of unit RMS and a magnitude spectrum of ``gain(frequency_hz)``, (frames,)."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(frames, real=True)
    spectrum = rfft(rng.standard_normal(size))
    frequency = np.arange(size // 2 + 1, dtype=np.float64) * (sample_rate / size)
    noise = irfft(spectrum * gain(frequency), size)[:frames]
    return np.asarray(noise / np.sqrt(np.mean(noise**2) + 1e-20), dtype=np.float64)


def upsample(values: NDArray[np.float64], *, frames: int) -> NDArray[np.float64]:
    """Draw a line through values given per column, (frames,)."""
    return np.interp(np.arange(frames) / HOP_FRAMES, np.arange(values.size), values)


def at_columns(
    line: NDArray[np.float64], *, rate: float, frames: int, sample_rate: int
) -> NDArray[np.float64]:
    """Sample a control line of `rate` values a second at every column, (columns,)."""
    seconds = np.arange(columns(frames)) * HOP_FRAMES / sample_rate
    return np.interp(seconds, np.arange(line.size) / rate, line)
