"""Three ways to tell how far a violin lies from the voice it follows, in cents.

`heard` listens with YIN, whose window of 46 ms smears quick turns. `demodulated` turns the sound
back by the phase of the voice's own line, `delay` later, and reads what phase is left: it knows
nothing of how the violin was made either, and no turn is too quick for it. `written` asks no sound
at all but the slope of the position at which notes are read. All look at shadow parts alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour
from carnatic_sep.ensemble.score import ViolinPart

HOP, WINDOW = 441, 2048
_BLOCK = 147
_HARMONICS = 6
_ROUNDING_SECONDS = 0.008
_EDGE_SECONDS = 0.1
_LOUD = 0.3


@dataclass(frozen=True)
class Follower:
    """A violin's line and parts, and the voice that it follows."""

    voice: Contour
    line: Contour
    parts: tuple[ViolinPart, ...]
    tonic_hz: float

    def shadows(self, seconds: np.ndarray) -> list[tuple[ViolinPart, np.ndarray]]:
        """Return for each shadow part which of `seconds` lie well inside it, and sound."""
        found = []
        loud = np.interp(seconds, self.line.times, self.line.level) > _LOUD
        for part in self.parts:
            inside = (seconds > part.start + _EDGE_SECONDS) & (seconds < part.end - _EDGE_SECONDS)
            if part.role == "shadow" and (inside & loud).any():
                found.append((part, inside & loud))
        return found

    def wanted(self, part: ViolinPart, seconds: np.ndarray, width: float = 0.0) -> np.ndarray:
        """Return the voice's cents `delay` before, octaves added; a mean over `width` seconds."""
        at = seconds - part.delay_seconds
        if width:
            return _mean(self.voice.cents, at, width) + 1200.0 * part.octave
        return np.interp(at, self.voice.times, self.voice.cents) + 1200.0 * part.octave


def heard(sound: np.ndarray, follower: Follower) -> np.ndarray:
    """Return what YIN hears against the voice's line averaged over YIN's window."""
    import librosa

    hz = librosa.yin(
        np.asarray(sound, dtype=np.float64),
        fmin=60.0,
        fmax=1600.0,
        sr=SAMPLE_RATE,
        frame_length=WINDOW,
        hop_length=HOP,
    )
    seconds = np.arange(hz.size) * HOP / SAMPLE_RATE
    cents = 1200.0 * np.log2(hz / follower.tonic_hz)
    found = []
    for part, inside in follower.shadows(seconds):
        off = cents[inside] - follower.wanted(part, seconds[inside], WINDOW / SAMPLE_RATE)
        found.append(off - 1200.0 * np.round(off / 1200.0))
    return np.concatenate(found) if found else np.zeros(0)


def demodulated(sound: np.ndarray, follower: Follower) -> np.ndarray:
    """Return the phase's slope once the voice's own line is taken out, every 10 ms."""
    from scipy.ndimage import gaussian_filter1d

    seconds = np.arange(sound.size) / SAMPLE_RATE
    rounding = _ROUNDING_SECONDS * SAMPLE_RATE / _BLOCK
    found = []
    for part, inside in follower.shadows(seconds):
        span = np.flatnonzero(inside)
        first = int(span[0])
        blocks = (int(span[-1]) + 1 - first) // _BLOCK
        last = first + blocks * _BLOCK
        wanted = follower.wanted(part, seconds[first:last])
        hz = follower.tonic_hz * 2.0 ** (wanted / 1200.0)
        cycles = np.cumsum(hz) / SAMPLE_RATE
        turns, weight = np.zeros(blocks), np.full(blocks, 1e-20)
        for harmonic in range(1, _HARMONICS + 1):
            turned = sound[first:last] * np.exp(-2j * np.pi * harmonic * cycles)
            tone = gaussian_filter1d(turned.reshape(blocks, _BLOCK).mean(axis=1), rounding)
            step = tone[1:] * np.conj(tone[:-1])
            sure = np.abs(step) * harmonic**2
            turns[1:] += sure * np.angle(step) / (2.0 * np.pi * harmonic)
            weight[1:] += sure
        away = gaussian_filter1d(turns, rounding) / gaussian_filter1d(weight, rounding)
        away *= SAMPLE_RATE / _BLOCK
        cents = 1200.0 * np.log2(np.maximum(1.0 + away / hz[::_BLOCK], 0.1))
        sounds = inside[first:last].reshape(blocks, _BLOCK).all(axis=1)
        found.append(cents[sounds][:: HOP // _BLOCK])
    return np.concatenate(found) if found else np.zeros(0)


def written(cycles: np.ndarray, follower: Follower) -> np.ndarray:
    """Return the slope of the position at which notes are read, in their cycles, every 10 ms."""
    hz = np.gradient(cycles) * SAMPLE_RATE
    seconds = np.arange(cycles.size)[:: SAMPLE_RATE // 100] / SAMPLE_RATE
    cents = 1200.0 * np.log2(hz[:: SAMPLE_RATE // 100] / follower.tonic_hz)
    found = [
        cents[inside] - follower.wanted(part, seconds[inside])
        for part, inside in follower.shadows(seconds)
    ]
    return np.concatenate(found) if found else np.zeros(0)


def pure(cycles: np.ndarray, line: Contour) -> np.ndarray:
    """Return a tone that has the line's pitch by construction: 8 harmonics, no bow, no noise."""
    at = np.arange(cycles.size) * (CONTROL_RATE / SAMPLE_RATE)
    level = np.interp(at, np.arange(line.level.size), line.level)
    tone = sum(np.sin(2.0 * np.pi * k * cycles) / k for k in range(1, 9))
    return np.asarray(level * tone)


def _mean(cents: np.ndarray, at: np.ndarray, width: float) -> np.ndarray:
    """Return the mean of a line over a window of `width` seconds."""
    total = np.concatenate([[0.0], np.cumsum(cents)])
    first = np.clip(((at - width / 2) * CONTROL_RATE).astype(int), 0, cents.size - 1)
    last = np.clip(((at + width / 2) * CONTROL_RATE).astype(int), first + 1, cents.size)
    return (total[last] - total[first]) / (last - first)
