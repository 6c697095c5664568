"""A tanpura: four strings, pa sa sa Sa, over a bridge that keeps feeding their overtones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.additive import HOP_FRAMES, columns, harmonic_sum, phase_cycles

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRINGS = (0.75, 1.0, 1.0, 0.5)
_HARMONICS = 60
_GRID = 256
_PLUCK_SECONDS = 0.85
_CUT_SECONDS = 0.04
JAWARI = 0.012
"""How far the bridge advances the crest of a wave in one period, as a share of the period."""


def string_set(
    *, tonic_hz: float, sample_rate: int, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Pluck each of the four strings once, each a cent or two off, for :func:`sound_strings`.

    Returns
    -------
    four of (frames,), in the order in which they are plucked
    """
    tuning = [tonic_hz * ratio * 2.0 ** (rng.uniform(-2.0, 2.0) / 1200.0) for ratio in _STRINGS]
    round_seconds = len(_STRINGS) * _PLUCK_SECONDS
    length = int((round_seconds + 4 * _CUT_SECONDS) * sample_rate)
    return [pluck(f0, frames=length, sample_rate=sample_rate, rng=rng) for f0 in tuning]


def sound_strings(
    plucks: list[NDArray[np.float64]],
    *,
    frames: int,
    sample_rate: int,
    rng: np.random.Generator,
    gap_seconds: float = _PLUCK_SECONDS,
) -> NDArray[np.float64]:
    """Lay plucked strings one after another, each cut short by its own next pluck.

    Parameters
    ----------
    plucks : of each string, (frames,)
    gap_seconds : between one string and the next; a string shorter than four gaps dies away first

    Returns
    -------
    (frames,), as if the strings had been sounding before
    """
    tail = int(2 * _CUT_SECONDS * sample_rate)
    start = int(len(plucks) * gap_seconds * sample_rate)
    cut_plucks = []
    for sound in plucks:
        end = min(start, sound.size - tail)
        cut = np.ones(end + tail)
        cut[end:] = 0.5 * (1.0 + np.cos(np.linspace(0.0, np.pi, tail)))
        cut_plucks.append(sound[: end + tail] * cut)
    out = np.zeros(frames)
    for index in range(-len(plucks), int(frames / sample_rate / gap_seconds) + 1):
        seconds = index * gap_seconds + rng.uniform(0.0, 0.04)
        gain = rng.uniform(0.8, 1.0)
        first = int(seconds * sample_rate)
        part = cut_plucks[index % len(plucks)][max(0, -first) : max(0, frames - first)]
        at = max(0, first)
        out[at : at + part.size] += gain * part[: frames - at]
    return out


def pluck(
    f0: float,
    *,
    frames: int,
    sample_rate: int,
    rng: np.random.Generator,
    jawari: float = JAWARI,
    place: float | None = None,
) -> NDArray[np.float64]:
    """Return one string from pluck to rest.

    Two planes of motion, a little apart in pitch, beat.

    Parameters
    ----------
    f0 : Hz
    jawari : as :data:`JAWARI`; 0 for a bridge with a sharp edge
    place : where the finger plucks, as a share of the length; near the middle if None

    Returns
    -------
    (frames,)
    """
    count = columns(frames)
    where = rng.uniform(0.40, 0.47) if place is None else place
    strength = jawari * rng.uniform(0.8, 1.25)
    top = min(9000.0, 0.45 * sample_rate)
    amplitudes = np.zeros((_HARMONICS, count), dtype=np.complex64)
    seconds = np.arange(count) * HOP_FRAMES / sample_rate
    hz = f0 * np.arange(1, _HARMONICS + 1)[:, None]
    for level, detune_hz in ((1.0, 0.0), (0.45, rng.uniform(0.15, 0.5))):
        line = _overtones(f0, where, strength * level, seconds=seconds)
        turn = np.exp(2j * np.pi * (detune_hz * hz / f0 * seconds + rng.uniform()))
        amplitudes += (level * line * turn).astype(np.complex64)
    # What a body of gourd and wood radiates: little below 150 Hz, most up to 3 kHz.
    body = hz / (hz + 260.0) / (1.0 + (hz / 2400.0) ** 2)
    amplitudes *= (body * np.clip((top - hz) / 1000.0, 0.0, 1.0)).astype(np.float32)
    phase = phase_cycles(np.full(count, f0), frames=frames, sample_rate=sample_rate)
    tone = harmonic_sum(phase, amplitudes)
    return np.asarray(tone * np.minimum(np.arange(frames) / (0.003 * sample_rate), 1.0))


def _overtones(
    f0: float, place: float, jawari: float, *, seconds: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Follow the force that a string puts on its bridge, period by period.

    The bridge is a slope that the string wraps around as it swings towards it: the string is
    shorter then, so the crest of the wave comes back sooner than the trough. Each period the wave
    is warped by that advance, filtered by the string's losses, and turned by its stiffness. The
    crest steepens while it is high, which feeds the overtones long after the pluck, those with a
    node under the finger too (Raman, 1921; van Walstijn et al., "The Tanpura: A Physical Model of
    String-Bridge Interaction", 2016).

    Returns
    -------
    (harmonics, columns), complex amplitudes at `seconds`
    """
    periods = int(np.ceil(seconds[-1] * f0)) + 2
    k = np.arange(_GRID // 2 + 1)
    time = np.arange(_GRID) / _GRID
    plucked = np.zeros(_GRID // 2 + 1, dtype=np.complex128)
    order = k[1 : _HARMONICS + 1]
    plucked[1 : _HARMONICS + 1] = np.sin(np.pi * order * place) / order**2 * np.exp(-order / 30.0)
    wave = np.fft.irfft(plucked)
    wave /= np.abs(wave).max()
    hz = k * f0
    loss = np.exp(-(1.0 / 2.6) * (1.0 + hz / 2500.0 + (hz / 6500.0) ** 2) / f0)
    loss[_HARMONICS + 1 :] = 0.0
    loss[0] = 0.0
    stretch = 0.5 * 4e-6 * k.astype(float) ** 2 * k
    round_trip = loss * np.exp(-2j * np.pi * stretch)
    ring = np.empty((_HARMONICS, periods), dtype=np.complex128)
    for period in range(periods):
        spectrum = np.fft.rfft(wave)
        ring[:, period] = order * spectrum[1 : _HARMONICS + 1]
        if jawari:
            advance = jawari * np.maximum(wave, 0.0)
            warped = np.fft.rfft(np.interp(time + advance, time, wave, period=1.0))
            # The player tunes by ear: what the advance does to the pitch is taken back.
            spectrum = warped * np.exp(1j * k * np.angle(spectrum[1] / (warped[1] + 1e-30)))
        wave = np.fft.irfft(spectrum * round_trip)
    at = seconds * f0
    low = np.minimum(at.astype(int), periods - 2)
    share = at - low
    line: NDArray[np.complex128] = ring[:, low] * (1.0 - share) + ring[:, low + 1] * share
    return line / _GRID
