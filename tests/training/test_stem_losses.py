"""The loss put together: each term where it is asked for, nothing from stems that are unknown."""

from __future__ import annotations

import pytest
import torch

from carnatic_sep.training.finetune_config import LossConfig
from carnatic_sep.training.multitracks import TrackBatch
from carnatic_sep.training.stem_losses import stem_loss

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
