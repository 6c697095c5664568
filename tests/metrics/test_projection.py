"""Projections: against museval, against a known room, and against what energy allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.metrics._optional import museval_metrics
from carnatic_sep.metrics.filters import FilterProjection
from carnatic_sep.metrics.leakage import lc_sar, lc_sir
from carnatic_sep.metrics.projection import SubbandProjection

RATE = 8000


def _bursts(seed: int, stems: int = 3, seconds: float = 4.0) -> np.ndarray:
    """Noise in bursts, each stem in its own rhythm."""
    rng = np.random.default_rng(seed)
    frames = int(seconds * RATE)
    level = np.repeat(rng.uniform(0.0, 1.0, (stems, frames // 800)) ** 3, 800, axis=1)
    return 0.1 * level * rng.standard_normal((stems, frames))


def _room(seed: int, seconds: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    frames = int(seconds * RATE)
    response = rng.standard_normal(frames) * 10.0 ** (-3.0 * np.arange(frames) / frames)
    return response / np.linalg.norm(response)


def _through(signal: np.ndarray, response: np.ndarray) -> np.ndarray:
    return np.convolve(signal, response)[: len(signal)]


@pytest.mark.parametrize("channels", [1, 2])
def test_quadratic_forms_give_musevals_global_sir_and_sar(channels: int) -> None:
    rng = np.random.default_rng(0)
    stems = 0.1 * rng.standard_normal((3, channels, 9000))
    estimates = 0.8 * stems + 0.3 * np.roll(stems, 1, axis=0) + 0.4 * np.roll(stems, 5, axis=-1)
    estimates += 0.03 * rng.standard_normal(stems.shape)
    theirs = museval_metrics().bss_eval(
        stems.transpose(0, 2, 1),
        estimates.transpose(0, 2, 1),
        window=np.inf,
        hop=np.inf,
        filters_len=32,
    )
    ours = FilterProjection(stems, taps=32).energies(estimates)
    for stem in range(3):
        assert ours.sir_db(stem, stem) == pytest.approx(float(theirs[2][stem, 0]), abs=1e-3)
        assert ours.sar_db(stem) == pytest.approx(float(theirs[3][stem, 0]), abs=1e-3)


def test_lc_sir_is_the_ratio_that_was_mixed_whatever_the_rooms() -> None:
    stems = _bursts(1)
    own, other = _through(stems[0], _room(2)), _through(stems[1], _room(3))
    for wanted in (0.0, 10.0, 20.0):
        gain = np.linalg.norm(own) / np.linalg.norm(other) * 10.0 ** (-wanted / 20.0)
        found = lc_sir(stems, own + gain * other, 0, sample_rate=RATE)
        assert found == pytest.approx(wanted, abs=1.5)


def test_lc_sar_hears_noise_and_forgives_filters() -> None:
    stems = _bursts(4)
    noise = np.random.default_rng(5).standard_normal(stems.shape[1])
    dry = _through(stems[0], _room(6)[:40]) + 0.5 * stems[1]
    for wanted in (5.0, 25.0):
        gain = np.linalg.norm(dry) / np.linalg.norm(noise) * 10.0 ** (-wanted / 20.0)
        # 3 stems x 64 taps explain a little of any noise.
        assert lc_sar(stems, dry + gain * noise, taps=64) == pytest.approx(wanted, abs=0.3)
    assert lc_sar(stems, dry, taps=64) > 60.0


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3))
def test_parts_are_never_more_than_the_whole_and_scale_away(seed: int, scale: float) -> None:
    stems, estimates = _bursts(seed, 2, 1.0), _bursts(seed + 1, 3, 1.0)
    estimates[0] += stems[0]
    for projection in (
        SubbandProjection(stems, sample_rate=RATE),
        FilterProjection(stems, taps=16),
    ):
        found = projection.energies(estimates)
        assert (found.own <= found.every[:, None] * (1 + 1e-9)).all()
        assert (found.every <= found.total).all()
        scaled = projection.energies(scale * estimates)
        np.testing.assert_allclose(scaled.every, scale**2 * found.every, rtol=1e-3)
        assert scaled.sir_db(0, 0) == pytest.approx(found.sir_db(0, 0), abs=1e-2)


def test_channels_are_scored_together() -> None:
    stems = _bursts(7)
    estimate = stems[0] + 0.2 * stems[1]
    mono = lc_sir(stems, estimate, 0, sample_rate=RATE)
    twice = lc_sir(np.stack([stems, stems], 1), np.stack([estimate, estimate]), 0, sample_rate=RATE)
    assert twice == pytest.approx(mono, abs=1e-6)


def test_silence_and_short_signals_are_defined() -> None:
    stems = _bursts(8)
    assert np.isnan(lc_sir(stems, 0 * stems[0], 0, sample_rate=RATE))
    assert np.isnan(lc_sar(stems, 0 * stems[0], taps=16))
    assert np.isnan(lc_sir(0 * stems, 0 * stems[0], 0, sample_rate=RATE))
    quiet = stems.copy()
    quiet[1] = 0.0  # a stem that rests throughout explains nothing
    assert lc_sir(quiet, stems[0], 1, sample_rate=RATE) == -np.inf
    assert lc_sar(0 * stems, stems[0], taps=16) == -np.inf
    # Fewer samples than taps: anything can be explained, so nothing is said.
    assert np.isnan(lc_sir([[0.5], [0.1]], [0.4], 0, sample_rate=RATE))
    assert np.isnan(lc_sar([[0.5], [0.1]], [0.4]))
    with pytest.raises(ValueError, match=r"estimates have shape \(1, 1, 5\)"):
        lc_sir(stems, np.ones(5), 0, sample_rate=RATE)
    with pytest.raises(ValueError, match="estimates of shape .* NaN"):
        lc_sar(stems, np.full_like(stems[0], np.nan))
