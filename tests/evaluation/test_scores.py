"""Baselines and the table: what is known of uncorrelated noise, and the order of things."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.errors import ConfigError, UsageError
from carnatic_sep.evaluation import scores
from carnatic_sep.evaluation.baselines import median_hpss, oracle_ratio_mask, untouched
from carnatic_sep.evaluation.cases import Case
from carnatic_sep.evaluation.config import EvaluationConfig
from carnatic_sep.evaluation.scores import Row, score_sets, systems
from carnatic_sep.metrics.sdr import sdr

RATE = 16000
STEMS = ("vocals", "violin", "mridangam", "other")


@pytest.fixture(scope="module")
def case() -> Case:
    """Two tones, clicks and silence, 2 s."""
    rng = np.random.default_rng(0)
    time = np.arange(2 * RATE) / RATE
    clicks = np.zeros(2 * RATE)
    for start in range(1000, 2 * RATE - 500, 4000):
        clicks[start : start + 400] += rng.standard_normal(400) * np.hanning(400)
    parts = (
        np.sin(2 * np.pi * 300 * time),
        0.7 * np.sin(2 * np.pi * 1130 * time),
        clicks,
        0 * time,
    )
    return Case("case", RATE, {n: p.astype(np.float32) for n, p in zip(STEMS, parts, strict=True)})


def test_the_untouched_mixture_scores_the_ratio_of_energies() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 200_000)).astype(np.float32)
    estimates = untouched(a + 0.5 * b, {"a": a, "b": 0.5 * b})
    # The error of the mixture as the estimate of one is the other: 6.02 dB below and above.
    assert sdr(a, estimates["a"]) == pytest.approx(20 * np.log10(2), abs=0.05)
    assert sdr(0.5 * b, estimates["b"]) == pytest.approx(-20 * np.log10(2), abs=0.05)


def test_the_oracle_beats_the_filter_and_the_filter_beats_nothing(case) -> None:
    def mean(separate) -> float:
        estimates = separate(case.mixture, case.references)
        return float(np.mean([sdr(case.references[s], estimates[s]) for s in STEMS[:3]]))

    assert mean(oracle_ratio_mask) > 10
    assert mean(oracle_ratio_mask) > mean(median_hpss) + 3 > mean(untouched) + 4


def test_baselines_sum_to_the_mixture(case) -> None:
    for separate in (oracle_ratio_mask, median_hpss):
        estimates = separate(case.mixture, case.references)
        assert tuple(estimates) == STEMS
        assert np.allclose(sum(estimates.values()), case.mixture, atol=1e-4)
        assert np.sqrt(np.mean(np.square(estimates["other"]))) < 1e-3


@pytest.fixture
def config() -> EvaluationConfig:
    return EvaluationConfig(data=DataConfig(), mix={}, mixtures=2)


@pytest.fixture
def two_cases(case, monkeypatch) -> None:
    """The case, and one in which the violin rests."""
    rest = dict(case.references, violin=np.zeros_like(case.mixture))
    cases = [case, Case("second", RATE, rest)]
    monkeypatch.setattr(scores, "kept_out_mixtures", lambda *args, **kwargs: iter(cases))


@pytest.mark.usefixtures("two_cases")
def test_one_row_per_system_with_means_over_cases_where_a_stem_sounds(
    config, case, tmp_path
) -> None:
    seen: list[str] = []
    rows = score_sets(config, tmp_path, models=[], report=seen.append)
    assert seen == ["case", "second"]
    assert [row.system for row in rows] == ["mixture", "median HPSS", "oracle ratio mask"]
    assert {(row.cases, row.count) for row in rows} == {("2 kept-out mixtures", 2)}
    mixture = rows[0]
    assert tuple(mixture.stems) == STEMS[:3]
    # Orthogonal tones of amplitudes 1 and 0.7, clicks: energies add.
    energy = {s: np.square(case.references[s].astype(float)).sum() for s in STEMS[:3]}
    alone = 10 * np.log10(energy["violin"] / (energy["vocals"] + energy["mridangam"]))
    assert mixture.stems["violin"] == pytest.approx(alone, abs=0.2)
    assert mixture.mean == pytest.approx(np.mean(list(mixture.stems.values())))
    assert np.isfinite([row.mean for row in rows]).all()


@pytest.mark.usefixtures("two_cases")
def test_models_stand_beside_the_baselines(config, tmp_path, monkeypatch) -> None:
    class Halving:
        def __init__(self, model, *, views) -> None:
            assert views == 1
            self.stems = STEMS if model == "half" else ("vocals", "other")

        def separate(self, audio, sample_rate):
            return dict.fromkeys(self.stems, audio / 2)

    monkeypatch.setattr("carnatic_sep.separation.separator.Separator", Halving)
    rows = {row.system: row for row in score_sets(config, tmp_path, models=["half"])}
    assert list(rows)[-1] == "half"
    assert rows["half"].mean > rows["mixture"].mean
    with pytest.raises(UsageError, match=r"two: has no stem violin, mridangam.*it has vocals"):
        systems(["two"])


def test_an_excerpt_may_lack_a_stem(case, tmp_path, monkeypatch) -> None:
    alone = Case("duo", RATE, {s: x for s, x in case.references.items() if s != "violin"})
    monkeypatch.setattr(scores, "kept_out_mixtures", lambda *args, **kwargs: iter([alone]))
    config = EvaluationConfig(data=DataConfig(), mix={}, mixtures=1)
    for row in score_sets(config, tmp_path, models=[]):
        assert np.isfinite([row.stems["vocals"], row.stems["mridangam"]]).all()
        assert np.isnan(row.stems["violin"])


def test_a_missing_folder_is_told_before_a_model_is_loaded(config, tmp_path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        score_sets(config, tmp_path / "none", models=["no such model"])


def test_a_row_without_sound_has_no_mean() -> None:
    assert np.isnan(Row("set", "system", {"vocals": float("nan"), "violin": 1.0}, 1).mean)
