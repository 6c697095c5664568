"""Bleed that is added to what a network hears, and to nothing that it is to return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]

_DISTANCE_SECONDS = (0.003, 0.02)
_DECAY_SECONDS = (0.05, 0.25)
"""Time in which a stage's reverberation falls by 60 dB, at most as far as it matters here."""
_TAIL_SHARE = (0.1, 0.6)


def added_bleed(
    stems: Audio, *, level_db: tuple[float, float], sample_rate: int, rng: np.random.Generator
) -> Audio:
    """Return what other microphones hear of `stems`: each late, coloured and reverberant.

    Parameters
    ----------
    stems : (stems, channels, frames)
    level_db : limits of each stem's bleed against the stem, by energy

    Returns
    -------
    (channels, frames), to be added to the mixture; a silent stem does not bleed

    The way from a player to a foreign microphone of 1 to 7 m is drawn as a direct sound and a
    tail of decaying noise, one for all channels of a stem.
    """
    heard = np.zeros(stems.shape[1:], dtype=np.float32)
    for stem in stems:
        gain_db = rng.uniform(*level_db)
        far = _filtered(stem, _way(sample_rate, rng))
        energy, own = float(np.square(far).sum()), float(np.square(stem).sum())
        if energy > 0:
            heard += far * np.float32(np.sqrt(own / energy) * 10 ** (gain_db / 20))
    return heard


def _way(sample_rate: int, rng: np.random.Generator) -> Audio:
    """Draw an impulse response from a player to a foreign microphone, (taps,)."""
    delay = int(rng.uniform(*_DISTANCE_SECONDS) * sample_rate)
    decay = rng.uniform(*_DECAY_SECONDS) * sample_rate
    taps = np.arange(max(2, int(decay)))
    tail = rng.standard_normal(len(taps)) * 10 ** (-3 * taps / decay)
    tail *= rng.uniform(*_TAIL_SHARE) / (np.sqrt(np.square(tail).sum()) + 1e-12)
    tail[0] += 1.0
    return np.concatenate([np.zeros(delay), tail]).astype(np.float32)


def _filtered(audio: Audio, response: Audio) -> Audio:
    """Convolve (channels, frames) with (taps,), cut to `frames`."""
    frames = audio.shape[-1]
    size = 1 << (frames + len(response) - 2).bit_length()
    spectrum = np.fft.rfft(audio, size, axis=-1) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size, axis=-1)[..., :frames].astype(np.float32)
