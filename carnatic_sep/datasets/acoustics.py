"""Rooms and microphones: one linear filter per stem, drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOM_SECONDS = 1.2


def equaliser(
    frequencies: NDArray[np.floating], *, depth_db: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Gains at `frequencies` (Hz) of a random microphone: four broad bumps and a tilt."""
    octaves = np.linspace(-5.7, 4.5, 128)
    gain_db = rng.normal(0, depth_db / 5) * octaves
    for _ in range(4):
        centre, width = rng.uniform(-4, 4), rng.uniform(0.3, 1.5)
        gain_db = gain_db + rng.normal(0, depth_db / 2) * np.exp(
            -(((octaves - centre) / width) ** 2)
        )
    gains = 10 ** (np.clip(gain_db, -24, 18) / 20)
    return np.interp(frequencies, 1000 * 2**octaves, gains).astype(np.float32)


def synthetic_room(*, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """An exponentially decaying, darkening noise tail (Polack, 1988): (frames,), unit energy."""
    frames = int(ROOM_SECONDS * sample_rate)
    time = np.arange(frames, dtype=np.float32) / sample_rate
    rt60 = rng.uniform(0.25, 1.4)
    tail = rng.standard_normal(frames).astype(np.float32) * 10 ** (-3 * time / rt60)
    tail[: int(rng.uniform(0.002, 0.02) * sample_rate)] = 0
    spectrum = fft.rfft(tail)
    frequency = fft.rfftfreq(frames, 1 / sample_rate)
    spectrum /= np.sqrt(1 + (frequency / rng.uniform(1500, 6000)) ** 2)
    tail = fft.irfft(spectrum, frames)
    return (tail / (np.sqrt(np.sum(np.square(tail))) + 1e-9)).astype(np.float32)


def measured_room(response: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float32]:
    """The tail of a measured impulse response behind its direct sound, unit energy."""
    peak = int(np.argmax(np.abs(response)))
    tail = response[peak + int(0.003 * sample_rate) :][: int(ROOM_SECONDS * sample_rate)]
    return (tail / (np.sqrt(np.sum(np.square(tail))) + 1e-9)).astype(np.float32)


def apply_acoustics(
    audio: NDArray[np.float32],
    *,
    room: NDArray[np.float32] | None,
    wet: float,
    depth_db: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Filter (frames,) by a random equaliser and, where `room` is given, direct plus `wet` tail."""
    frames = len(audio)
    size = fft.next_fast_len(frames + (len(room) if room is not None else 2048), real=True)
    response = equaliser(fft.rfftfreq(size, 1 / sample_rate), depth_db=depth_db, rng=rng)
    if room is not None:
        response = response * (1 + wet * fft.rfft(room, size))
    return fft.irfft(fft.rfft(audio, size) * response, size)[:frames].astype(np.float32)
