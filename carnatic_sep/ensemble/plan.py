"""What the ensemble is to play: tonic, raga, tempo, every note and every stroke."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carnatic_sep.ensemble.contour import Contour
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.raga import Raga, ragas
from carnatic_sep.ensemble.score import HIGH_VOICE_HZ, Frame, Section, generator
from carnatic_sep.ensemble.tala import BEATS, Stroke, compose_strokes

_LEAD_IN_SECONDS = 0.5
_RING_SECONDS = 1.6
_TONICS_HZ = (130.81, 138.59, 146.83, 185.0, 196.0, 207.65)

__all__ = ["Plan", "generator", "plan"]


@dataclass(frozen=True)
class Plan:
    """A short kutcheri on paper: the truth that the rendered sound can be checked against.

    Attributes
    ----------
    seconds, seed : length of the piece and what it grew from
    tonic_hz : Sa of the singer
    raga : the scale
    beat_seconds : length of one of the eight beats of adi tala
    first_beat_seconds : when the first cycle starts
    cycles : how many cycles; the last is a korvai, and sama follows it
    voice, violin : pitch lines in cents over `tonic_hz`; the violin's may lie an octave up
    violin_delay_seconds : how far the violin first trails the voice; 0 where it never does
    violin_octave : octaves between the voice's line and the violin's
    strokes : of the mridangam, in order
    """

    seconds: float
    seed: int
    tonic_hz: float
    raga: Raga
    beat_seconds: float
    first_beat_seconds: float
    cycles: int
    voice: Contour
    violin: Contour
    violin_delay_seconds: float
    violin_octave: int
    strokes: tuple[Stroke, ...]

    @property
    def high_voice(self) -> bool:
        """Whether the singer's vocal tract is a short one."""
        return self.tonic_hz > HIGH_VOICE_HZ


def plan(*, seconds: float, seed: int) -> Plan:
    """Write the piece for a length and a seed.

    A piece of 20 s holds three cycles and the sama after them; a piece too short for one cycle
    is cut off where it ends.
    """
    rng = generator(seed, "plan")
    tonic = float(rng.choice(_TONICS_HZ)) * 2.0 ** (rng.uniform(-20.0, 20.0) / 1200.0)
    raga = ragas()[int(rng.integers(len(ragas())))]
    bpm = rng.uniform(72.0, 86.0)
    room = seconds - _LEAD_IN_SECONDS - _RING_SECONDS
    cycles = max(1, round(room * bpm / 60.0 / BEATS))
    beat = float(np.clip(room / (cycles * BEATS), 0.6, 1.0))
    frame = Frame(
        seconds=seconds,
        seed=seed,
        tonic_hz=tonic,
        raga=raga.name,
        tala="adi",
        beats=BEATS,
        beat_seconds=beat,
        first_beat_seconds=_LEAD_IN_SECONDS,
        sections=(Section(min(_LEAD_IN_SECONDS, 0.2 * seconds), seconds, "kriti"),),
    )
    melody = write_melody(frame)
    shadow = next((part for part in melody.violin_parts if part.role == "shadow"), None)
    return Plan(
        seconds=seconds,
        seed=seed,
        tonic_hz=tonic,
        raga=raga,
        beat_seconds=beat,
        first_beat_seconds=_LEAD_IN_SECONDS,
        cycles=cycles,
        voice=melody.voice,
        violin=melody.violin,
        violin_delay_seconds=shadow.delay_seconds if shadow else 0.0,
        violin_octave=shadow.octave if shadow else 0,
        strokes=compose_strokes(
            start=_LEAD_IN_SECONDS,
            cycles=cycles,
            beat_seconds=beat,
            rng=generator(seed, "strokes"),
        ),
    )
