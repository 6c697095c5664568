"""A pitch tracker that knows nothing of how sounds are made: autocorrelation by frames."""

from __future__ import annotations

import numpy as np


def hear(
    sound: np.ndarray, seconds: np.ndarray, *, near_hz: np.ndarray, rate: int, width: float = 0.04
) -> np.ndarray:
    """Return the pitch in Hz at `seconds`, looked for within three semitones of `near_hz`."""
    frame = int(width * rate)
    heard = np.full(seconds.size, np.nan)
    for index, (centre, near) in enumerate(zip(seconds, near_hz, strict=True)):
        first = int(centre * rate) - frame // 2
        if first < 0 or first + frame > sound.size:
            continue
        piece = sound[first : first + frame] * np.hanning(frame)
        power = np.abs(np.fft.rfft(piece, 2 * frame)) ** 2
        window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(frame), 2 * frame)) ** 2)
        similar = np.fft.irfft(power)[: frame // 2] / (window[: frame // 2] + 1e-9)
        low, high = int(rate / (near * 1.19)), int(rate / (near / 1.19)) + 2
        if high >= similar.size or power.sum() < 1e-12:
            continue
        peak = low + int(np.argmax(similar[low:high]))
        before, here, after = similar[peak - 1 : peak + 2]
        bend = before - 2.0 * here + after
        heard[index] = rate / (peak + 0.5 * (before - after) / (bend if bend else 1.0))
    return heard


def mean_cents(cents: np.ndarray, rate: float, seconds: np.ndarray, width: float) -> np.ndarray:
    """Return the mean of a line over a window of `width` seconds about each of `seconds`."""
    total = np.concatenate([[0.0], np.cumsum(cents)])
    first = np.clip(((seconds - width / 2) * rate).astype(int), 0, cents.size - 1)
    last = np.clip(((seconds + width / 2) * rate).astype(int), first + 1, cents.size)
    return (total[last] - total[first]) / (last - first)
