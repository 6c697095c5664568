"""A tanpura: four strings, pa sa sa Sa, over a bridge that keeps feeding their overtones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.additive import HOP_FRAMES, columns, harmonic_sum, phase_cycles

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRINGS = (0.75, 1.0, 1.0, 0.5)
_HARMONICS = 60
_PLUCK_SECONDS = 0.85
_CUT_SECONDS = 0.04


def drone(
    *, tonic_hz: float, frames: int, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Pluck the strings in turn for the whole length.

    Returns
    -------
    (frames,), mono, dry
    """
    tuning = [tonic_hz * ratio * 2.0 ** (rng.uniform(-2.0, 2.0) / 1200.0) for ratio in _STRINGS]
    round_seconds = len(_STRINGS) * _PLUCK_SECONDS
    length = int((round_seconds + 4 * _CUT_SECONDS) * sample_rate)
    plucks = [_pluck(f0, frames=length, sample_rate=sample_rate, rng=rng) for f0 in tuning]
    cut = np.ones(length)
    tail = int(2 * _CUT_SECONDS * sample_rate)
    start = int(round_seconds * sample_rate)
    cut[start : start + tail] = 0.5 * (1.0 + np.cos(np.linspace(0.0, np.pi, tail)))
    cut[start + tail :] = 0.0
    out = np.zeros(frames)
    # The strings have been sounding before the piece starts.
    for index in range(-len(_STRINGS), int(frames / sample_rate / _PLUCK_SECONDS) + 1):
        seconds = index * _PLUCK_SECONDS + rng.uniform(0.0, 0.04)
        gain = rng.uniform(0.8, 1.0)
        first = int(seconds * sample_rate)
        part = (plucks[index % len(_STRINGS)] * cut)[max(0, -first) : max(0, frames - first)]
        at = max(0, first)
        out[at : at + part.size] += gain * part[: frames - at]
    return out


def _pluck(
    f0: float, *, frames: int, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return one string from pluck to rest.

    The curved bridge (jivari) moves energy up as long as the string swings widely, so that a
    bright formant sinks from some 3 kHz to 1 kHz while the lowest harmonics die slowly (Raman,
    1921; van Walstijn et al., 2016). Two planes of motion, a little apart in pitch, beat.
    """
    count = columns(frames)
    seconds = np.arange(count) * HOP_FRAMES / sample_rate
    k = np.arange(1, _HARMONICS + 1)[:, None]
    hz = k * f0
    crest = np.exp(-0.5 * (np.log2(hz / (900.0 + 2300.0 * np.exp(-seconds / 1.1))) / 0.55) ** 2)
    beat_hz = rng.uniform(0.3, 1.6, hz.shape)
    beat_turn, turn = rng.uniform(0.0, 1.0, (2, *hz.shape))
    beating = 1.0 + 0.35 * np.cos(2 * np.pi * (beat_hz * seconds + beat_turn))
    ring = np.exp(-seconds * (1.0 + hz / 2500.0) / 2.6)
    swell = 1.0 - 0.8 * np.exp(-seconds / (0.004 + 0.002 * k))
    level = (0.25 * k**-0.7 + 0.9 * crest * k**-0.35) * beating * ring * swell
    level *= np.clip((min(9000.0, 0.45 * sample_rate) - hz) / 1000.0, 0.0, 1.0)
    amplitudes = (level * np.exp(2j * np.pi * turn)).astype(np.complex64)
    phase = phase_cycles(np.full(count, f0), frames=frames, sample_rate=sample_rate)
    tone = harmonic_sum(phase, amplitudes)
    return np.asarray(tone * np.minimum(np.arange(frames) / (0.003 * sample_rate), 1.0))
