"""Bleed-tolerant metrics against closed forms and the laws that bleed follows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.metrics.leakage import (
    ceiling_db,
    lc_csdr,
    lc_sdr,
    lw_sdr,
    psd_sir,
    slr,
    spans_mask,
)
from carnatic_sep.metrics.sdr import usdr

RATE = 8000


def _noise(seed: int, seconds: float = 4.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))


def _db(ratio_db: float) -> float:
    return 10.0 ** (ratio_db / 20.0)


@settings(deadline=None, max_examples=15)
@given(bleed=st.floats(-25.0, -3.0), error=st.floats(-20.0, 0.0))
def test_sdr_against_a_bleeding_reference_has_the_ceiling_that_theory_gives(
    bleed: float, error: float
) -> None:
    target, other, mistake = _noise(1), _noise(2), _noise(3)
    estimate = target + _db(error) * mistake
    recorded = target + _db(bleed) * other
    beta, delta = 10.0 ** (bleed / 10.0), 10.0 ** (error / 10.0)
    law = 10.0 * math.log10((1.0 + beta) / (delta + beta))
    assert usdr(recorded, estimate) == pytest.approx(law, abs=0.15)
    # Against the clean reference only the error counts, and a copy of the bleed is found out.
    assert lc_sdr(target, estimate) == pytest.approx(-error, abs=0.15)
    assert lc_sdr(target, recorded) == pytest.approx(-bleed, abs=0.15)


def test_the_median_over_seconds_forgives_one_bad_second() -> None:
    target = _noise(4, 5.0)
    estimate = 0.9 * target
    estimate[:RATE] = 0.0
    assert lc_csdr(target, estimate, sample_rate=RATE) == pytest.approx(20.0, abs=0.1)
    assert lc_sdr(target, estimate) < 8.0


def test_slr_is_what_was_taken_away_in_the_rests() -> None:
    mixture, estimate = _noise(5), _noise(5)
    rests = [(1.0, 3.0)]
    estimate[RATE : 3 * RATE] *= _db(-17.0)
    assert slr(mixture, estimate, rests, sample_rate=RATE) == pytest.approx(17.0, abs=1e-6)
    # The guard keeps what rings on at the borders out of it.
    estimate[RATE : RATE + RATE // 10] = 1.0
    assert slr(mixture, estimate, rests, sample_rate=RATE) == pytest.approx(17.0, abs=1e-6)
    assert slr(mixture, mixture, rests, sample_rate=RATE) == 0.0
    assert slr(mixture, 0 * mixture, rests, sample_rate=RATE) == math.inf
    assert math.isnan(slr(0 * mixture, mixture, rests, sample_rate=RATE))
    assert math.isnan(slr(mixture, estimate, [(1.0, 2.2)], sample_rate=RATE))  # 0.9 s left
    assert math.isnan(slr(mixture, estimate, [], sample_rate=RATE))


@pytest.mark.parametrize("bleed", [-20.0, -10.0, -5.0])
def test_the_ceiling_is_the_signal_to_bleed_ratio(bleed: float) -> None:
    target, other = _noise(6, 8.0), _noise(7, 8.0)
    rests = [(2.0, 5.0)]
    target[2 * RATE : 5 * RATE] = 0.0
    recorded = target + _db(bleed) * other
    found = ceiling_db(recorded, rests, sample_rate=RATE)
    assert found == pytest.approx(-bleed, abs=0.3)
    # Where nobody plays there is no bleed to measure: those rests are left out.
    pause = other.copy()
    pause[2 * RATE : int(3.5 * RATE)] = 0.0
    hushed = target + _db(bleed) * pause
    assert ceiling_db(hushed, rests, sample_rate=RATE, mixture=target + pause) == pytest.approx(
        found, abs=0.3
    )
    assert ceiling_db(hushed, rests, sample_rate=RATE) > found + 2.0
    assert ceiling_db(target, rests, sample_rate=RATE) == math.inf
    assert math.isnan(ceiling_db(recorded, [], sample_rate=RATE))
    assert ceiling_db(recorded[::-1] * 0 + 1, rests, sample_rate=RATE) == -math.inf


def test_lw_sdr_counts_leakage_where_the_target_is_absent() -> None:
    target, other = _noise(8), _noise(9)
    half = 2 * RATE
    target[half:], other[:half] = 0.0, 0.0
    for bleed in (-20.0, -6.0):
        recorded = target + _db(bleed) * other
        level = 10.0 * math.log10(np.sum(target**2) / np.sum(other**2))
        copied = lw_sdr(recorded, target, recorded, sample_rate=RATE)
        assert copied == pytest.approx(level - bleed, abs=0.2)
    recorded = target + 0.3 * other
    assert lw_sdr(recorded, target, target, sample_rate=RATE) > 30.0
    assert lw_sdr(recorded, target, 0 * target, sample_rate=RATE) == pytest.approx(0.0, abs=1e-6)
    assert lw_sdr(recorded, target, 0.9 * target, sample_rate=RATE) == pytest.approx(20.0, abs=0.1)
    assert math.isnan(lw_sdr(recorded, 0 * target, target, sample_rate=RATE))


def test_psd_sir_is_blind_to_phase_and_sees_the_power_of_others() -> None:
    rng = np.random.default_rng(10)
    stems = np.stack([_noise(11), _noise(12), _noise(13)])
    stems *= np.repeat(rng.uniform(0.1, 1.0, (3, 40)) ** 2, stems.shape[1] // 40, axis=1)
    power = np.sum(stems**2, axis=1)
    for wanted in (3.0, 15.0):
        gain = math.sqrt(power[0] / power[1]) * _db(-wanted)
        mixed = stems[0] - gain * np.roll(stems[1], 40)  # turned over and 5 ms late
        assert psd_sir(stems, mixed, 0, sample_rate=RATE) == pytest.approx(wanted, abs=1.0)
        assert psd_sir(stems, mixed, 1, sample_rate=RATE) == pytest.approx(-wanted, abs=1.0)
    assert psd_sir(stems, stems[0], 0, sample_rate=RATE) > 40.0
    assert math.isnan(psd_sir(stems, 0 * stems[0], 0, sample_rate=RATE))
    assert math.isnan(psd_sir(0 * stems, stems[0], 0, sample_rate=RATE))
    stems[2] = 0.0
    assert psd_sir(stems, stems[0], 2, sample_rate=RATE) == -math.inf


def test_masks_keep_to_the_track() -> None:
    mask = spans_mask([(0.0, 1.0), (3.0, 9.0)], 8, sample_rate=2, guard_seconds=0.5)
    assert mask.tolist() == [True, False, False, False, False, False, False, True]
    wider = spans_mask([(1.0, 2.0)], 8, sample_rate=2, guard_seconds=-0.5)
    assert wider.tolist() == [False, True, True, True, True, False, False, False]
    assert not spans_mask([(1.0, 1.5)], 8, sample_rate=2, guard_seconds=0.5).any()


def test_shapes_that_do_not_fit_are_named() -> None:
    one, two = _noise(14, 0.5), np.stack([_noise(14, 0.5)] * 2)
    with pytest.raises(ValueError, match=r"\(4000,\).*\(2, 4000\)"):
        lc_sdr(one, two)
    with pytest.raises(ValueError, match="must have one length and one number of channels"):
        lw_sdr(one, two, one, sample_rate=RATE)
    with pytest.raises(ValueError, match=r"estimates have shape \(1, 2, 4000\)"):
        psd_sir(np.stack([one, one]), two, 0, sample_rate=RATE)
    with pytest.raises(ValueError, match="NaN"):
        ceiling_db(np.full(9, np.nan), [(0.0, 1.0)], sample_rate=2)
