"""Other violins out of one: the body's resonances moved, brightness and bow noise changed.

A body is a fixed filter between string and ear, whatever is played on it. So another body is one
filter over the whole line: it moves no pitch, and what is heard is still exactly what was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.score import Score

    Row = NDArray[np.float32]
    Curve = NDArray[np.float64]

NODES_HZ = 200.0 * 2.0 ** (np.arange(20) / 3.0)
"""Where a body's own peaks and dips have their gains: every third of an octave."""

_GRID = np.arange(np.log2(150.0), np.log2(16000.0), 1.0 / 24.0)
_WIDTH_OCTAVES = 1.0 / 6.0
_MOST_DB = 12.0
_HINGE_HZ = 1000.0
_HIGHEST_HZ, _MIDDLE_HZ = 14000.0, (600.0, 5000.0)
_LONGEST_SECONDS = 3.0
_BODY, _BODY_RANGE = 0.06, (0.85, 1.18)
_TILT_DB, _NOISE_DB, _PEAKS_DB = 1.2, 4.0, 2.5
_VIBRATO_CENTS, _VIBRATO_HZ = 12.0, (4.5, 6.8)
_VIBRATO_ONSET_SECONDS = 0.4


@dataclass(frozen=True)
class ViolinTone:
    """How a violin differs from the recorded one.

    Attributes
    ----------
    body : factor on the frequencies of the body's resonances; above 1 for a smaller violin
    tilt_db : dB an octave away from 1 kHz, held beyond three octaves
    noise_db : level of what lies between the harmonics: bow, rosin, breath of the room
    peaks_db : gains of the body's own at :data:`NODES_HZ`; none if empty
    """

    body: float = 1.0
    tilt_db: float = 0.0
    noise_db: float = 0.0
    peaks_db: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no violin.

        Raises
        ------
        ValueError
            A body that is not positive, or peaks at other than all nodes.
        """
        if not self.body > 0.0 or len(self.peaks_db) not in (0, NODES_HZ.size):
            raise ValueError(
                f"a body needs a positive factor and {NODES_HZ.size} peaks or none, "
                f"not {self.body} and {len(self.peaks_db)}"
            )

    @property
    def filters(self) -> bool:
        """Whether there is anything for :func:`other_body` to do."""
        return self.body != 1.0 or self.tilt_db != 0.0 or any(self.peaks_db)


@dataclass(frozen=True)
class ViolinCasting:
    """Which violin plays, the first being number 0, and what is changed about it."""

    number: int = 0
    tone: ViolinTone = field(default_factory=ViolinTone)


def draw_tone(rng: np.random.Generator, variety: float) -> ViolinTone:
    """Draw a violin; `variety` scales how far they differ, 0 for the recorded one."""
    if not variety:
        return ViolinTone()
    steps = rng.normal(0.0, _PEAKS_DB * variety, NODES_HZ.size)
    return ViolinTone(
        body=float(np.clip(np.exp(rng.normal(0.0, _BODY * variety)), *_BODY_RANGE)),
        tilt_db=float(rng.normal(0.0, _TILT_DB * variety)),
        noise_db=float(rng.normal(0.0, _NOISE_DB * variety)),
        peaks_db=tuple(float(step) for step in steps),
    )


def body_curve(notes: Sequence[tuple[float, Row]], *, sample_rate: int) -> Curve:
    """Estimate a violin's body from notes of unwavering pitch.

    Each harmonic of each note says how strong the body is there, compared with a bowed string,
    whose harmonics fall by 6 dB an octave (Helmholtz); a mean over neighbours smooths the whole.

    Parameters
    ----------
    notes : frequency in Hz and sound (frames,) of each

    Returns
    -------
    dB on a grid of a 24th of an octave from 150 Hz to 16 kHz; 0 about the middle
    """
    places: list[Curve] = []
    levels: list[Curve] = []
    for f0, whole in notes:
        audio = whole[: int(_LONGEST_SECONDS * sample_rate)]
        spectrum = np.abs(np.fft.rfft(audio * np.hanning(audio.size))) ** 2
        harmonics = np.arange(1, max(2, int(min(_HIGHEST_HZ, 0.45 * sample_rate) / f0)))
        bins = harmonics * f0 * audio.size / sample_rate
        half = 0.02 * bins[0]
        power = np.array([spectrum[max(0, int(c - half)) : int(c + half) + 2].sum() for c in bins])
        level = 10.0 * np.log10(power * harmonics**2.0 + 1e-12 * power.max())
        hz = harmonics * f0
        middle = (hz > _MIDDLE_HZ[0]) & (hz < _MIDDLE_HZ[1])
        places.append(np.log2(hz))
        levels.append(level - (level[middle] if middle.any() else level).mean())
    place, level = np.concatenate(places), np.concatenate(levels)
    near = np.exp(-0.5 * ((_GRID[:, None] - place) / _WIDTH_OCTAVES) ** 2) + 1e-9
    curve = near @ level / near.sum(axis=1)
    return np.asarray(curve)


def other_body(audio: Row, tone: ViolinTone, curve: Curve, *, sample_rate: int) -> Row:
    """Let a line sound through another body.

    Parameters
    ----------
    audio : (frames,)
    curve : of the body that it was recorded with; see :func:`body_curve`

    Returns
    -------
    (frames,), with the RMS of `audio`; no sooner and no later
    """
    from scipy.fft import irfft, next_fast_len, rfft

    if not tone.filters or not audio.any():
        return audio
    size = next_fast_len(audio.size + sample_rate // 10, real=True)
    hz = np.arange(size // 2 + 1) * (sample_rate / size)
    octave = np.log2(np.maximum(hz, 1.0))
    moved = np.interp(octave - np.log2(tone.body), _GRID, curve) - np.interp(octave, _GRID, curve)
    gain = np.clip(moved, -_MOST_DB, _MOST_DB)
    gain += tone.tilt_db * np.clip(octave - np.log2(_HINGE_HZ), -3.0, 3.0)
    if tone.peaks_db:
        gain += np.interp(octave, np.log2(NODES_HZ), tone.peaks_db)
    shaped = irfft(rfft(audio, size) * (10.0 ** (gain / 20.0)).astype(np.float32), size)
    shaped = shaped[: audio.size]
    loudness = np.sqrt(np.mean(np.square(audio)) / (np.mean(np.square(shaped)) + 1e-20))
    return np.asarray(shaped * loudness, dtype=np.float32)


def with_vibrato(score: Score, *, variety: float, rng: np.random.Generator) -> Score:
    """Let the violin waver where it follows nobody: in what it sustains, and in its own phrases.

    Depth (12 cents times `variety` in the mean square) and rate are one player's; the score's line
    has it, so that it stays the truth. Shadows and echoes are left alone.
    """
    if not variety:
        return score
    depth = abs(float(rng.normal(0.0, _VIBRATO_CENTS * variety)))
    rate = float(rng.uniform(*_VIBRATO_HZ))
    cents, times = score.violin.cents.copy(), score.violin.times
    for part in score.violin_parts:
        if part.role in ("sustain", "solo"):
            span = slice(*np.searchsorted(times, [part.start, part.end]))
            edge = np.minimum(times[span] - part.start, part.end - times[span])
            swell = np.clip(edge / _VIBRATO_ONSET_SECONDS, 0.0, 1.0)
            cents[span] += depth * swell * np.sin(2.0 * np.pi * rate * (times[span] - part.start))
    return replace(score, violin=replace(score.violin, cents=cents))
