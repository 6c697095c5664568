"""The loss put together: each term where it is asked for, nothing from stems that are unknown."""

from __future__ import annotations

import pytest
import torch

from carnatic_sep.training.finetune_config import LossConfig
from carnatic_sep.training.stem_losses import stem_loss
from carnatic_sep.training.track_batch import TrackBatch

FRAMES = 4096


def batch(*, seed: int = 0, **changes: torch.Tensor) -> TrackBatch:
    generator = torch.Generator().manual_seed(seed)
    stems = torch.randn(2, 3, 1, FRAMES, generator=generator)
    values = {
        "mixture": stems.sum(dim=1),
        "stems": stems,
        "known": torch.ones(2, 3, dtype=torch.bool),
        "silent": torch.zeros(2, 3, FRAMES, dtype=torch.bool),
        "confidence": torch.ones(2, 3, 5),
        "halves": torch.tensor([[True, False, False]] * 2),
        "bled": torch.zeros(2, dtype=torch.bool),
    }
    return TrackBatch(**{**values, **changes})


def total(terms: dict[str, torch.Tensor]) -> float:
    return float(sum(terms.values()))


@pytest.mark.parametrize("distance", ["complex_l1", "magnitude_l1", "truncated_mse"])
def test_the_truth_costs_nothing_and_silence_costs_about_one(distance: str) -> None:
    config = LossConfig(distance=distance, resolutions=(256, 1024), quantile=1.0)
    truth = batch()
    assert total(stem_loss(truth.stems, truth, config)) == pytest.approx(0, abs=1e-3)
    silence = total(stem_loss(torch.zeros_like(truth.stems), truth, config))
    # L1 against reference plus a tenth of the mixture, sqrt(3) louder; squares against the mixture
    assert silence == pytest.approx(1 / 3 if distance == "truncated_mse" else 0.85, abs=0.03)


def test_a_turned_phase_costs_the_complex_distance_alone() -> None:
    truth = batch()
    complex_l1 = total(stem_loss(-truth.stems, truth, LossConfig(resolutions=(512,))))
    magnitudes = LossConfig(distance="magnitude_l1", resolutions=(512,))
    assert complex_l1 > 1.5
    assert total(stem_loss(-truth.stems, truth, magnitudes)) == pytest.approx(0, abs=1e-3)


def test_confidence_counts_where_it_is_asked_for() -> None:
    truth = batch(confidence=torch.zeros(2, 3, 5))
    wrong = torch.zeros_like(truth.stems)
    assert total(stem_loss(wrong, truth, LossConfig())) == 0.0
    assert total(stem_loss(wrong, truth, LossConfig(confidence=False))) > 0.5


def test_unknown_stems_count_in_silence_and_consistency_alone() -> None:
    whole = torch.ones(2, 3, FRAMES, dtype=torch.bool)
    real = batch(known=torch.zeros(2, 3, dtype=torch.bool), silent=whole)
    config = LossConfig(silence_weight=0.5, consistency_weight=0.25, mixit_weight=1.0)
    copies = real.mixture[:, None].expand(-1, 3, -1, -1)
    terms = stem_loss(copies, real, config, snr_weight=0.1)
    assert {name: round(float(value), 3) for name, value in terms.items()} == {
        "distance": 0.0,
        "silence": 0.5,
        "consistency": 0.5,  # three mixtures are two too many
    }


@pytest.mark.parametrize("quantile", [0.9, 1.0])
def test_truncation_sees_what_is_known_alone(quantile: float) -> None:
    config = LossConfig(distance="truncated_mse", quantile=quantile)
    truth = batch()
    wrong = truth.stems + torch.randn(truth.stems.shape, generator=torch.manual_seed(1))
    mixture, stems = truth.mixture[:1].expand(2, -1, -1), truth.stems[:1].expand(2, 3, 1, -1)
    one = {"mixture": mixture, "stems": stems}
    known = torch.tensor([[True] * 3, [False] * 3])
    whole = total(stem_loss(wrong[:1].expand(2, 3, 1, -1), batch(**one), config))
    half = total(stem_loss(wrong[:1].expand(2, 3, 1, -1), batch(**one, known=known), config))
    assert half == pytest.approx(whole, rel=1e-3)
    known[:, 1] = False  # a stem that nobody knows counts for nothing
    others = total(stem_loss(wrong[:1].expand(2, 3, 1, -1), batch(**one, known=known), config))
    assert others == pytest.approx(whole, rel=0.1)


def test_mixit_and_ratio_are_in_decibels() -> None:
    truth = batch()
    config = LossConfig(mixit_weight=2.0)
    terms = stem_loss(truth.stems, truth, config, snr_weight=0.1)
    assert float(terms["mixit"]) == pytest.approx(-6.0, abs=0.01)  # twice -30 dB, by tens
    assert -3.1 < float(terms["snr"]) < -2.0


def test_stems_count_as_they_are_weighted() -> None:
    truth = batch()
    wrong = truth.stems.clone()
    wrong[:, 0] = 0
    alone = total(stem_loss(wrong, truth, LossConfig(), weights=(1.0, 0.0, 0.0)))
    equal = total(stem_loss(wrong, truth, LossConfig()))
    assert alone == pytest.approx(3 * equal, rel=1e-4)


def test_combinations_tell_which_stems_were_mistaken_for_each_other() -> None:
    config = LossConfig(resolutions=(512,), combinations=True)
    truth = batch()
    assert total(stem_loss(truth.stems, truth, config)) == pytest.approx(0, abs=1e-3)
    # What one stem lacks another holds: their sum is right, and so it costs less than the same
    # lack in a stem whose sound is lost.
    moved = 0.5 * truth.stems[:, 0]
    lost = torch.stack([moved, truth.stems[:, 1], truth.stems[:, 2]], dim=1)
    confused = torch.stack([moved, truth.stems[:, 1] + moved, truth.stems[:, 2]], dim=1)

    def cost(estimates: torch.Tensor, **changes: object) -> float:
        return total(stem_loss(estimates, truth, config.model_copy(update=changes)))

    lone = {"combinations": False}
    assert cost(confused) - cost(lost) < cost(confused, **lone) - cost(lost, **lone)
    # By hand: stems 0, 1 and 2, then the sums 0+1, 0+2 and 1+2, each relative to what it is.
    half = 0.5 / 1.173  # of a stem, against it and a tenth of a mixture sqrt(3) louder
    pair = 0.5 / (2**0.5 + 0.173)
    assert cost(lost) == pytest.approx((half + 2 * pair) / 6, rel=0.03)
    assert cost(confused) == pytest.approx((2 * half + 2 * pair) / 6, rel=0.03)


def test_a_sum_is_as_known_and_as_sure_as_the_least_of_its_stems() -> None:
    config = LossConfig(resolutions=(512,), combinations=True)
    unsure = torch.ones(2, 3, 5)
    unsure[:, 0] = 0.0
    unknown = torch.ones(2, 3, dtype=torch.bool)
    unknown[:, 0] = False
    for truth in (batch(confidence=unsure), batch(known=unknown)):
        wrong = truth.stems.clone()
        wrong[:, 0] = 0.0  # nobody can tell
        assert total(stem_loss(wrong, truth, config)) == pytest.approx(0, abs=1e-3)


def test_estimates_need_not_sum_to_bleed_that_was_added() -> None:
    config = LossConfig(resolutions=(512,), consistency_weight=1.0, mixit_weight=1.0)
    truth = batch()
    louder = batch(mixture=truth.mixture + torch.randn_like(truth.mixture))
    added = batch(mixture=louder.mixture, bled=torch.ones(2, dtype=torch.bool))
    assert float(stem_loss(truth.stems, louder, config)["consistency"]) > 0.3
    assert stem_loss(truth.stems, added, config).keys() == {"distance"}
