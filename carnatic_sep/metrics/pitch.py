"""The pitch of a solo stem, fine enough for gamakas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics._optional import require
from carnatic_sep.metrics.melody import Melody
from carnatic_sep.metrics.spectra import as_channels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_RATE = 16000
_HOP = 160
_FRAME = 1024
_SUM = 512
_LONGEST_LAG = 440
_CHUNK = 2000


def track_melody(
    audio: ArrayLike,
    *,
    sample_rate: int,
    lowest_hz: float = 75.0,
    highest_hz: float = 1000.0,
) -> Melody:
    """Track the pitch of a stem by pYIN, refined to about a cent.

    pYIN decides on a grid of 20 cents what is voiced and at which pitch; the dip of YIN's
    difference function near the largest multiple of that period within 27 ms says it exactly.

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
        Audio that is empty or not finite.
    UsageError
        librosa is not installed.

    Source: Mauch and Dixon, "pYIN", ICASSP 2014, as implemented in librosa; de Cheveigné and
    Kawahara, "YIN", JASA 2002.
    """
    import soxr

    mono = as_channels(audio, name="audio").mean(axis=0, dtype=np.float64)
    samples = int(len(mono) / sample_rate * _RATE) // _HOP + 1
    times = np.arange(samples, dtype=np.float64) * (_HOP / _RATE)
    slow = soxr.resample(mono, sample_rate, _RATE) if sample_rate != _RATE else mono
    if len(slow) < _FRAME or not np.any(slow):
        return Melody(times, np.zeros(samples))
    librosa = require("librosa")
    found, voiced, _ = librosa.pyin(
        slow,
        fmin=lowest_hz,
        fmax=highest_hz,
        sr=_RATE,
        frame_length=_FRAME,
        hop_length=_HOP,
        resolution=0.2,
    )
    f0 = np.where(voiced & np.isfinite(found), found, 0.0)[:samples]
    f0 = np.pad(f0, (0, samples - len(f0)))
    sung = np.flatnonzero(f0 > 0.0)
    padded = np.pad(slow, _FRAME)
    for start in range(0, len(sung), _CHUNK):
        part = sung[start : start + _CHUNK]
        begin = part * _HOP + _FRAME - _FRAME // 2
        frames = padded[np.minimum(begin[:, None] + np.arange(_FRAME), len(padded) - 1)]
        f0[part] = _refined(frames, f0[part])
    return Melody(times, f0)


def _refined(frames: NDArray[np.float64], f0: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refine pitches (n,) in Hz on their frames (n, _FRAME)."""
    import scipy.fft

    head = frames[:, :_SUM]
    spectrum = scipy.fft.rfft(frames) * scipy.fft.rfft(head, _FRAME).conj()
    # Lags up to _FRAME - _SUM do not wrap around.
    correlation = scipy.fft.irfft(spectrum)[:, : _FRAME - _SUM + 1]
    power = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energy = power[:, _SUM:] - power[:, : _FRAME - _SUM + 1]
    difference = energy[:, :1] + energy - 2.0 * correlation
    # The mean of d' over lags does not move its dips and is left out.
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
    bend = before - 2.0 * here + after
    shift = np.divide(before - after, 2.0 * bend, out=np.zeros_like(bend), where=bend > 0.0)
    dip = near[row, best] & (here <= before) & (here <= after)
    exact = _RATE * periods / (best + np.clip(shift, -0.5, 0.5))
    return np.asarray(np.where(dip, exact, f0))
