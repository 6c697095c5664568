"""Losses against the computation that they stand for, bin by bin."""

from __future__ import annotations

import pytest
import torch

from carnatic_sep.audio.spectral import stft
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.training.losses import (
    BandStatistics,
    band_loss,
    relative_l1,
    snr_db,
    waveform_loss,
)


def statistics_of(stems: torch.Tensor, width: int = 4) -> tuple[BandStatistics, torch.Tensor]:
    """Pool complex (batch, stems, bins, columns) over bands of `width` whole bins."""
    mixture = stems.sum(dim=1)

    def pool(cells):
        return cells.unflatten(-2, (-1, width)).sum(dim=-2)

    cross = (mixture[:, None] * stems.conj()).real
    parts = pool(mixture.abs().square()), pool(cross), pool(stems.abs().square())
    return BandStatistics(*parts), mixture


@pytest.fixture
def spectra() -> torch.Tensor:
    return torch.randn(
        2, 3, 16, 5, dtype=torch.complex64, generator=torch.Generator().manual_seed(0)
    )


def test_the_error_of_a_band_is_the_sum_of_its_bins_errors(spectra) -> None:
    statistics, mixture = statistics_of(spectra)
    masks = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    by_bin = masks.repeat_interleave(4, dim=2) * mixture[:, None] - spectra
    expected = by_bin.abs().square().unflatten(2, (4, 4)).sum(dim=3)
    assert torch.allclose(statistics.error(masks), expected, atol=1e-4)


def test_a_perfect_mask_has_no_error() -> None:
    share = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(2))
    share /= share.sum(dim=1, keepdim=True)
    mixture = torch.randn(2, 1, 16, 5, dtype=torch.complex64)
    statistics, _ = statistics_of(share.repeat_interleave(4, dim=2) * mixture)
    assert statistics.error(share).max() < 1e-4
    assert band_loss(share, statistics) < 0.01
    assert band_loss(1 - share, statistics) > 0.3


def test_statistics_move_as_one(spectra) -> None:
    moved = statistics_of(spectra)[0].to(torch.device("meta"))
    assert {moved.mixture.device.type, moved.cross.device.type, moved.stems.device.type} == {"meta"}


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_silence_has_a_finite_loss_and_gradient(weight) -> None:
    for scale in (0.0, 1e-6, 1.0):
        stems = scale * torch.randn(1, 3, 16, 5, dtype=torch.complex64)
        stems[:, 1] = 0.0
        logits = torch.zeros(1, 3, 4, 5, requires_grad=True)
        loss = band_loss(logits.softmax(dim=1), statistics_of(stems)[0], snr_weight=weight)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(logits.grad).all()


def test_sound_in_a_silent_stem_costs(spectra) -> None:
    spectra[:, 1] = 0.0
    statistics, _ = statistics_of(spectra)
    quiet = torch.tensor([0.5, 0.0, 0.5]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    noisy = torch.tensor([0.5, 0.3, 0.5]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    assert band_loss(noisy, statistics) > band_loss(quiet, statistics) + 0.1


def test_levels_do_not_matter_at_a_concerts_levels() -> None:
    generator = torch.Generator().manual_seed(3)
    error = 100 * torch.rand(2, 3, 40, 50, generator=generator)
    reference = 200 * torch.rand(2, 3, 40, 50, generator=generator)
    mixture = 300 * torch.rand(2, 1, 40, 50, generator=generator)
    soft = relative_l1(error, reference, mixture)
    loud = relative_l1(10 * error, 10 * reference, 10 * mixture)
    assert float(loud) == pytest.approx(float(soft), rel=1e-3)
    by_hand = error.sum((2, 3)) / (reference.sum((2, 3)) + 0.1 * mixture.sum((2, 3)))
    assert float(soft) == pytest.approx(float(by_hand.mean()), rel=1e-3)


def test_the_decibel_term_is_minus_the_sdr() -> None:
    generator = torch.Generator().manual_seed(4)
    stems = torch.randn(1, 2, 4000, generator=generator)
    estimates = stems + 0.3 * torch.randn(1, 2, 4000, generator=generator)
    ours = snr_db((estimates - stems).square(), stems.square(), stems.sum(1, keepdim=True).square())
    theirs = sum(sdr(s, e) for s, e in zip(stems[0].numpy(), estimates[0].numpy(), strict=True)) / 2
    assert float(ours) == pytest.approx(-theirs, abs=0.15)  # the floor costs a little


def test_bands_tell_the_sdr_of_the_separated_waveform() -> None:
    model = BandUNet(n_fft=1024, hop_frames=256, sample_rate=16000, widths=[4, 6], hidden=4)
    generator = torch.Generator().manual_seed(5)
    # Noise whose spectrum changes slowly, so that a mask per band says what one per bin does.
    stems = torch.stack([torch.randn(16000, generator=generator), torch.zeros(16000)])
    stems[1] = 0.5 * torch.randn(16000, generator=generator)
    spectra = stft(stems, n_fft=1024, hop_frames=256)
    mixture = spectra.sum(dim=0)
    pool = model.bands.pool
    statistics = BandStatistics(
        pool(mixture.abs().square())[None],
        pool((mixture * spectra.conj()).real)[None],
        pool(spectra.abs().square())[None],
    )
    masks = torch.rand(1, 2, 1, 1, generator=generator).expand(1, 2, *statistics.mixture.shape[1:])
    error = statistics.error(masks)[0].sum(dim=(1, 2))
    signal = statistics.stems[0].sum(dim=(1, 2))
    in_bands = 10 * torch.log10(signal / error)
    for stem, mask, told in zip(stems, masks[0], in_bands, strict=True):
        heard = sdr(stem.numpy(), (mask[0, 0] * stems.sum(dim=0)).numpy())
        assert float(told) == pytest.approx(heard, abs=0.1)


def test_waveforms_without_error_cost_nothing() -> None:
    stems = torch.randn(1, 3, 2, 9000, generator=torch.Generator().manual_seed(6))
    assert waveform_loss(stems, stems) < 1e-6
    silence = waveform_loss(torch.zeros_like(stems), stems)
    assert 0.7 < float(silence) < 1.0  # all of the stem, relative to the stem and 10 % of the rest
    with_snr = waveform_loss(torch.zeros_like(stems), stems, snr_weight=0.5)
    assert float(with_snr) == pytest.approx(float(silence), abs=0.01)  # 0 dB


def test_weights_say_what_each_stem_counts(spectra) -> None:
    statistics, _ = statistics_of(spectra)
    masks = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(7))

    def loss(*weights: float) -> float:
        return float(band_loss(masks, statistics, snr_weight=0.1, weights=weights or None))

    alone = [loss(1, 0, 0), loss(0, 1, 0), loss(0, 0, 1)]
    assert loss() == pytest.approx(sum(alone) / 3, rel=1e-5)
    assert loss(2, 2, 2) == pytest.approx(loss(), rel=1e-5)
    assert loss(3, 1, 0) == pytest.approx((3 * alone[0] + alone[1]) / 4, rel=1e-5)
