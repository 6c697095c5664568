from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.analysis.distribution import distance, distribution, svara_peaks
from carnatic_sep.analysis.pitch import PitchTrack
from carnatic_sep.analysis.ragas import expectations, nearest_ragas
from carnatic_sep.analysis.surface import melody_surface
from carnatic_sep.ensemble.raga import ragas
from carnatic_sep.errors import AnalysisError

TONIC = 147.0


def _track(cents: np.ndarray) -> PitchTrack:
    f0 = TONIC * 2 ** (np.asarray(cents, dtype=np.float64) / 1200)
    return PitchTrack(np.where(np.isfinite(f0), f0, 0.0), np.ones(len(f0)), 0.01)


def _dwell(*cents: float, samples: int = 200) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.concatenate([c + rng.normal(0, 8, samples) for c in cents])


def test_peaks_stand_where_the_melody_dwells() -> None:
    found = svara_peaks(distribution(_track(_dwell(0, 204, 702, 1412)), TONIC))
    assert [peak.svara for peak in found] == ["S", "R2", "P"]
    assert all(abs(peak.deviation_cents) < 5 for peak in found[:1])
    assert found[1].share == pytest.approx(0.5, abs=0.02)  # R2 of two octaves
    unfolded = distribution(_track(_dwell(0, 1412)), TONIC, folded=False)
    assert unfolded.density[np.abs(unfolded.cents - 1410).argmin()] > 0.01


def test_kampita_is_wide_and_skewed_to_the_side_of_its_swing() -> None:
    time = np.arange(4000) * 0.01
    swing = 316 - 50 + 50 * np.cos(2 * np.pi * 5 * time)
    plain = svara_peaks(distribution(_track(_dwell(316, samples=2000)), TONIC))[0]
    moved = svara_peaks(distribution(_track(swing), TONIC))
    assert sum(peak.width_cents for peak in moved) > plain.width_cents


@given(st.floats(60.0, 400.0), st.integers(0, 3))
def test_distribution_does_not_care_about_octaves(tonic, octaves) -> None:
    cents = _dwell(0, 386, 702)
    f0 = tonic * 2 ** (cents / 1200)
    low, high = (PitchTrack(f0 * 2.0**k, np.ones(len(f0)), 0.01) for k in (0, octaves))
    one, other = distribution(low, tonic), distribution(high, tonic)
    assert one.density.sum() == pytest.approx(1.0)
    assert distance(one, other) < 0.02


def test_distance_is_a_distance() -> None:
    one = distribution(_track(_dwell(0, 204)), TONIC)
    other = distribution(_track(_dwell(498, 906)), TONIC)
    assert distance(one, one) == pytest.approx(0.0, abs=1e-6)
    assert distance(one, other) == distance(other, one) > 0.95
    with pytest.raises(ValueError, match="folded"):
        distance(one, distribution(_track(_dwell(0)), TONIC, folded=False))


def test_each_raga_is_nearest_to_what_it_lets_expect() -> None:
    names, rows = expectations()
    assert names == tuple(raga.name for raga in ragas())
    assert np.allclose(rows.sum(axis=1), 1.0)
    base = distribution(_track(_dwell(0)), TONIC)
    for name, row in zip(names, rows, strict=True):
        found = nearest_ragas(type(base)(base.cents, row, True, 100.0))
        assert found.nearest[0].distance < 1e-6
        assert name in [near.name for near in found.nearest if near.distance < 1e-6]


def test_a_scale_is_told_from_others_but_not_from_its_allies() -> None:
    mohanam = distribution(_track(_dwell(0, 204, 386, 702, 906)), TONIC)
    found = nearest_ragas(mohanam)
    assert found.nearest[0].name == "Mohanam"
    assert 0.0 <= found.confidence <= 1.0
    nothing = type(mohanam)(mohanam.cents, np.full(120, 1 / 120), True, 100.0)
    assert nearest_ragas(nothing).confidence < 0.3


def test_surface_sees_direction() -> None:
    up = np.tile(np.repeat([0.0, 204.0, 386.0], 30), 20)
    surface = melody_surface(_track(up), TONIC)
    assert surface.shape == (120, 120)
    assert surface.sum() == pytest.approx(1.0)
    assert surface[0, 20] > 10 * surface[20, 0]  # Sa to Ri happens, Ri to Sa does not


def test_too_little_to_count() -> None:
    with pytest.raises(AnalysisError, match="voiced"):
        distribution(_track(_dwell(0, samples=50)), TONIC)
    with pytest.raises(AnalysisError):
        melody_surface(_track(np.full(500, np.nan)), TONIC)


def test_a_second_is_enough_at_any_hop() -> None:
    coarse = PitchTrack(np.full(20, 200.0), np.ones(20), 0.1)  # 1.7 s of pairs
    assert melody_surface(coarse, TONIC).sum() == pytest.approx(1.0)
    with pytest.raises(AnalysisError, match="voiced"):
        melody_surface(PitchTrack(coarse.f0[:12], np.ones(12), 0.1), TONIC)
