"""Sustained notes found in recorded pieces: stretches of one pitch, played alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE, Note
from carnatic_sep.files import growing

if TYPE_CHECKING:
    from carnatic_sep.datasets.bank import Take

_HOP, _FRAME = 441, 2048
_LOWEST_HZ, _HIGHEST_HZ = 180.0, 1200.0
_SPREAD_CENTS = 70.0
_SHORTEST_SECONDS = 0.6
_EDGE_SECONDS = 0.06
_LEAST_HARMONIC_DB = 15.0


def sustained_notes(takes: Sequence[Take], *, cache: Path | None = None) -> list[Note]:
    """Find notes that are held for 0.6 s or more and sound alone.

    The pitch keeps within 70 cents, and what lies away from its harmonics is 15 dB below them: so
    double stops, and tails of the note before, are left out.

    Parameters
    ----------
    takes : recordings of a solo violin
    cache : folder that keeps where they are between runs

    Returns
    -------
    notes with the path of the take they are from, without their first and last 60 ms
    """
    return [
        Note(take.path, f0, np.ascontiguousarray(take.audio[int(first) : int(last)]))
        for take in takes
        for first, last, f0 in _cached(take, cache)
    ]


def violin_of(path: str) -> str:
    """Return whose violin a take's file name tells of: what stands before the first ``_``."""
    return Path(path).stem.split("_")[0]


def _cached(take: Take, cache: Path | None) -> list[tuple[float, float, float]]:
    """Read from `cache` where a take's notes are, or find them and keep that."""
    if cache is None:
        return list(_found(take))
    place = cache / f"legato-{hashlib.sha256(take.audio.tobytes()).hexdigest()[:24]}.npy"
    if not place.is_file():
        with growing(place, shared=True) as begun, begun.open("wb") as file:
            np.save(file, np.array(list(_found(take)), dtype=np.float64).reshape(-1, 3))
    return [(float(first), float(last), float(f0)) for first, last, f0 in np.load(place)]


def _found(take: Take) -> Iterator[tuple[float, float, float]]:
    """Yield first and last frame and pitch in Hz of each note."""
    import librosa

    hz = librosa.yin(
        take.audio,
        fmin=_LOWEST_HZ,
        fmax=1.2 * _HIGHEST_HZ,
        sr=SAMPLE_RATE,
        frame_length=_FRAME,
        hop_length=_HOP,
    )
    cents = 1200.0 * np.log2(hz)
    edge = int(_EDGE_SECONDS * SAMPLE_RATE)
    for first, last in _steady(cents):
        f0 = float(2.0 ** (np.median(cents[first:last]) / 1200.0))
        audio = take.audio[first * _HOP + edge : last * _HOP - edge]
        if f0 <= _HIGHEST_HZ and audio.any() and _harmonic_db(audio, f0) >= _LEAST_HARMONIC_DB:
            yield first * _HOP + edge, last * _HOP - edge, f0


def _steady(cents: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield spans in which a line keeps within :data:`_SPREAD_CENTS`, as long as they can be."""
    shortest = int((_SHORTEST_SECONDS + 2 * _EDGE_SECONDS) * SAMPLE_RATE / _HOP)
    first = 0
    while first < cents.size:
        lowest = highest = cents[first]
        last = first + 1
        while last < cents.size:
            lowest, highest = min(lowest, cents[last]), max(highest, cents[last])
            if highest - lowest > _SPREAD_CENTS:
                break
            last += 1
        if last - first >= shortest:
            yield first, last
        first = last


def _harmonic_db(audio: np.ndarray, f0: float) -> float:
    """Return the power within 3 % (at most a fifth of `f0`) of harmonics over that elsewhere."""
    power = np.abs(np.fft.rfft(audio * np.hanning(audio.size))) ** 2
    hz = np.fft.rfftfreq(audio.size, 1.0 / SAMPLE_RATE)
    number = np.round(hz / f0)
    away = np.abs(hz - number * f0)
    heard = (hz > 0.5 * f0) & (hz < 8000.0)
    tone = heard & (away < np.minimum(np.maximum(0.03 * number * f0, 10.0), 0.2 * f0))
    rest = float(power[heard & ~tone].sum())
    return float(10.0 * np.log10(power[tone].sum() / (rest + 1e-20)))
