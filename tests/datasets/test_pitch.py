"""Contours of sounds whose pitch is known."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.pitch import PITCH_RATE, track_pitch

pytest.importorskip("librosa")
RATE = 16000


def test_a_sweep_is_followed_within_a_quarter_of_a_semitone() -> None:
    time = np.arange(int(1.2 * RATE)) / RATE
    f0 = 150 * 2 ** (time / 1.2)  # an octave up
    sweep = 0.3 * np.sin(2 * np.pi * np.cumsum(f0) / RATE)
    contour = track_pitch(sweep.astype(np.float32), RATE)
    assert len(contour.f0) == len(contour.voiced) == len(contour.level) == 120
    truth = 150 * 2 ** (np.arange(120) / PITCH_RATE / 1.2)
    inside = slice(8, -8)
    assert contour.voiced[inside].all()
    assert np.abs(1200 * np.log2(contour.f0[inside] / truth[inside])).max() < 25
    assert contour.level[inside] == pytest.approx(0.3 / 2**0.5, rel=0.05)


def test_a_gap_is_unvoiced_and_bridged() -> None:
    time = np.arange(RATE) / RATE
    sound = 0.3 * np.sin(2 * np.pi * 220 * time)
    sound[6000:10000] = 0.0
    contour = track_pitch(sound.astype(np.float32), RATE)
    assert not contour.voiced[44:56].any()
    assert contour.f0[10:90] == pytest.approx(220, rel=0.03)
    assert contour.level[46:54].max() < 1e-6


def test_silence_has_a_contour_too() -> None:
    contour = track_pitch(np.zeros(RATE // 4, dtype=np.float32), RATE)
    assert not contour.voiced.any()
    assert np.isfinite(contour.f0).all()
    assert (contour.level == 0).all()
