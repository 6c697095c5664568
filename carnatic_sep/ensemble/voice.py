"""A singer: glottal pulses through a vocal tract, after the source-filter theory (Fant, 1960)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.additive import (
    HOP_FRAMES,
    at_columns,
    band_limit,
    columns,
    harmonic_sum,
    phase_cycles,
    shaped_noise,
    upsample,
)
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour, Note
from carnatic_sep.ensemble.tract import VOWELS, vocal_tract

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HARMONICS = 120
_SHORT_TRACT = 1.14
_SYLLABLES = {
    "ta": 0.13, "da": 0.1, "ri": 0.1, "na": 0.13, "nu": 0.05, "te": 0.07, "no": 0.05, "ra": 0.07,
    "sa": 0.04, "a": 0.08, "ma": 0.05, "mi": 0.02, "ka": 0.03, "ga": 0.02, "la": 0.03, "pa": 0.03,
}  # fmt: skip
_THROAT = 0.035


@dataclass(frozen=True)
class _Consonant:
    """How a consonant breaks the tone: seconds of closure, level left, and noise let out."""

    seconds: float
    level: float
    noise: float = 0.0
    noise_seconds: float = 0.0
    nasal: bool = False


_CONSONANTS = {
    "t": _Consonant(0.075, 0.0, noise=0.5, noise_seconds=0.012),
    "d": _Consonant(0.055, 0.08, noise=0.25, noise_seconds=0.008),
    "n": _Consonant(0.075, 0.35, nasal=True),
    "r": _Consonant(0.030, 0.25),
    "s": _Consonant(0.110, 0.0, noise=0.35, noise_seconds=0.100),
    "m": _Consonant(0.080, 0.30, nasal=True),
    "l": _Consonant(0.050, 0.40),
    "g": _Consonant(0.060, 0.06, noise=0.2, noise_seconds=0.014),
    "k": _Consonant(0.080, 0.0, noise=0.4, noise_seconds=0.022),
    "p": _Consonant(0.080, 0.0, noise=0.25, noise_seconds=0.008),
}


def sing(
    contour: Contour,
    *,
    tonic_hz: float,
    high_voice: bool,
    frames: int,
    sample_rate: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Sing `contour` on changing syllables.

    Parameters
    ----------
    contour : pitch in cents over `tonic_hz`, level 0 to 1
    high_voice : a short vocal tract, formants 14 % up; each singer's differs by some 3.5 %
    frames : length of the result

    Returns
    -------
    (frames,), mono, dry
    """
    syllables = _syllables(contour.notes, rng)
    count = columns(frames)
    seconds = np.arange(count) * HOP_FRAMES / sample_rate
    cents = at_columns(contour.cents, rate=CONTROL_RATE, frames=frames, sample_rate=sample_rate)
    level = at_columns(contour.level, rate=CONTROL_RATE, frames=frames, sample_rate=sample_rate)
    column_rate = sample_rate / HOP_FRAMES
    f0 = tonic_hz * 2.0 ** ((cents + _unsteadiness(count, column_rate, rng)) / 1200.0)
    scale = (_SHORT_TRACT if high_voice else 1.0) * float(np.exp(rng.normal(0.0, _THROAT)))
    formants = scale * _formants(syllables, seconds, column_rate)
    open_mouth = level * _articulation(syllables, seconds)
    shimmer = 10.0 ** (0.25 * rng.standard_normal(count) / 20.0)
    phase = phase_cycles(f0, frames=frames, sample_rate=sample_rate)
    amplitudes = _harmonics(f0, formants, open_mouth, scale=scale, sample_rate=sample_rate)
    tone = harmonic_sum(phase, (amplitudes * open_mouth * shimmer).astype(np.complex64))
    breath = _breath(
        syllables,
        contour,
        phase=phase,
        open_mouth=upsample(open_mouth, frames=frames),
        tract=np.mean(formants, axis=1),
        scale=scale,
        sample_rate=sample_rate,
        rng=rng,
    )
    return np.asarray(tone / np.sqrt(np.mean(tone**2) + 1e-20) + breath)


def _syllables(
    notes: tuple[Note, ...], rng: np.random.Generator
) -> list[tuple[float, str, _Consonant | None]]:
    """Give notes the syllables written on them, and others as the singer likes.

    Without any written, each phrase opening and about half of the other notes get one.
    """
    chosen: list[tuple[float, str, _Consonant | None]] = []
    for note in notes:
        if note.syllable or note.opens_phrase or rng.random() < 0.5:
            drawn = str(rng.choice(list(_SYLLABLES), p=list(_SYLLABLES.values())))
            text = note.syllable or drawn
            chosen.append((note.start, text[-1], _CONSONANTS.get(text[0])))
    return chosen


def _unsteadiness(count: int, rate: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return jitter of the pitch, 3 cents within 6 ms; drift is part of the contour."""
    from scipy.ndimage import gaussian_filter1d

    line = gaussian_filter1d(rng.standard_normal(count), 0.006 * rate)
    return np.asarray(3.0 * line / (np.std(line) + 1e-20))


def _formants(
    syllables: list[tuple[float, str, _Consonant | None]],
    seconds: NDArray[np.float64],
    rate: float,
) -> NDArray[np.float64]:
    """Return formant frequencies that glide from vowel to vowel in some 40 ms, (5, columns)."""
    from scipy.ndimage import gaussian_filter1d

    track = np.tile(np.array(VOWELS["a"])[:, None], seconds.size)
    for start, vowel, consonant in syllables:
        first = int(np.searchsorted(seconds, start))
        track[:, first:] = np.array(VOWELS[vowel])[:, None]
        if consonant is not None and consonant.nasal:
            last = int(np.searchsorted(seconds, start + consonant.seconds))
            track[:, first:last] = np.array(VOWELS["nasal"])[:, None]
    return np.asarray(gaussian_filter1d(track, 0.02 * rate, axis=1))


def _articulation(
    syllables: list[tuple[float, str, _Consonant | None]], seconds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the gain that consonants leave to the tone, (columns,)."""
    gain = np.ones(seconds.size)
    for start, _, consonant in syllables:
        if consonant is None:
            continue
        edge = 0.012
        inside = np.minimum(seconds - start + edge, start + consonant.seconds + edge - seconds)
        closed = np.clip(inside / edge, 0.0, 1.0)
        gain *= 1.0 - (1.0 - consonant.level) * closed * closed * (3.0 - 2.0 * closed)
    return gain


def _harmonics(
    f0: NDArray[np.float64],
    formants: NDArray[np.float64],
    level: NDArray[np.float64],
    *,
    scale: float,
    sample_rate: int,
) -> NDArray[np.complex128]:
    """Return the complex amplitude of each harmonic in front of the lips, (harmonics, columns).

    The glottal flow falls by 12 dB an octave; radiation at the lips gives 6 of them back. Soft
    singing closes the folds more slowly: another pole, moving from 2.5 kHz up to 7 kHz.
    """
    frequency = np.arange(1, _HARMONICS + 1)[:, None] * f0
    closing_hz = 2500.0 + 4500.0 * level
    source = f0 / frequency / (1.0 + 1j * frequency / closing_hz)
    audible = band_limit(frequency, sample_rate=sample_rate)
    return np.asarray(source * audible * vocal_tract(frequency, formants, scale=scale))


def _breath(
    syllables: list[tuple[float, str, _Consonant | None]],
    contour: Contour,
    *,
    phase: NDArray[np.float64],
    open_mouth: NDArray[np.float64],
    tract: NDArray[np.float64],
    scale: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return aspiration in time with the pulses, bursts of consonants, breaths before phrases."""
    frames = phase.size

    def through_tract(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        gain = np.abs(vocal_tract(frequency, tract, scale=scale))
        rising = frequency / (frequency + 1500.0)
        return np.asarray(gain * rising * band_limit(frequency, sample_rate=sample_rate))

    def hiss(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-0.5 * (np.log2(np.maximum(frequency, 1.0) / 5000.0) / 0.5) ** 2)

    aspiration = shaped_noise(frames, sample_rate=sample_rate, gain=through_tract, rng=rng)
    out = 0.035 * aspiration * open_mouth * (0.6 + 0.4 * np.cos(2 * np.pi * phase))
    bursts = shaped_noise(frames, sample_rate=sample_rate, gain=hiss, rng=rng)
    for start, _, consonant in syllables:
        if consonant is not None and consonant.noise:
            at = start + consonant.seconds - consonant.noise_seconds
            _add_window(out, bursts, consonant.noise, at, consonant.noise_seconds, sample_rate)
    for note in contour.notes:
        if note.opens_phrase and note.start > 0.4:
            _add_window(out, aspiration, 0.05, note.start - 0.35, 0.3, sample_rate)
    return np.asarray(out)


def _add_window(
    out: NDArray[np.float64],
    noise: NDArray[np.float64],
    gain: float,
    start: float,
    seconds: float,
    sample_rate: int,
) -> None:
    """Add a raised-cosine window of `noise` into `out`, from `start` for `seconds`."""
    first = int(start * sample_rate)
    window = np.hanning(int(seconds * sample_rate) + 2)[: max(0, out.size - first)]
    out[first : first + window.size] += gain * window * noise[first : first + window.size]
