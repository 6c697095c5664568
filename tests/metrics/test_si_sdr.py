"""SI-SDR and uSDR against closed forms and another library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.metrics.sdr import sdr, usdr
from carnatic_sep.metrics.si_sdr import si_sdr


def _noise(seed: int, shape: tuple[int, ...] = (4000,)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@settings(deadline=None, max_examples=25)
@given(gain=st.floats(-8.0, 8.0).filter(lambda g: abs(g) > 1e-3), wanted=st.floats(-50.0, 80.0))
def test_it_forgets_the_scale_and_the_sign(gain: float, wanted: float) -> None:
    phase = 2 * np.pi * np.arange(4800) / 48
    estimate = gain * (np.sin(phase) + 10.0 ** (-wanted / 20.0) * np.cos(phase))
    assert si_sdr(np.sin(phase), estimate) == pytest.approx(wanted, abs=1e-4)


def test_agrees_with_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torchmetrics.functional.audio")
    reference, estimate = _noise(1), 0.3 * _noise(1) + 0.2 * _noise(2)
    other = theirs.scale_invariant_signal_distortion_ratio(
        torch.tensor(estimate), torch.tensor(reference)
    )
    assert si_sdr(reference, estimate) == pytest.approx(float(other), abs=1e-6)


def test_si_sdr_edges() -> None:
    sound = _noise(3, (2, 50))
    assert si_sdr(sound, sound) == math.inf
    assert si_sdr(sound, -3 * sound) == math.inf
    assert si_sdr(sound, 0 * sound) == -math.inf
    assert si_sdr([1.0, 0.0], [0.0, 1.0]) == -math.inf
    assert math.isnan(si_sdr(0 * sound, sound))
    assert si_sdr([0.5], [0.1]) == math.inf  # one sample fits any scale
    with pytest.raises(ValueError, match=r"\(2, 50\).*\(50,\)"):
        si_sdr(sound, sound[0])


def test_usdr_is_the_challenges_ratio() -> None:
    reference, estimate = _noise(4, (2, 900)), _noise(5, (2, 900))
    signal, error = np.sum(reference**2), np.sum((reference - estimate) ** 2)
    assert usdr(reference, estimate) == pytest.approx(
        10 * np.log10((signal + 1e-7) / (error + 1e-7)), abs=1e-9
    )
    assert usdr(reference, estimate) == pytest.approx(sdr(reference, estimate), abs=1e-3)


def test_usdr_is_finite_everywhere() -> None:
    sound = _noise(6, (2, 100))
    assert usdr(0 * sound, 0 * sound) == 0.0
    assert usdr(sound, sound) == pytest.approx(10 * np.log10(np.sum(sound**2) / 1e-7), abs=1e-6)
    assert usdr(0 * sound, sound) == pytest.approx(-usdr(sound, sound))
    with pytest.raises(ValueError, match="positive"):
        usdr(sound, sound, delta=0.0)
