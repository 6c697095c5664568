"""Voices that no microphone heard: the ensemble's singer."""

from __future__ import annotations

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE, VoiceClip
from carnatic_sep.datasets.pitch import PITCH_RATE, Contour
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.raga import ragas
from carnatic_sep.ensemble.score import Frame, Section, generator
from carnatic_sep.ensemble.voice import sing

_FIRST_SEED = 100_000
"""Far from the small seeds that `carnatic-sep demo` is given."""
_TONICS_HZ = (130.81, 138.59, 146.83, 185.0, 196.0, 207.65)
_BEATS = 8
_LEAD_IN_SECONDS, _RING_SECONDS = 0.5, 1.6


def rendered_voices(count: int, *, seconds: float = 10.0, seed: int = 0) -> list[VoiceClip]:
    """Render `count` phrases of `seconds` each; the same ones for the same seed.

    Returns
    -------
    clips at :data:`SAMPLE_RATE`; each is a performance of its own, with its tonic
    """
    return [_clip(_FIRST_SEED + 1000 * seed + index, seconds) for index in range(count)]


def _clip(seed: int, seconds: float) -> VoiceClip:
    frame = _frame(seed, seconds)
    line = write_melody(frame).voice
    audio = sing(
        line,
        tonic_hz=frame.tonic_hz,
        high_voice=frame.high_voice,
        frames=round(seconds * SAMPLE_RATE),
        sample_rate=SAMPLE_RATE,
        rng=generator(seed, "vocals"),
    )
    step = round(CONTROL_RATE / PITCH_RATE)
    samples = int(np.ceil(seconds * PITCH_RATE))
    f0 = frame.tonic_hz * 2 ** (line.cents[::step][:samples] / 1200)
    level = line.level[::step][:samples]
    contour = Contour(f0.astype(np.float32), level > 0.05, (0.1 * level).astype(np.float32))
    name = f"rendered-{seed}"
    return VoiceClip(name, name, frame.tonic_hz, (0.1 * audio).astype(np.float32), contour)


def _frame(seed: int, seconds: float) -> Frame:
    """Draw a kriti in adi tala, with whole cycles and time for the last note to ring.

    The bundled model was trained on what these dice give; that is why they are not those of
    :func:`~carnatic_sep.ensemble.frame.draw_frame`.
    """
    rng = generator(seed, "plan")
    tonic = float(rng.choice(_TONICS_HZ)) * 2.0 ** (rng.uniform(-20.0, 20.0) / 1200.0)
    raga = ragas()[int(rng.integers(len(ragas())))]
    bpm = rng.uniform(72.0, 86.0)
    room = seconds - _LEAD_IN_SECONDS - _RING_SECONDS
    cycles = max(1, round(room * bpm / 60.0 / _BEATS))
    return Frame(
        seconds=seconds,
        seed=seed,
        tonic_hz=tonic,
        raga=raga.name,
        tala="adi",
        beats=_BEATS,
        beat_seconds=float(np.clip(room / (cycles * _BEATS), 0.6, 1.0)),
        first_beat_seconds=_LEAD_IN_SECONDS,
        sections=(Section(min(_LEAD_IN_SECONDS, 0.2 * seconds), seconds, "kriti"),),
    )
