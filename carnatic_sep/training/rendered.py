"""Voices by rule: the ensemble's singer, with the contour that was sung."""

from __future__ import annotations

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE, VoiceClip
from carnatic_sep.datasets.pitch import PITCH_RATE, Contour
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.plan import generator, plan
from carnatic_sep.ensemble.voice import sing

_FIRST_SEED = 100_000
"""Far from the small seeds that `carnatic-sep demo` is given."""


def rendered_voices(count: int, *, seconds: float = 10.0, seed: int = 0) -> list[VoiceClip]:
    """Render `count` phrases of `seconds` each; the same ones for the same seed.

    Returns
    -------
    clips at :data:`SAMPLE_RATE`; each is a performance of its own, with its tonic
    """
    return [_clip(_FIRST_SEED + 1000 * seed + index, seconds) for index in range(count)]


def _clip(seed: int, seconds: float) -> VoiceClip:
    piece = plan(seconds=seconds, seed=seed)
    frames = round(seconds * SAMPLE_RATE)
    audio = sing(
        piece.voice,
        tonic_hz=piece.tonic_hz,
        high_voice=piece.high_voice,
        frames=frames,
        sample_rate=SAMPLE_RATE,
        rng=generator(piece.seed, "vocals"),
    )
    step = round(CONTROL_RATE / PITCH_RATE)
    samples = int(np.ceil(seconds * PITCH_RATE))
    f0 = piece.tonic_hz * 2 ** (piece.voice.cents[::step][:samples] / 1200)
    level = piece.voice.level[::step][:samples]
    contour = Contour(f0.astype(np.float32), level > 0.05, (0.1 * level).astype(np.float32))
    name = f"rendered-{seed}"
    return VoiceClip(name, name, piece.tonic_hz, (0.1 * audio).astype(np.float32), contour)
