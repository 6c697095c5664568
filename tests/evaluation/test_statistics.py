"""Intervals and claims: SciPy's bootstrap, coverage of a known mean, and rules by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from carnatic_sep.evaluation.statistics import (
    Interval,
    Paired,
    better,
    bootstrap,
    paired,
    wilcoxon,
)


def test_one_track_a_concert_is_scipys_bootstrap() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, 40)
    found = bootstrap(values, range(40))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(theirs.low, abs=0.05)
    assert found.high == pytest.approx(theirs.high, abs=0.05)


def test_tracks_of_one_concert_do_not_narrow_the_interval() -> None:
    per_concert = np.random.default_rng(2).normal(0.0, 1.0, 12)
    values = np.repeat(per_concert, 10)  # ten tracks that say the same
    clustered = bootstrap(values, np.repeat(np.arange(12), 10).tolist())
    single = bootstrap(per_concert, range(12))
    naive = bootstrap(values, range(120))
    assert clustered.high - clustered.low == pytest.approx(single.high - single.low, rel=0.05)
    assert clustered.high - clustered.low > 2.5 * (naive.high - naive.low)
    assert (clustered.count, clustered.clusters) == (120, 12)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for seed in range(200):
        effects = rng.normal(0.0, 1.0, 25)
        values = np.repeat(effects, 4) + rng.normal(0.0, 0.5, 100)
        found = bootstrap(values, np.repeat(np.arange(25), 4).tolist(), resamples=500, seed=seed)
        held += found.low <= 0.0 <= found.high
    assert 0.88 < held / 200 < 0.99


def test_nothing_undefined_and_infinite() -> None:
    assert bootstrap([], []) is None
    assert bootstrap([np.nan, np.nan], ["a", "b"]) is None
    found = bootstrap([np.inf, -np.inf, np.nan], ["a", "b", "c"])
    assert (found.mean, found.count) == (0.0, 2)
    alone = bootstrap([1.0, 2.0], ["a", "a"])
    assert (alone.mean, alone.low, alone.high) == (1.5, None, None)
    assert alone.sign == 0
    with pytest.raises(ValueError, match="3 clusters"):
        bootstrap([1.0, 2.0], ["a", "b", "c"])


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20))
def test_the_interval_lies_around_the_mean_and_within_the_values(values) -> None:
    found = bootstrap(values, range(len(values)), resamples=300)
    slack = 1e-9 + 1e-9 * max(map(abs, values))
    assert min(values) - slack <= found.low <= found.high <= max(values) + slack


def test_differences_are_paired() -> None:
    base = np.random.default_rng(4).normal(0.0, 10.0, 30)  # tracks differ far more than systems
    found = paired(base + 1.0, base, range(30))
    assert found.difference.mean == pytest.approx(1.0)
    assert found.difference.low == pytest.approx(1.0)
    assert found.wins == 30
    assert found.p_value < 1e-5
    assert paired([np.nan, 1.0], [1.0, np.nan], ["a", "b"]) is None
    with pytest.raises(ValueError, match=r"shape \(1,\) but b has shape \(2,\)"):
        paired([1.0], [1.0, 2.0], ["a"])


def test_wilcoxon_by_hand() -> None:
    # Six differences of one sign: 2 of the 64 equally likely sign patterns are as extreme.
    assert wilcoxon(np.arange(1.0, 7.0)) == pytest.approx(2 / 64)
    assert wilcoxon(np.zeros(5)) is None
    assert wilcoxon(np.ones(1)) is None


def _pair(low: float | None, high: float | None) -> Paired:
    return Paired(Interval(0.0, low, high, 10, 10), None, 0)


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        ([_pair(0.1, 1.0)], "a"),
        ([_pair(-1.0, -0.1)], "b"),
        ([_pair(-0.1, 1.0)], "open"),
        ([_pair(0.1, 1.0), _pair(0.2, 2.0)], "a"),
        ([_pair(0.1, 1.0), _pair(-0.2, 2.0)], "open"),
        ([_pair(0.1, 1.0), _pair(-2.0, -0.2)], "open"),
        ([_pair(0.1, 1.0), None], "open"),
        ([_pair(None, None)], "open"),
    ],
)
def test_better_needs_every_cleaner_and_an_interval_without_zero(pairs, verdict) -> None:
    assert better(pairs) == verdict


def test_where_lower_is_better_the_winner_turns() -> None:
    assert better([_pair(0.1, 1.0)], higher_is_better=False) == "b"
