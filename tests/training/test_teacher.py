"""The gate on cleaned voices: silent where the singer pauses, untouched where they sing."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.bank import SAMPLE_RATE, VoiceClip
from carnatic_sep.datasets.pitch import Contour
from carnatic_sep.training.teacher import _gated


def clip_with_levels(levels_db: list[float]) -> VoiceClip:
    """One second of noise per level, with its contour."""
    level = np.repeat(10 ** (np.array(levels_db) / 20), 100).astype(np.float32)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(len(levels_db) * SAMPLE_RATE).astype(np.float32)
    audio = noise * np.repeat(level, SAMPLE_RATE // 100)
    samples = len(level)
    contour = Contour(np.full(samples, 200, np.float32), np.ones(samples, bool), level)
    return VoiceClip("voice.wav", "singer", None, audio, contour)


def test_pauses_fall_silent_and_singing_stays() -> None:
    clip = clip_with_levels([-20, -60, -30])
    gated = _gated(clip, 20.0)
    second = SAMPLE_RATE
    edge = SAMPLE_RATE // 50
    assert np.array_equal(gated.audio[: second - edge], clip.audio[: second - edge])
    assert not gated.audio[second + edge : 2 * second - edge].any()
    assert np.array_equal(gated.audio[2 * second + edge :], clip.audio[2 * second + edge :])
    assert not gated.contour.level[110:190].any()


def test_the_gate_fades_over_six_decibels() -> None:
    clip = clip_with_levels([-20, -43])
    gated = _gated(clip, 20.0)
    middle = slice(SAMPLE_RATE + SAMPLE_RATE // 4, 2 * SAMPLE_RATE - SAMPLE_RATE // 4)
    ratio = np.abs(gated.audio[middle]).sum() / np.abs(clip.audio[middle]).sum()
    assert ratio == pytest.approx(0.5, abs=0.01)  # 23 dB below: half way through the fade


def test_no_gate_leaves_the_clip_as_it_is() -> None:
    clip = clip_with_levels([-20, -60])
    assert _gated(clip, None) is clip
