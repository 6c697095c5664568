"""Adi tala: the arithmetic of cycles, and strokes heard where they were written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carnatic_sep.ensemble.mridangam import STROKE_NAMES
from carnatic_sep.ensemble.tala import CYCLE_PULSES, KORVAI, compose_strokes


def test_the_korvai_fills_one_cycle_and_says_its_five_three_times() -> None:
    assert len(KORVAI) == CYCLE_PULSES == 32
    five = KORVAI[13:18]
    assert KORVAI[20:25] == KORVAI[27:32] == five
    assert KORVAI[:6][:4] == KORVAI[6:10]
    assert KORVAI[6:9] == KORVAI[10:13]


def test_strokes_lie_on_the_grid_and_the_last_on_sama() -> None:
    strokes = compose_strokes(start=0.5, cycles=3, beat_seconds=0.8, rng=np.random.default_rng(5))
    pulses = (np.array([stroke.seconds for stroke in strokes]) - 0.5) / 0.2
    assert np.max(np.abs(pulses - np.round(pulses))) * 0.2 < 0.02
    assert strokes[-1].name == "tham"
    assert strokes[-1].seconds == pytest.approx(0.5 + 3 * 8 * 0.8, abs=0.02)
    assert {stroke.name for stroke in strokes} <= set(STROKE_NAMES)
    on_sama = [s.velocity for s, p in zip(strokes, pulses, strict=True) if round(p) % 32 == 0]
    assert min(on_sama) > np.mean([stroke.velocity for stroke in strokes])


def test_an_onset_detector_finds_the_strokes(piece: Any) -> None:
    librosa = pytest.importorskip("librosa")
    heard = librosa.onset.onset_detect(
        y=piece.mono("mridangam"), sr=piece.sample_rate, hop_length=256, units="time", delta=0.03
    )
    written = np.array([stroke.seconds for stroke in piece.plan.strokes])
    far = np.abs(heard[:, None] - written[None])
    assert np.mean(far.min(axis=0) < 0.04) > 0.85
    assert np.mean(far.min(axis=1) < 0.04) > 0.9
