"""Ghatam, kanjira and clapping hands, by rule: a small set of strokes, varied from hit to hit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.sequencer import Hit, lay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.tala import Stroke

    Audio = NDArray[np.float32]
    Floats = NDArray[np.float64]

_VARIANTS = 5
STROKES = {
    "ghatam": ("tap", "tone", "gumma"),
    "kanjira": ("slap", "bass", "slide", "jingle"),
    "clap": ("clap",),
}
"""What each instrument can play."""

# A clay pot: shell modes that ring for some 0.1 s, each with more nodal lines than the one before,
# and the breath of its mouth (a Helmholtz tone). A kanjira's skin is an ideal membrane.
_SHELL = np.array([1.0, 1.53, 2.12, 2.93, 3.81, 5.07, 6.4])
_MEMBRANE = np.array([1.0, 1.594, 2.136, 2.296, 2.653])


class RulePercussion:
    """One ghatam, kanjira or pair of hands, of its own size, ready to play.

    Parameters
    ----------
    instrument : a key of :data:`STROKES`
    sample_rate : Hz
    rng : draws the instrument
    """

    def __init__(self, instrument: str, *, sample_rate: int, rng: np.random.Generator) -> None:
        self.instrument = instrument
        self.sample_rate = sample_rate
        make = {"ghatam": _ghatam, "kanjira": _kanjira, "clap": _clap}[instrument]
        size = float(rng.uniform(0.0, 1.0))
        self._sounds = {
            name: [
                _unit(make(name, size, sample_rate=sample_rate, rng=rng), sample_rate)
                for _ in range(_VARIANTS)
            ]
            for name in STROKES[instrument]
        }

    def play(self, strokes: Iterable[Stroke], *, frames: int, rng: np.random.Generator) -> Audio:
        """Play those of `strokes` that are this instrument's.

        Returns
        -------
        (frames,), mono, dry
        """

        def hits(stroke: Stroke) -> list[Hit]:
            sound = self._sounds[stroke.name][int(rng.integers(_VARIANTS))]
            gain = stroke.velocity**1.3 * 10.0 ** (rng.normal(0.0, 1.0) / 20.0)
            return [Hit(sound * np.float32(gain), 0.0, stroke.name)]

        own = [stroke for stroke in strokes if stroke.instrument == self.instrument]
        return lay(own, hits, frames=frames, sample_rate=self.sample_rate)


def _ghatam(name: str, size: float, *, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Strike a pot: nails on the neck (tap), heel of the hand (tone), or its mouth (gumma)."""
    seconds = _clock(0.5, sample_rate)
    base = 520.0 + 420.0 * size
    if name == "gumma":
        breath = np.array([105.0 + 60.0 * size])
        sound = _ring(seconds, breath, np.array([14.0]), np.array([1.0]), rng)
        return sound + 0.12 * _ring(seconds, base * _SHELL[:3], np.full(3, 40.0), np.ones(3), rng)
    tilt = {"tap": 0.35, "tone": -0.5}[name]
    faster = np.asarray(1.0 + 0.35 * np.arange(_SHELL.size), dtype=np.float64)
    decays = {"tap": 45.0, "tone": 18.0}[name] * faster
    gains = _SHELL**tilt * 10.0 ** (rng.normal(0.0, 3.0, _SHELL.size) / 20.0)
    sound = _ring(seconds, base * _SHELL, decays, gains / gains.sum(), rng)
    return sound + {"tap": 0.5, "tone": 0.15}[name] * _noise(seconds, 350.0, rng)


def _kanjira(name: str, size: float, *, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Strike a frame drum of lizard skin with one pair of coins."""
    seconds = _clock(0.45, sample_rate)
    base = 85.0 + 60.0 * size
    coins_hz = rng.uniform(3800.0, 11000.0, 10)
    coins = _ring(seconds, coins_hz, rng.uniform(14.0, 45.0, 10), np.full(10, 0.1), rng)
    if name == "jingle":
        return coins + 0.2 * _noise(seconds, 120.0, rng)
    if name == "slap":
        skin = _ring(seconds, 2.4 * base * _MEMBRANE, np.full(5, 60.0), 1.0 / _MEMBRANE, rng)
        return 0.6 * skin + 0.35 * coins + 0.4 * _noise(seconds, 220.0, rng)
    # The other hand presses the skin: the bass falls or, in a slide, rises by about a fifth.
    bend = 0.6 * np.exp(-seconds / 0.05) if name == "bass" else 0.55 * (1 - np.exp(-seconds / 0.12))
    turns = 2 * np.pi * np.cumsum(base * (1.0 + bend)) / seconds.size * seconds[-1]
    return np.asarray(np.sin(turns) * np.exp(-seconds / 0.09) + 0.12 * coins)


def _clap(name: str, size: float, *, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Clap a palm or a thigh: a burst of noise around the resonance of the cupped hand."""
    from scipy.signal import butter, sosfilt

    seconds = _clock(0.2, sample_rate)
    centre = (900.0 + 700.0 * size) * 2.0 ** rng.uniform(-0.3, 0.3)
    band = butter(2, [0.6 * centre, 1.7 * centre], btype="bandpass", fs=sample_rate, output="sos")
    return np.asarray(sosfilt(band, _noise(seconds, 130.0, rng)))


def _ring(
    seconds: Floats, hz: Floats, decays: Floats, gains: Floats, rng: np.random.Generator
) -> Floats:
    """Sum decaying sines of the given frequencies (Hz), decays (1/s) and gains: (frames,)."""
    detuned = hz * rng.normal(1.0, 0.004, hz.size)
    parts = np.sin(2 * np.pi * detuned[:, None] * seconds) * np.exp(-decays[:, None] * seconds)
    return np.asarray(gains @ parts)


def _noise(seconds: Floats, decay: float, rng: np.random.Generator) -> Floats:
    return np.asarray(rng.standard_normal(seconds.size) * np.exp(-decay * seconds))


def _clock(seconds: float, sample_rate: int) -> Floats:
    return np.arange(int(seconds * sample_rate), dtype=np.float64) / sample_rate


def _unit(sound: Floats, sample_rate: int) -> Audio:
    """Scale to unit RMS over the first 100 ms, and fade the end out."""
    fade = int(0.02 * sample_rate)
    sound[-fade:] *= np.linspace(1.0, 0.0, fade)
    level = np.sqrt(np.mean(sound[: int(0.1 * sample_rate)] ** 2)) + 1e-12
    return np.asarray(sound / level, dtype=np.float32)
