"""Rooms and microphones: one linear filter per stem, drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]

ROOM_SECONDS = 1.2
"""Longest tail of a room."""


def equaliser(
    frequencies: NDArray[np.floating], *, depth_db: float, rng: np.random.Generator
) -> Audio:
    """Gains at `frequencies` (Hz) of a random microphone: four broad bumps and a tilt.

    `depth_db` is twice the standard deviation of a bump in dB; 0 leaves the sound as it is.
    """
    octaves = np.linspace(-5.7, 4.5, 128)
    gain_db = rng.normal(0, depth_db / 5) * octaves
    for _ in range(4):
        centre, width = rng.uniform(-4, 4), rng.uniform(0.3, 1.5)
        gain_db = gain_db + rng.normal(0, depth_db / 2) * np.exp(
            -(((octaves - centre) / width) ** 2)
        )
    gains = 10 ** (np.clip(gain_db, -24, 18) / 20)
    response: Audio = np.interp(frequencies, 1000 * 2**octaves, gains).astype(np.float32)
    return response


def synthetic_room(*, sample_rate: int, rng: np.random.Generator) -> Audio:
    """An exponentially decaying, darkening noise tail (Polack, 1988): (frames,), unit energy."""
    frames = int(ROOM_SECONDS * sample_rate)
    time = np.arange(frames, dtype=np.float32) / sample_rate
    rt60 = rng.uniform(0.25, 1.4)
    tail = rng.standard_normal(frames).astype(np.float32) * 10 ** (-3 * time / rt60)
    tail[: int(rng.uniform(0.002, 0.02) * sample_rate)] = 0
    spectrum = fft.rfft(tail)
    frequency = fft.rfftfreq(frames, 1 / sample_rate)
    spectrum /= np.sqrt(1 + (frequency / rng.uniform(1500, 6000)) ** 2)
    return _unit_energy(fft.irfft(spectrum, frames))


def measured_room(response: Audio, *, sample_rate: int) -> Audio:
    """Tail of a measured impulse response, (frames,), from 3 ms behind its peak; unit energy."""
    peak = int(np.argmax(np.abs(response)))
    return _unit_energy(
        response[peak + int(0.003 * sample_rate) :][: int(ROOM_SECONDS * sample_rate)]
    )


def apply_acoustics(
    audio: Audio,
    *,
    room: Audio | None,
    wet: float,
    depth_db: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> Audio:
    """Filter by a random equaliser, and by a room as direct sound plus `wet` times its tail.

    Parameters
    ----------
    audio : (frames,)
    room : (tail frames,), None for none
    depth_db : of the equaliser, see :func:`equaliser`

    Returns
    -------
    (frames,); what rings on past the end is cut
    """
    frames = len(audio)
    size = fft.next_fast_len(frames + (len(room) if room is not None else 2048), real=True)
    response = equaliser(fft.rfftfreq(size, 1 / sample_rate), depth_db=depth_db, rng=rng)
    if room is not None:
        response = response * (1 + wet * fft.rfft(room, size))
    filtered: Audio = fft.irfft(fft.rfft(audio, size) * response, size)[:frames].astype(np.float32)
    return filtered


def _unit_energy(tail: NDArray[np.floating]) -> Audio:
    scaled: Audio = (tail / (np.sqrt(np.sum(np.square(tail))) + 1e-9)).astype(np.float32)
    return scaled
