from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.analysis.pulse import find_pulse
from carnatic_sep.analysis.rhythm import analyse_rhythm, read_sama, sama_agreement
from carnatic_sep.errors import AnalysisError

from .conftest import STROKE_SECONDS


def test_strokes_hands_and_pulse(kutcheri) -> None:
    found = analyse_rhythm(kutcheri.folder / "mridangam.wav")
    truth = np.arange(0.5, kutcheri.seconds - 0.5, STROKE_SECONDS)
    assert len(found.strokes) == len(truth)
    assert np.abs(found.onsets - truth).max() < 0.01
    hands = [stroke.hand for stroke in found.strokes]
    assert hands[0::2] == ["left"] * len(hands[0::2])
    assert "left" not in hands[1::2]
    assert 60 / found.pulse_per_minute == pytest.approx(STROKE_SECONDS, rel=0.01)
    assert found.pulse_confidence > 0.9


def test_windows_do_not_lose_strokes(kutcheri, monkeypatch) -> None:
    whole = analyse_rhythm(kutcheri.folder / "mridangam.wav")
    monkeypatch.setattr("carnatic_sep.analysis.rhythm._CORE_SECONDS", 5.0)
    parts = analyse_rhythm(kutcheri.folder / "mridangam.wav")
    apart = np.abs(parts.onsets[:, None] - whole.onsets)
    assert np.all(np.diff(parts.onsets) > 0.1)  # none twice where windows meet
    assert np.mean(apart.min(axis=0) < 0.012) > 0.9


def test_a_tempo_that_changes_is_followed() -> None:
    period = np.linspace(0.30, 0.24, 300)
    onsets = np.cumsum(period)
    found = find_pulse(onsets, np.ones(len(onsets)))
    expected = 60.0 / np.interp(found.times, onsets, period)
    assert np.abs(found.local_per_minute / expected - 1.0).max() < 0.05


def test_random_strokes_have_no_pulse_to_trust() -> None:
    rng = np.random.default_rng(0)
    scattered = np.sort(rng.uniform(0, 60, 300))
    assert find_pulse(scattered, np.ones(300)).confidence < 0.5
    few = find_pulse(np.array([1.0, 2.0]), np.ones(2))
    assert np.isnan(few.per_minute)


def test_sama_falls_on_strokes(kutcheri, tmp_path) -> None:
    found = analyse_rhythm(kutcheri.folder / "mridangam.wav")
    sama = [0.5 + 8 * STROKE_SECONDS * k for k in range(5)]
    agreement = sama_agreement(found, sama)
    assert agreement.with_stroke == 1.0
    assert agreement.by_chance < 0.6
    assert agreement.pulses_per_cycle == pytest.approx(8.0, abs=0.1)
    path = tmp_path / "sama.txt"
    path.write_text("10.292\n15.768, 2\n\n", encoding="utf-8")
    assert read_sama(path) == (10.292, 15.768)
    for wrong in ("first\n", ",\n"):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(AnalysisError, match=r"sama\.txt"):
            read_sama(path)
    with pytest.raises(AnalysisError, match="rising"):
        sama_agreement(found, [3.0, 2.0])
