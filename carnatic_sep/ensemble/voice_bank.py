"""A singer from recorded phrases: put in a new order, on the piece's tonic, in another timbre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.ensemble.clip import CLIP_RATE, Clip, prepare_clip
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour
from carnatic_sep.ensemble.players import Casting, Sung
from carnatic_sep.ensemble.reshape import reshape_voice
from carnatic_sep.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.bank import VoiceClip
    from carnatic_sep.ensemble.score import Frame

    Row = NDArray[np.float32]

_SEMITONES = 2.5
_FORMANTS = 0.07
_FORMANT_RANGE = (0.84, 1.2)
_TILT_DB = 1.2


@dataclass(frozen=True)
class VoiceBank:
    """Phrases of one or more singers.

    Example
    -------
    ``bank = VoiceBank.prepare(load_bank(root, data).voices, cache=folder)``;
    ``cast = bank.cast(rng)``;
    ``frame = draw_frame(seconds=20, seed=1, raga=cast.raga, tonic_hz=cast.tonic_hz)``;
    ``sung = bank.perform(frame, singer=cast.singer, sample_rate=44100, rng=rng)``.
    """

    clips: tuple[Clip, ...]

    @staticmethod
    def prepare(
        clips: Sequence[VoiceClip], *, cache: Path | None = None, vocoder: bool = True
    ) -> VoiceBank:
        """Prepare recorded phrases, once: with `cache`, a folder, later runs read them back.

        Phrases without a known tonic and raga, or with little that is voiced, are left out.

        Raises
        ------
        ConfigError
            No phrase is left.
        UsageError
            `vocoder` without the package pyworld; see :func:`~.clip.prepare_clip`.
        """
        ready = (prepare_clip(clip, cache=cache, vocoder=vocoder) for clip in clips)
        kept = tuple(clip for clip in ready if clip is not None and clip.raga is not None)
        if not kept:
            raise ConfigError(
                "voice bank: no phrase has a known tonic and raga; name clips like "
                "SINGER_SESSION_RAGA_START.wav and list tonics in voice/alapana_metadata.csv"
            )
        return VoiceBank(kept)

    def cast(self, rng: np.random.Generator) -> Casting:
        """Draw a singer and raga, the more often the more there is of them, and a tonic nearby."""
        clip = self.clips[int(rng.integers(len(self.clips)))]
        semitones = rng.uniform(-_SEMITONES, _SEMITONES)
        return Casting(clip.singer, str(clip.raga), clip.tonic_hz * 2.0 ** (semitones / 12.0))

    def perform(
        self, frame: Frame, *, singer: str, sample_rate: int, rng: np.random.Generator
    ) -> Sung:
        """Sing phrases of `singer` in the frame's raga, moved to its tonic.

        Phrases are read at the speed that moves their tonic, so pitch line and gamakas go along;
        formants are then put where this piece's singer has them. In metrical sections phrases
        start on beats; sections of percussion alone are left silent.

        Raises
        ------
        UnknownNameError
            The bank has no such singer in that raga.
        """
        fitting = self._fitting(frame, singer)
        cues = _cues(frame, fitting, rng)
        audio = np.zeros(round(frame.seconds * SAMPLE_RATE), dtype=np.float32)
        for cue in cues:
            _place(audio, cue)
        speed = frame.tonic_hz / float(np.mean([clip.tonic_hz for clip in fitting]))
        throat = float(np.clip(np.exp(rng.normal(0.0, _FORMANTS)), *_FORMANT_RANGE))
        shaped = reshape_voice(
            audio,
            formants=throat / speed,
            tilt_db=float(rng.normal(0.0, _TILT_DB)),
            sample_rate=SAMPLE_RATE,
        )
        return Sung(_contour(frame, cues), _at_rate(shaped, frame.seconds, sample_rate))

    def write(self, frame: Frame, *, singer: str, rng: np.random.Generator) -> Contour:
        """Return the line that :meth:`perform` would sing with the same dice, unsung.

        Raises
        ------
        UnknownNameError
            The bank has no such singer in that raga.
        """
        return _contour(frame, _cues(frame, self._fitting(frame, singer), rng))

    def _fitting(self, frame: Frame, singer: str) -> list[Clip]:
        fitting = [c for c in self.clips if c.singer == singer and c.raga == frame.raga]
        if not fitting:
            known = sorted({f"{clip.singer} in {clip.raga}" for clip in self.clips})
            raise UnknownNameError("voice", f"{singer} in {frame.raga}", known)
        return fitting


@dataclass(frozen=True)
class _Cue:
    """A phrase and its place: read `speed` times as fast from `start` on, cut short at `end`."""

    clip: Clip
    start: float
    end: float
    speed: float
    gain_db: float


def _cues(frame: Frame, fitting: Sequence[Clip], rng: np.random.Generator) -> list[_Cue]:
    """Put phrases in an order, and each at its time."""
    cues: list[_Cue] = []
    order: list[int] = []
    for section in frame.sections:
        now = section.start + (0.0 if section.metrical else rng.uniform(0.2, 0.8))
        sung = 0
        while section.form != "thani":
            if not order:
                order = [int(each) for each in rng.permutation(len(fitting))]
            clip = fitting[order.pop()]
            speed = frame.tonic_hz / clip.tonic_hz
            now = _on_beat(frame, now) if section.metrical else now
            seconds = clip.audio.size / SAMPLE_RATE / speed
            if now + min(seconds, 1.0) > section.end:
                break
            cues.append(_Cue(clip, now, section.end, speed, float(rng.normal(0.0, 1.5))))
            sung += 1
            now += seconds + _rest(section.form, seconds, sung, rng)
    return cues


def _rest(form: str, seconds: float, sung: int, rng: np.random.Generator) -> float:
    """Return how long the singer rests after a phrase: the violin answers svaras in full."""
    if form == "kalpanasvara" and sung % 2 == 0:
        return seconds + float(rng.uniform(0.2, 0.6))
    if form == "alapana" and sung % 4 == 0:
        return float(rng.uniform(2.8, 5.0))
    return float(rng.uniform(0.1, 0.9))


def _on_beat(frame: Frame, now: float) -> float:
    """Return the first half beat from `now` on."""
    half = 0.5 * frame.beat_seconds
    since = max(0.0, now - frame.first_beat_seconds)
    return frame.first_beat_seconds + half * float(np.ceil(since / half - 1e-6))


def _place(audio: Row, cue: _Cue) -> None:
    """Add a phrase."""
    import soxr

    moved = cue.clip.audio
    if abs(cue.speed - 1.0) > 1e-4:
        moved = soxr.resample(moved, cue.speed * SAMPLE_RATE, SAMPLE_RATE)
    first = round(cue.start * SAMPLE_RATE)
    moved = moved[: max(0, min(audio.size, int(cue.end * SAMPLE_RATE)) - first)].copy()
    fade = min(int(0.05 * SAMPLE_RATE), moved.size)
    moved[moved.size - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    audio[first : first + moved.size] += np.float32(10.0 ** (cue.gain_db / 20.0)) * moved


def _contour(frame: Frame, cues: Sequence[_Cue]) -> Contour:
    """Write each phrase's line at the times at which it sounds; hold the pitch through rests."""
    values = int(np.ceil(frame.seconds * CONTROL_RATE)) + 1
    cents, level = np.full(values, np.nan), np.zeros(values)
    for cue in cues:
        seconds = (cue.clip.cents.size - 1) / CLIP_RATE / cue.speed
        first = int(np.ceil(cue.start * CONTROL_RATE))
        last = min(values, int(min(cue.start + seconds, cue.end) * CONTROL_RATE))
        at = (np.arange(first, last) / CONTROL_RATE - cue.start) * cue.speed * CLIP_RATE
        places = np.arange(cue.clip.cents.size)
        cents[first:last] = np.interp(at, places, cue.clip.cents)
        level[first:last] = np.interp(at, places, cue.clip.level)
    known = np.flatnonzero(np.isfinite(cents))
    held = np.interp(np.arange(values), known, cents[known]) if known.size else 0.0 * level
    return Contour(cents=np.asarray(held, dtype=np.float64), level=level, notes=())


def _at_rate(audio: Row, seconds: float, sample_rate: int) -> Row:
    if sample_rate == SAMPLE_RATE:
        return audio
    import soxr

    frames = round(seconds * sample_rate)
    moved = soxr.resample(audio, SAMPLE_RATE, sample_rate)[:frames]
    return np.pad(moved, (0, frames - moved.size))
