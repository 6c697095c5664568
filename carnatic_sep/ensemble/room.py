"""One small hall around the players: where each sits, and how the room answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DECAY_SECONDS = 0.55
_FIRST_ECHO_SECONDS = 0.009
_REVERBERANT_DB = -13.0
_RUMBLE_HZ = 35.0


def place(
    dry: NDArray[np.float64], *, pan: float, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Seat a player in the hall.

    The direct sound is panned at equal power; the reverberation is noise that falls by 60 dB in
    0.55 s, duller as it falls (Moorer, 1979), and differs from seat to seat and from ear to ear.

    Parameters
    ----------
    dry : (frames,)
    pan : -1 left to 1 right

    Returns
    -------
    (2, frames), free of anything below some 35 Hz
    """
    from scipy.signal import butter, oaconvolve, sosfilt

    angle = (pan + 1.0) * np.pi / 4.0
    gains = np.array([np.cos(angle), np.sin(angle)])[:, None]
    tails = _response(sample_rate=sample_rate, rng=rng)
    wet = oaconvolve(dry[None], tails, axes=1)[:, : dry.size]
    highpass = butter(2, _RUMBLE_HZ, btype="highpass", fs=sample_rate, output="sos")
    return np.asarray(sosfilt(highpass, gains * dry + wet, axis=1))


def _response(*, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the reverberant part of a room's impulse response, (2, frames)."""
    from scipy.signal import butter, sosfilt

    first = int(_FIRST_ECHO_SECONDS * sample_rate)
    seconds = np.arange(int(_DECAY_SECONDS * sample_rate)) / sample_rate
    noise = rng.standard_normal((2, seconds.size))
    dull = sosfilt(butter(1, 1800.0, fs=sample_rate, output="sos"), noise, axis=1)
    fade = np.exp(-6.91 * seconds / _DECAY_SECONDS)
    tail = (0.5 * noise * fade + dull) * fade
    tail[:, :first] = 0.0
    energy = np.sum(tail**2, axis=1, keepdims=True)
    return np.asarray(tail / np.sqrt(energy) * 10.0 ** (_REVERBERANT_DB / 20.0) / np.sqrt(2.0))
