"""The loss of a fine-tuning batch, put together as the configuration says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from carnatic_sep.audio.spectral import stft
from carnatic_sep.training.leakage_losses import (
    confidence_weighted_l1,
    mixit,
    mixture_consistency,
    silence_loss,
    truncated_mean,
)
from carnatic_sep.training.losses import snr_db

if TYPE_CHECKING:
    from carnatic_sep.training.finetune_config import LossConfig
    from carnatic_sep.training.track_batch import TrackBatch

_TINY = 1e-8


def stem_loss(
    estimates: Tensor,
    batch: TrackBatch,
    config: LossConfig,
    *,
    snr_weight: float = 0.0,
    weights: Sequence[float] | None = None,
) -> dict[str, Tensor]:
    """Return what `estimates` are punished for, term by term; their sum is the loss.

    Parameters
    ----------
    estimates : (batch, stems, channels, frames)
    snr_weight : of the signal-to-error ratio in dB
    weights : (stems,), what each stem counts in distances; equal if None

    Stems that are no reference for their mixture count in silence and consistency alone.
    """
    terms = {"distance": _distance(estimates, batch, config, weights)}
    summed = batch.known.all(dim=1)  # mixtures that are nothing but their stems
    if snr_weight and bool(summed.any()):
        error = (estimates[summed] - batch.stems[summed]).square()
        mixture = batch.mixture[summed, None].square()
        stems = batch.stems[summed].square()
        terms["snr"] = snr_weight * snr_db(error, stems, mixture, weights=weights)
    if config.silence_weight:
        silence = silence_loss(estimates, batch.silent, batch.mixture)
        terms["silence"] = config.silence_weight * silence
    sound = ~batch.bled  # no estimates may sum to bleed that nobody is to hold
    if config.consistency_weight and bool(sound.any()):
        lacking = mixture_consistency(estimates[sound], batch.mixture[sound])
        terms["consistency"] = config.consistency_weight * lacking
    summed = summed & sound
    if config.mixit_weight and bool(summed.any()):
        first = (batch.stems * batch.halves[:, :, None, None]).sum(dim=1)
        mixtures = torch.stack([first, batch.mixture - first], dim=1)
        terms["mixit"] = config.mixit_weight * mixit(estimates[summed], mixtures[summed]) / 10
    return terms


def _distance(
    estimates: Tensor, batch: TrackBatch, config: LossConfig, weights: Sequence[float] | None
) -> Tensor:
    """Mean distance over the stems that are known, each counting as `weights` say."""
    shares = estimates.new_tensor(list(weights or [1.0] * estimates.shape[1]))
    if config.combinations:
        estimates, batch, shares = _combined(estimates, batch, shares)
    known = batch.known.to(estimates.dtype) * shares
    if config.distance == "truncated_mse":
        scale = batch.mixture.square().mean() + _TINY
        errors = (estimates - batch.stems).square()
        means = torch.stack(
            [
                truncated_mean(errors[rows, index : index + 1], quantile=config.quantile)[0]
                if bool((rows := batch.known[:, index]).any())
                else errors.new_zeros(())
                for index in range(errors.shape[1])
            ]
        )
        shares = shares * batch.known.any(dim=0)
        return (means * shares).sum() / scale / shares.sum().clamp_min(_TINY)
    found = torch.stack(
        [_spectral(estimates, batch, config, n_fft) for n_fft in config.resolutions]
    )
    return (found.mean(dim=0) * known).sum() / known.sum().clamp_min(_TINY)


def _combined(
    estimates: Tensor, batch: TrackBatch, shares: Tensor
) -> tuple[Tensor, TrackBatch, Tensor]:
    """Add every sum of two or more stems, but not of all, to stems and estimates.

    A sum is known where all its stems are, as trustworthy as the least of them, and counts as
    they do on average.

    Source: Sawata et al., "All for one and one for all: improving music separation by bridging
    networks", ICASSP 2021 (combination loss).
    """
    count = estimates.shape[1]
    rows = [row for row in product((0.0, 1.0), repeat=count) if 1 < sum(row) < count]
    if not rows:
        return estimates, batch, shares
    sums = torch.cat([torch.eye(count), torch.tensor(rows)]).to(estimates)
    within = sums > 0

    def summed(stems: Tensor) -> Tensor:
        return torch.einsum("cs,bsnf->bcnf", sums, stems)

    least = torch.where(within[None, :, :, None], batch.confidence[:, None], torch.inf)
    known = (batch.known[:, None] | ~within[None]).all(dim=-1)
    return (
        summed(estimates),
        replace(
            batch,
            stems=summed(batch.stems),
            known=known,
            confidence=least.amin(dim=2),
        ),
        (sums @ shares) / sums.sum(dim=1),
    )


def _spectral(estimates: Tensor, batch: TrackBatch, config: LossConfig, n_fft: int) -> Tensor:
    """L1 of spectra or of their magnitudes, (batch, stems), weighted by confidence."""
    hop = n_fft // 4
    reference = stft(batch.stems, n_fft=n_fft, hop_frames=hop)
    mixture = _magnitude(stft(batch.mixture[:, None], n_fft=n_fft, hop_frames=hop))
    estimate = stft(estimates, n_fft=n_fft, hop_frames=hop)
    if config.distance == "magnitude_l1":
        error = (_magnitude(estimate) - _magnitude(reference)).abs()
    else:
        error = _magnitude(estimate - reference)
    confidence = error.new_ones(1)
    if config.confidence:
        # (batch, stems, points) -> (batch, stems, 1, 1, columns)
        confidence = functional.interpolate(
            batch.confidence, size=error.shape[-1], mode="linear", align_corners=True
        )[:, :, None, None]
    return confidence_weighted_l1(error, _magnitude(reference), mixture, confidence)


def _magnitude(spectrum: Tensor) -> Tensor:
    return (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt()
