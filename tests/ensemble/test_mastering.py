"""One gain curve: limits, ratios, and sums that stay sums."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.ensemble.mastering import Mastering, gain_curve

RATE = 22050


def _drums(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sound = 0.02 * rng.standard_normal((2, 3 * RATE))
    for start in range(2000, 3 * RATE - 4000, 5000):
        hit = rng.standard_normal((2, 2000)) * np.exp(-np.arange(2000) / 200)
        sound[:, start : start + 2000] += 0.7 * hit
    return sound.astype(np.float32)


def test_nothing_passes_the_ceiling_and_the_limiter_has_work() -> None:
    mastering = Mastering(ratio=1.0, ceiling=0.4, loudness_db=-18.0)
    sound = _drums()
    curve = gain_curve(sound, mastering, sample_rate=RATE)
    assert np.abs(sound * curve).max() <= 0.4 * 1.01
    assert curve.max() > 1.5 * curve.min()


def test_without_work_the_curve_is_one_gain_to_the_loudness() -> None:
    sound = (0.1 * np.random.default_rng(1).standard_normal((2, RATE))).astype(np.float32)
    curve = gain_curve(sound, Mastering(threshold_db=30.0, loudness_db=-30.0), sample_rate=RATE)
    assert np.ptp(curve) < 1e-6 * curve.max()
    level = 10 * np.log10(np.mean(np.square(sound * curve)))
    assert level == pytest.approx(-30.0, abs=0.01)


def test_a_ratio_of_two_halves_what_lies_above_the_threshold() -> None:
    seconds = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 500 * seconds) * np.where(seconds < 2, 0.01, 0.1)
    sound = np.stack([tone, tone]).astype(np.float32)
    mastering = Mastering(threshold_db=-10.0, ratio=2.0, ceiling=10.0)
    curve = gain_curve(sound, mastering, sample_rate=RATE)
    quiet, loud = curve[RATE], curve[int(3.5 * RATE)]
    above = 20 * np.log10(0.1 / np.sqrt(np.mean(tone**2))) - 3.01 + 10.0
    assert 20 * np.log10(quiet / loud) == pytest.approx(above / 2, abs=0.3)


def test_stems_that_sum_before_sum_afterwards() -> None:
    stems = [_drums(seed) for seed in range(4)]
    mixture = np.sum(stems, axis=0)
    curve = gain_curve(mixture, Mastering(ratio=2.0, ceiling=0.5), sample_rate=RATE)
    error = np.sum([stem * curve for stem in stems], axis=0, dtype=np.float64) - mixture * curve
    assert 20 * np.log10(np.abs(error).max() / np.abs(mixture * curve).max()) < -120.0


def test_a_steady_curve_and_silence() -> None:
    curve = gain_curve(_drums(), Mastering(ceiling=0.5), sample_rate=RATE, steady=True)
    assert np.ptp(curve) == 0.0
    assert np.abs(_drums() * curve).max() <= 0.5 * (1 + 1e-6)
    silence = np.zeros((2, 100), dtype=np.float32)
    assert np.all(gain_curve(silence, Mastering(), sample_rate=RATE) == 1.0)
