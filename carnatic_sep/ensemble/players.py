"""Who plays: a source of sound for each part of a score, by rule unless recordings are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from carnatic_sep.ensemble.hall_noise import HallNoise
from carnatic_sep.ensemble.mridangam import drum
from carnatic_sep.ensemble.percussion import RulePercussion
from carnatic_sep.ensemble.score import Frame, Score, generator
from carnatic_sep.ensemble.tanpura import sound_strings, string_set
from carnatic_sep.ensemble.violin import bow
from carnatic_sep.ensemble.voice import sing
from carnatic_sep.stems import MRIDANGAM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.contour import Contour
    from carnatic_sep.ensemble.violin_tone import ViolinCasting

    Audio = NDArray[np.float32]
    Part = Callable[[Score, int, int, np.random.Generator], Audio]

_TANPURA_SETS = 3
_TANPURA_HZ = 150.0
_SIZES = 4
_BLOCK = 2048


def rule_voice(score: Score, frames: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Sing the score by rule: (frames,), mono, dry."""
    return np.asarray(
        sing(
            score.voice,
            tonic_hz=score.tonic_hz,
            high_voice=score.frame.high_voice,
            frames=frames,
            sample_rate=sample_rate,
            rng=rng,
        ),
        dtype=np.float32,
    )


def rule_violin(score: Score, frames: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Bow the score by rule: (frames,), mono, dry."""
    sound = bow(
        score.violin, tonic_hz=score.tonic_hz, frames=frames, sample_rate=sample_rate, rng=rng
    )
    return np.asarray(sound, dtype=np.float32)


def rule_mridangam(score: Score, frames: int, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Strike the score's mridangam by modal synthesis: (frames,), mono, dry."""
    strokes = [stroke for stroke in score.strokes if stroke.instrument == MRIDANGAM]
    sound = drum(strokes, tonic_hz=score.tonic_hz, frames=frames, sample_rate=sample_rate, rng=rng)
    return np.asarray(sound, dtype=np.float32)


@dataclass(frozen=True)
class Casting:
    """Who sings, what, and on which Sa; give raga and tonic to :func:`~.frame.draw_frame`."""

    singer: str
    raga: str
    tonic_hz: float


@dataclass(frozen=True)
class Sung:
    """A sung line: its truth, and the sound, (frames,), mono, dry."""

    contour: Contour
    audio: Audio


class Singers(Protocol):
    """Recorded singers, as :class:`~carnatic_sep.ensemble.voice_bank.VoiceBank` has them.

    Playing by rule needs no extra, so the banks are not imported here.
    """

    def cast(self, rng: np.random.Generator) -> Casting:
        """Draw who sings what."""
        ...

    def perform(
        self, frame: Frame, *, singer: str, sample_rate: int, rng: np.random.Generator
    ) -> Sung:
        """Sing a piece."""
        ...

    def write(self, frame: Frame, *, singer: str, rng: np.random.Generator) -> Contour:
        """Return the line that :meth:`perform` would sing with the same dice."""
        ...


class Violins(Protocol):
    """Recorded violins, as :class:`~carnatic_sep.ensemble.violin_bank.ViolinBank` has them."""

    def cast(self, rng: np.random.Generator, *, variety: float) -> ViolinCasting:
        """Draw who plays a piece."""
        ...

    def play(
        self,
        contour: Contour,
        *,
        tonic_hz: float,
        frames: int,
        sample_rate: int,
        rng: np.random.Generator,
        casting: ViolinCasting | None = None,
    ) -> Audio:
        """Play a line, (frames,)."""
        ...


@dataclass(frozen=True)
class Players:
    """The musicians of an ensemble.

    Attributes
    ----------
    voice, violin, mridangam : each takes a score, a number of frames, a sample rate and a
        generator, and returns (frames,) of dry mono sound
    singers : recorded phrases, which sing in place of `voice`
    violins : recorded notes, which play in place of `violin`
    """

    voice: Part = rule_voice
    violin: Part = rule_violin
    mridangam: Part = rule_mridangam
    singers: Singers | None = None
    violins: Violins | None = None


class SideInstruments:
    """Tanpura, ghatam, kanjira, claps and the hall: by rule, made once and varied.

    Parameters
    ----------
    sample_rate : Hz
    seed : of the instruments themselves
    """

    def __init__(self, *, sample_rate: int, seed: int = 0) -> None:
        self.sample_rate = sample_rate
        self.seed = seed
        self._strings: dict[int, list[NDArray[np.float64]]] = {}
        self._percussion: dict[tuple[str, int], RulePercussion] = {}
        self._hall: HallNoise | None = None

    def tanpura(self, score: Score, *, frames: int, rng: np.random.Generator) -> Audio:
        """Pluck a tanpura at the score's tonic for the whole length: (frames,)."""
        import soxr

        chosen = int(rng.integers(_TANPURA_SETS))
        if chosen not in self._strings:
            self._strings[chosen] = string_set(
                tonic_hz=_TANPURA_HZ,
                sample_rate=self.sample_rate,
                rng=generator(self.seed, f"tanpura {chosen}"),
            )
        speed = score.tonic_hz / _TANPURA_HZ
        tuned = [
            soxr.resample(string, self.sample_rate, self.sample_rate / speed, quality="MQ")
            for string in self._strings[chosen]
        ]
        gap = float(rng.uniform(0.6, 0.95)) / max(speed, 1.0)
        sound = sound_strings(
            tuned, frames=frames, sample_rate=self.sample_rate, rng=rng, gap_seconds=gap
        )
        return np.asarray(sound, dtype=np.float32)

    def percussion(
        self, instrument: str, score: Score, *, frames: int, rng: np.random.Generator
    ) -> Audio:
        """Play what the score has for a ghatam, kanjira or clapping hands: (frames,)."""
        key = instrument, int(rng.integers(_SIZES))
        if key not in self._percussion:
            self._percussion[key] = RulePercussion(
                instrument,
                sample_rate=self.sample_rate,
                rng=generator(self.seed, f"{instrument} {key[1]}"),
            )
        return self._percussion[key].play(score.strokes, frames=frames, rng=rng)

    def hall(self, *, frames: int, rng: np.random.Generator) -> Audio:
        """Return the noise of the hall in two channels that differ, (2, frames)."""
        if self._hall is None:
            self._hall = HallNoise(
                sample_rate=self.sample_rate, rng=generator(self.seed, "hall noise")
            )
        return self._hall.sound(frames=frames, rng=rng)


def at_level(sound: Audio, level_db: float) -> Audio:
    """Scale so that the louder 70 % of the sounding blocks have an RMS of 0.1 at 0 dB.

    Silence stays silence. Blocks are 2048 frames; those 50 dB below the loudest do not count.

    Raises
    ------
    ValueError
        A sample is NaN or infinite.
    """
    channels = np.atleast_2d(sound)
    whole = channels.shape[1] // _BLOCK * _BLOCK
    if whole == 0:
        whole, block = channels.shape[1], channels.shape[1]
    else:
        block = _BLOCK
    energy = np.square(channels[:, :whole].reshape(channels.shape[0], -1, block)).mean(axis=(0, 2))
    if not np.all(np.isfinite(energy)):
        raise ValueError("a player's sound is not finite")
    heard = np.sort(energy[energy > 1e-5 * energy.max(initial=0.0)])
    if not heard.size or heard[-1] < 1e-16:
        return np.zeros_like(sound, dtype=np.float32)
    level = np.sqrt(np.mean(heard[int(0.3 * heard.size) :]))
    return np.asarray(sound * (0.1 * 10.0 ** (level_db / 20.0) / level), dtype=np.float32)
