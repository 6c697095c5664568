"""A throat of another length: resonances move, the melody and its loudness do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from carnatic_sep.datasets.timbre import shift_formants

RATE = 44100


def vowel(f0: float, formant: float) -> np.ndarray:
    """A pulse train through one resonance 300 Hz wide."""
    pulses = np.zeros(2 * RATE)
    pulses[:: round(RATE / f0)] = 1.0
    radius = np.exp(-np.pi * 300 / RATE)
    sound = lfilter([1.0], [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2], pulses)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def measured(audio: np.ndarray) -> tuple[float, float]:
    """Centroid of the power within 2.5 kHz, and the fundamental by autocorrelation."""
    middle = audio[RATE // 2 : RATE // 2 + 32768] * np.hanning(32768)
    power = np.abs(np.fft.rfft(middle, 65536)) ** 2
    lags = np.fft.irfft(power)[:2000]
    period = 100 + np.argmax(lags[100:])
    hz = np.arange(len(power)) * RATE / 65536
    near = power * (hz < 2500)
    return float(np.sum(hz * near) / np.sum(near)), RATE / float(period)


@pytest.mark.parametrize("ratio", [0.8, 1.25])
def test_the_resonance_moves_and_the_pitch_does_not(ratio) -> None:
    before = vowel(150.0, 1200.0)
    after = shift_formants(before, ratio=ratio, sample_rate=RATE)
    assert after.shape == before.shape
    (centre, f0), (was, was_f0) = measured(after), measured(before)
    assert f0 == pytest.approx(was_f0, rel=0.005)
    moved = np.log(centre / was) / np.log(ratio)  # 1 would be the whole way
    assert 0.5 < moved < 1.2
    assert np.sqrt(np.mean(after**2)) == pytest.approx(0.1, rel=1e-3)


def test_ratio_one_changes_nothing() -> None:
    before = vowel(200.0, 700.0)
    after = shift_formants(before, ratio=1.0, sample_rate=RATE)
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_silence_stays_silent() -> None:
    assert not shift_formants(np.zeros(5000, np.float32), ratio=1.2, sample_rate=RATE).any()
