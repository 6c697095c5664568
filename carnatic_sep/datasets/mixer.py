"""Mixtures with known stems, drawn from a bank of solo recordings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets import accompaniment
from carnatic_sep.datasets.acoustics import apply_acoustics, measured_room, synthetic_room
from carnatic_sep.datasets.bank import SAMPLE_RATE, SoloBank, VoiceClip
from carnatic_sep.datasets.config import MixConfig
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.datasets.rhythm import play_pattern
from carnatic_sep.datasets.timbre import shift_formants
from carnatic_sep.datasets.violin import bend_note, bow_wavetable, shadow_contour
from carnatic_sep.stems import MRIDANGAM, OTHER, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]
    Row = NDArray[np.float32]

MIXED_STEMS = (VOCALS, VIOLIN, MRIDANGAM, OTHER)
_INAUDIBLE = 1e-4
_RESTING = ((0,), (1,), (2,), (0, 1), (0, 1, 2))
_RESTING_SHARES = (0.4, 0.15, 0.1, 0.15, 0.2)
_TUNINGS = 2 ** (np.arange(-4, 5) / 12)


@dataclass(frozen=True)
class Phrase:
    """Singing (frames,) and its contour (samples,) at PITCH_RATE."""

    audio: Audio
    f0: Row
    level: Row
    tonic: float | None


class Mixer:
    """Draws stems (stems, frames) in the order of :data:`MIXED_STEMS`; they sum to the mixture.

    Parameters
    ----------
    bank : solo recordings
    config : how they are mixed
    teacher_bank : further voices, already cleaned, used for `config.teacher_share` of mixtures
    rendered_bank : voices sung by rule, used for `config.rendered_share` of the others
    seed : of the synthesised banks (tanpura, ghatam, kanjira, rooms)
    """

    def __init__(
        self,
        bank: SoloBank,
        config: MixConfig,
        *,
        teacher_bank: list[VoiceClip] | None = None,
        rendered_bank: list[VoiceClip] | None = None,
        seed: int = 0,
    ) -> None:
        self.bank = bank
        self.config = config
        self.frames = int(config.seconds * SAMPLE_RATE)
        self._voices = _by_performance(bank.voices)
        self._taught = _by_performance(teacher_bank or [])
        self._rendered = _by_performance(rendered_bank or [])
        rng = np.random.default_rng(seed)
        self._tanpuras = [
            accompaniment.tanpura(12.0, sample_rate=SAMPLE_RATE, rng=rng) for _ in range(10)
        ]
        self._ghatam = [
            accompaniment.ghatam_stroke(sample_rate=SAMPLE_RATE, rng=rng) for _ in range(80)
        ]
        self._kanjira = [
            accompaniment.kanjira_stroke(sample_rate=SAMPLE_RATE, rng=rng) for _ in range(40)
        ]
        self._rooms = [synthetic_room(sample_rate=SAMPLE_RATE, rng=rng) for _ in range(24)]
        self._rooms += [measured_room(r.audio, sample_rate=SAMPLE_RATE) for r in bank.rooms]
        self._kinds = sorted({take.kind for take in bank.strokes})
        self._strokes = {
            kind: [
                [_resample(take.audio, tuning) for tuning in _TUNINGS]
                for take in bank.strokes
                if take.kind == kind
            ]
            for kind in self._kinds
        }

    def draw(self, rng: np.random.Generator) -> Audio:
        """Draw one set of stems: (stems, frames), float32, the voice at about -20 dBFS."""
        config = self.config
        phrase = self._phrase(rng)
        room = self._rooms[rng.integers(len(self._rooms))] if rng.random() < config.room else None
        reference = 0.1
        stems = [
            _at_level(phrase.audio, reference, 0.0),
            _at_level(self._violin(phrase, rng), reference, rng.uniform(*config.violin_level)),
            _at_level(self._mridangam(rng), reference, rng.uniform(*config.mridangam_level)),
            self._other(phrase.tonic, reference, rng),
        ]
        if config.rests and rng.random() < config.rests:
            silence(stems, rng)
        for index, name in enumerate(MIXED_STEMS):
            if rng.random() < config.absent.get(name, 0.0):
                stems[index] = np.zeros(self.frames, dtype=np.float32)
            elif config.equaliser_db or room is not None:
                before = _rms(stems[index])
                wet = rng.uniform(0.05, 0.7) if room is not None else 0.0
                filtered = apply_acoustics(
                    stems[index],
                    room=room,
                    wet=wet,
                    depth_db=config.equaliser_db if rng.random() < config.equalised else 0.0,
                    sample_rate=SAMPLE_RATE,
                    rng=rng,
                )
                stems[index] = filtered * np.float32(before / (_rms(filtered) + 1e-9))
        if _rms(np.sum(stems, axis=0)) < _INAUDIBLE:
            return self.draw(rng)
        return np.stack(stems)

    def draw_many(self, rng: np.random.Generator, count: int) -> Audio:
        """Draw `count` sets of stems: (count, stems, frames)."""
        return np.stack([self.draw(rng) for _ in range(count)])

    def _phrase(self, rng: np.random.Generator) -> Phrase:
        groups = self._voices
        if self._taught and rng.random() < self.config.teacher_share:
            groups = self._taught
        elif self._rendered and rng.random() < self.config.rendered_share:
            groups = self._rendered
        names = list(groups)
        weights = np.sqrt([sum(len(clip.audio) for clip in groups[name]) for name in names])
        clips = groups[names[rng.choice(len(names), p=weights / weights.sum())]]
        transpose = 1.0
        if rng.random() < 0.75:
            transpose = 2 ** (rng.uniform(*self.config.transpose_semitones) / 12)
        audio: list[Audio] = []
        f0: list[Row] = []
        level: list[Row] = []
        needed = int(self.frames * transpose) + SAMPLE_RATE // 2
        clip = clips[rng.integers(len(clips))]
        start = int(rng.integers(0, max(1, len(clip.audio) - needed)))
        start -= start % int(SAMPLE_RATE / PITCH_RATE)
        while sum(map(len, audio)) < needed:
            skip = int(start / SAMPLE_RATE * PITCH_RATE)
            audio.append(_faded(clip.audio[start : start + needed]))
            samples = int(np.ceil(len(audio[-1]) / SAMPLE_RATE * PITCH_RATE))
            f0.append(_padded(clip.contour.f0[skip:], samples))
            level.append(_padded(clip.contour.level[skip:], samples))
            gap = int(rng.uniform(0, 0.5) * PITCH_RATE) if rng.random() < 0.5 else 0
            if gap:
                audio.append(np.zeros(int(gap * SAMPLE_RATE / PITCH_RATE), dtype=np.float32))
                f0.append(np.full(gap, f0[-1][-1]))
                level.append(np.zeros(gap, dtype=np.float32))
            clip, start = clips[rng.integers(len(clips))], 0
        sung = _resample(np.concatenate(audio), transpose)[: self.frames]
        if any(self.config.formant_semitones) and rng.random() < 0.5:
            ratio = 2 ** (rng.uniform(*self.config.formant_semitones) / 12)
            sung = shift_formants(sung, ratio=ratio, sample_rate=SAMPLE_RATE)
        samples = int(np.ceil(self.frames / SAMPLE_RATE * PITCH_RATE))
        place = np.arange(samples) * transpose
        row = np.arange(sum(map(len, f0)))
        pitch = np.interp(place, row, np.concatenate(f0)) * transpose
        loud = np.interp(place, row, np.concatenate(level))
        tonic = clip.tonic * transpose if clip.tonic else None
        return Phrase(sung, pitch.astype(np.float32), loud.astype(np.float32), tonic)

    def _violin(self, phrase: Phrase, rng: np.random.Generator) -> Audio:
        choice = rng.random()
        if choice < self.config.piece:
            piece = self.bank.pieces[rng.integers(len(self.bank.pieces))].audio
            speed = 2 ** (rng.uniform(-5, 4) / 12)
            needed = int(self.frames * speed) + 2
            start = int(rng.integers(0, max(1, len(piece) - needed)))
            excerpt = np.resize(piece[start:], needed)  # a piece too short is repeated
            return _resample(excerpt, speed)[: self.frames]
        leader = phrase
        if choice > self.config.piece + self.config.shadow:
            leader = self._phrase(rng)
        centre = float(np.median(leader.f0))
        octaves = int(rng.random() < (0.5 if centre < 230 else 0.12))
        f0, amplitude = shadow_contour(
            np.clip(leader.f0, 70, 1400),
            leader.level,
            lag_seconds=rng.uniform(*self.config.lag_seconds),
            octaves=octaves,
            rng=rng,
        )
        if rng.random() < self.config.synthetic_violin:
            return bow_wavetable(
                f0, amplitude, frames=self.frames, sample_rate=SAMPLE_RATE, rng=rng
            )
        return bend_note(
            self.bank.notes, f0, amplitude, frames=self.frames, sample_rate=SAMPLE_RATE, rng=rng
        )

    def _mridangam(self, rng: np.random.Generator) -> Audio:
        tuning = int(rng.integers(len(_TUNINGS)))
        gains = 10 ** (rng.normal(0, 3, len(self._kinds)) / 20)

        def choose(kind: int) -> Audio:
            takes = self._strokes[self._kinds[kind]]
            return takes[rng.integers(len(takes))][tuning] * np.float32(gains[kind])

        return play_pattern(
            choose, kinds=len(self._kinds), frames=self.frames, sample_rate=SAMPLE_RATE, rng=rng
        )

    def _other(self, tonic: float | None, reference: float, rng: np.random.Generator) -> Audio:
        level = rng.uniform(*self.config.other_level)
        drone = self._tanpuras[rng.integers(len(self._tanpuras))]
        speed = (tonic or rng.uniform(110, 220)) / accompaniment.TANPURA_TONIC
        start = int(rng.integers(0, max(1, int(len(drone) - self.frames * speed - 2))))
        stretch = np.resize(drone[start:], int(self.frames * speed) + 2)
        audio = _at_level(_resample(stretch, speed)[: self.frames], reference, level)
        if rng.random() < self.config.percussion:
            bank = self._ghatam if rng.random() < 0.65 else self._kanjira
            used = rng.choice(len(bank), 8, replace=False)
            strokes = play_pattern(
                lambda kind: bank[used[kind]],
                kinds=8,
                frames=self.frames,
                sample_rate=SAMPLE_RATE,
                rng=rng,
            )
            audio = audio + _at_level(strokes, reference, rng.uniform(-20, -3))
        if rng.random() < 0.3:
            noise = accompaniment.hall_noise(self.config.seconds, sample_rate=SAMPLE_RATE, rng=rng)
            audio = audio + _at_level(noise[: self.frames], reference, rng.uniform(-45, -25))
        return audio


def silence(stems: list[Audio], rng: np.random.Generator) -> None:
    """Let some players pause for 0.4 s to half of the mixture; solo recordings have few rests.

    Parameters
    ----------
    stems : (frames,) each, in the order of :data:`MIXED_STEMS`; changed in place
    """
    who = _RESTING[rng.choice(len(_RESTING), p=_RESTING_SHARES)]
    frames = len(stems[0])
    length = rng.uniform(0.4 * SAMPLE_RATE, max(0.5 * frames, 0.5 * SAMPLE_RATE))
    start = rng.uniform(-0.5 * length, frames - 0.5 * length)
    # A note ends more slowly than it begins.
    corners = start + np.array([-0.08 * SAMPLE_RATE, 0.0, length, length + 0.02 * SAMPLE_RATE])
    gain = np.interp(np.arange(frames), corners, [1.0, 0.0, 0.0, 1.0]).astype(np.float32)
    for index in who:
        stems[index] = stems[index] * gain


def _by_performance(clips: list[VoiceClip]) -> dict[str, list[VoiceClip]]:
    groups: dict[str, list[VoiceClip]] = defaultdict(list)
    for clip in clips:
        groups[clip.performance].append(clip)
    return dict(groups)


def _resample(audio: Audio, speed: float) -> Audio:
    """Read `audio` at `speed`: pitch and formants move together; linear interpolation."""
    if speed == 1.0:
        return audio
    place = np.arange(int((len(audio) - 1) / speed)) * speed
    whole = place.astype(np.int64)
    share = (place - whole).astype(np.float32)
    return audio[whole] * (1 - share) + audio[np.minimum(whole + 1, len(audio) - 1)] * share


def _faded(audio: Audio, frames: int = 441) -> Audio:
    audio = audio.copy()
    ramp = np.linspace(0, 1, min(frames, len(audio)), dtype=np.float32)
    audio[: len(ramp)] *= ramp
    audio[len(audio) - len(ramp) :] *= ramp[::-1]
    return audio


def _padded(row: Row, samples: int) -> Row:
    return row[:samples] if len(row) >= samples else np.pad(row, (0, samples - len(row)), "edge")


def _rms(audio: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio))))


def _at_level(audio: Audio, reference: float, level_db: float) -> Audio:
    """Scale to `level_db` relative to `reference` by the RMS of the loudest 70 % of the sound."""
    block = 2048
    energy = np.square(audio[: len(audio) // block * block].reshape(-1, block)).mean(axis=1)
    loud = float(np.sqrt(np.mean(np.sort(energy)[int(0.3 * len(energy)) :])))
    if loud < 1e-7:
        return np.zeros_like(audio)
    return (audio * (reference * 10 ** (level_db / 20) / loud)).astype(np.float32)
