"""Global SDR against closed forms and against another library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.metrics.sdr import sdr, validate


def _noise(seed: int, shape: tuple[int, ...] = (2, 5000)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@settings(deadline=None, max_examples=25)
@given(gain=st.floats(0.01, 3.0), wanted=st.floats(-60.0, 100.0))
def test_orthogonal_noise_at_a_known_level_gives_that_level(gain: float, wanted: float) -> None:
    frames = np.arange(4800)
    signal = gain * np.stack([np.sin(2 * np.pi * frames / 48), np.sin(2 * np.pi * frames / 60)])
    noise = np.stack([np.cos(2 * np.pi * frames / 48), np.cos(2 * np.pi * frames / 60)])
    estimate = signal + noise * gain * 10.0 ** (-wanted / 20.0)
    assert sdr(signal, estimate) == pytest.approx(wanted, abs=1e-4)


def test_it_sums_over_channels_before_it_divides() -> None:
    reference = np.array([[3.0, 0.0], [0.0, 1.0]])
    estimate = np.array([[2.0, 0.0], [0.0, 1.0]])
    assert sdr(reference, estimate) == pytest.approx(10.0)


def test_agrees_with_torchmetrics_on_one_channel() -> None:
    torch = pytest.importorskip("torch")
    snr = pytest.importorskip("torchmetrics.functional.audio").signal_noise_ratio
    reference, estimate = _noise(1, (8000,)), _noise(1, (8000,)) + 0.2 * _noise(2, (8000,))
    other = float(snr(torch.tensor(estimate), torch.tensor(reference)))
    assert sdr(reference, estimate) == pytest.approx(other, abs=1e-6)


def test_float32_input_is_summed_in_float64() -> None:
    reference = np.full((1, 3_000_000), 1e-3, dtype=np.float32)
    estimate = np.full_like(reference, 0.9e-3)
    assert sdr(reference, estimate) == pytest.approx(20.0, abs=1e-4)


def test_silence_of_the_estimate_scores_zero() -> None:
    assert sdr(_noise(3), np.zeros((2, 5000))) == pytest.approx(0.0)


def test_edges() -> None:
    silent, sound = np.zeros((2, 10)), _noise(4, (2, 10))
    assert sdr(sound, sound) == math.inf
    assert sdr(silent, sound) == -math.inf
    assert math.isnan(sdr(silent, silent))


def test_shapes_that_differ_are_named() -> None:
    with pytest.raises(ValueError, match=r"\(2, 10\).*\(1, 10\)"):
        validate(np.zeros((2, 10)), np.zeros((1, 10)))
    with pytest.raises(ValueError, match=r"\(2, 0\)"):
        validate(np.zeros((2, 0)), np.zeros((2, 0)))
    with pytest.raises(ValueError, match=r"estimate of shape \(1, 2\) holds NaN"):
        sdr(np.ones((1, 2)), np.array([[1.0, math.nan]]))
