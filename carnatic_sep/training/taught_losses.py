"""Losses that ask the network, or its averaged weights, once more; no references are needed.

The averaged weights are a teacher that changes slowly: what they make of a mixture is a target
for the network that learns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from carnatic_sep.audio.spectral import stft
from carnatic_sep.training.leakage_losses import mixit

if TYPE_CHECKING:
    from carnatic_sep.training.finetune_config import LossConfig
    from carnatic_sep.training.track_batch import TrackBatch

_TINY = 1e-8


def taught_losses(
    model: nn.Module,
    teacher: nn.Module,
    estimates: Tensor,
    batch: TrackBatch,
    config: LossConfig,
    *,
    seed: int,
    step: int,
) -> dict[str, Tensor]:
    """Return the terms that `config` asks for; their sum is added to the loss.

    Parameters
    ----------
    model : learns; (batch, channels, frames) -> (batch, stems, channels, frames)
    teacher : the averaged weights, of the same shape; left in evaluation mode
    estimates : what `model` made of `batch`
    seed, step : decide who is exchanged with whom
    """
    terms = {}
    if config.mixit_weight:
        pairs = unknown_pairs(batch)
        if len(pairs):
            both = model(pairs.sum(dim=1)).float()
            terms["mixit_mixdowns"] = config.mixit_weight * mixit(both, pairs) / 10
    if step < config.teacher_from or not (config.teacher_weight or config.remixit_weight):
        return terms
    with torch.no_grad():
        taught = teacher.eval()(batch.mixture).float()
    if config.teacher_weight:
        distance = spectral_distance(estimates, taught, batch.mixture, config.resolutions)
        terms["teacher"] = config.teacher_weight * distance
    if config.remixit_weight:
        targets = exchanged(taught, seed=seed, step=step)
        mixture = targets.sum(dim=1)
        distance = spectral_distance(model(mixture).float(), targets, mixture, config.resolutions)
        terms["remixit"] = config.remixit_weight * distance
    return terms


def unknown_pairs(batch: TrackBatch) -> Tensor:
    """Return pairs of mixtures whose stems nobody knows, (pairs, 2, channels, frames).

    Their sum is a mixture of mixtures for mixture invariant training.
    """
    mixtures = batch.mixture[~batch.known.any(dim=1)]
    count = len(mixtures) // 2
    return torch.stack([mixtures[:count], mixtures[count : 2 * count]], dim=1)


def exchanged(stems: Tensor, *, seed: int, step: int) -> Tensor:
    """Give each item of a batch stems of other items, each stem shuffled on its own.

    Parameters
    ----------
    stems : (batch, stems, channels, frames)

    Returns
    -------
    the same shape; the sum over the batch stays what it was

    Source: Tzinis et al., "RemixIT: continual self-training of speech enhancement models via
    bootstrapped remixing", IEEE JSTSP 2022.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    orders = [torch.randperm(len(stems), generator=generator) for _ in range(stems.shape[1])]
    return torch.stack([stems[order, index] for index, order in enumerate(orders)], dim=1)


def spectral_distance(
    estimates: Tensor, targets: Tensor, mixture: Tensor, resolutions: tuple[int, ...]
) -> Tensor:
    """L1 between complex spectra, relative to the targets plus a tenth of the mixture, meaned.

    Parameters
    ----------
    estimates, targets : (batch, stems, channels, frames)
    mixture : (batch, channels, frames)
    resolutions : window lengths

    Source: as a loss between student and mean teacher: Goswami and Harada, iSeparate at the Sound
    Demixing Challenge 2023; Tarvainen and Valpola, "Mean teachers are better role models", 2017.
    """
    found = []
    for n_fft in resolutions:
        error, target, heard = (
            _level(signal, n_fft) for signal in (estimates - targets, targets, mixture[:, None])
        )
        found.append((error / (target + 0.1 * heard + _TINY)).mean())
    return torch.stack(found).mean()


def _level(signal: Tensor, n_fft: int) -> Tensor:
    """Sum of magnitudes of (batch, stems, channels, frames): (batch, stems)."""
    spectrum = stft(signal, n_fft=n_fft, hop_frames=n_fft // 4)
    magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt()
    return magnitude.sum(dim=(2, 3, 4))
