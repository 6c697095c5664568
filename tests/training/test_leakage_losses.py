"""Each loss on a case whose answer is known without it."""

from __future__ import annotations

import math

import pytest
import torch

from carnatic_sep.training.leakage_losses import (
    confidence_weighted_l1,
    mixit,
    mixture_consistency,
    silence_loss,
    truncated_mean,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_truncation_forgets_the_largest_errors_of_each_stem() -> None:
    errors = torch.zeros(2, 2, 1, 50)
    errors[:, 0] = 1.0
    errors[0, 0, 0, :7] = 1000.0  # 7 of 100: what a microphone hears of others
    errors[:, 1] = torch.arange(100.0).reshape(2, 1, 50)
    kept = truncated_mean(errors, quantile=0.93)
    assert kept.tolist() == pytest.approx([1.0, sum(range(93)) / 93])
    assert truncated_mean(errors, quantile=1.0).tolist() == pytest.approx([70.93, 49.5])


def test_truncated_errors_get_no_gradient() -> None:
    estimate = torch.tensor([1.0, 2.0, 3.0, 10.0], requires_grad=True)
    truncated_mean(estimate.square()[None, None], quantile=0.75).sum().backward()
    assert estimate.grad is not None
    assert estimate.grad.tolist() == pytest.approx([2 / 3, 4 / 3, 2.0, 0.0])


def test_truncation_needs_a_quantile() -> None:
    with pytest.raises(ValueError, match="quantile is 0"):
        truncated_mean(torch.ones(1, 1, 3), quantile=0)


def test_confidence_ignores_cells_that_are_all_bleed() -> None:
    error, reference = torch.ones(1, 1, 1, 2, 2), torch.full((1, 1, 1, 2, 2), 4.0)
    error[..., 1] = 100.0
    mixture = torch.full((1, 1, 1, 2, 2), 10.0)
    sure = torch.tensor([1.0, 0.0])
    # two cells count: error 2, reference 8, a tenth of the mixture 2, and the constant 1
    assert confidence_weighted_l1(error, reference, mixture, sure).item() == pytest.approx(2 / 11)
    all_cells = confidence_weighted_l1(error, reference, mixture, torch.ones(1)).item()
    assert all_cells == pytest.approx(202 / 21)


def test_silence_is_judged_where_the_source_is_silent_alone() -> None:
    mixture = noise(1, 2, 100)
    silent = torch.zeros(1, 2, 100, dtype=torch.bool)
    silent[0, 0, :50] = True
    estimates = torch.stack([mixture, mixture], dim=1)
    estimates[0, 0, :, 50:] = 1e6  # not silent there: none of this loss's business
    assert silence_loss(estimates, silent, mixture).item() == pytest.approx(1.0)
    assert silence_loss(0.25 * estimates, silent, mixture).item() == pytest.approx(0.25)
    assert silence_loss(estimates, torch.zeros_like(silent), mixture).item() == 0.0


def test_consistency_counts_what_the_stems_lack() -> None:
    mixture = noise(2, 1, 100)
    half = 0.25 * mixture
    assert mixture_consistency(torch.stack([half] * 4, dim=1), mixture).item() == pytest.approx(0)
    assert mixture_consistency(torch.stack([half] * 3, dim=1), mixture).item() == pytest.approx(
        0.25, rel=1e-5
    )


def test_mixit_finds_the_assignment() -> None:
    sources = noise(3, 4, 1, 200)
    belongs = torch.tensor([[1, 0, 0, 1], [0, 0, 1, 0], [1, 1, 1, 1]], dtype=torch.float32)
    first = torch.einsum("bs,bscf->bcf", belongs, sources)
    mixtures = torch.stack([first, sources.sum(1) - first], dim=1)
    # The second mixture of the last item is empty, so that one's error is relative to nothing.
    assert mixit(sources[:2], mixtures[:2]).item() == pytest.approx(-30.0, abs=1e-3)
    assert mixit(sources[:2].flip(1), mixtures[:2]).item() == pytest.approx(-30.0, abs=1e-3)


def test_mixit_of_silence_is_zero_db_and_of_noise_is_the_ratio() -> None:
    mixtures = noise(1, 2, 1, 1000)
    softened = 10 * math.log10(1 + 1e-3)
    assert mixit(torch.zeros(1, 3, 1, 1000), mixtures).item() == pytest.approx(softened, abs=1e-4)
    wrong = noise(1, 2, 1, 1000, seed=1)
    near = mixtures + 0.1 * wrong
    energies = mixtures.square().sum((2, 3))
    errors = (0.1 * wrong).square().sum((2, 3))
    expected = (10 * torch.log10(errors / energies + 1e-3)).mean()
    assert mixit(near, mixtures).item() == pytest.approx(expected.item(), abs=1e-4)
