"""Losses for stems that hear each other: pure functions, each named by where it comes from.

Waveforms are (batch, stems, channels, frames), spectra (batch, stems, channels, bins, columns).
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

_HIGHEST_SNR_DB = 30.0
_TINY = 1e-8


def truncated_mean(errors: Tensor, *, quantile: float) -> Tensor:
    """Mean of each stem's errors that do not exceed their quantile, over the whole batch.

    The largest errors, which are where a reference holds what a network rightly left out, do not
    count. With squared errors of samples and 0.93 this is the loss that won the bleeding track of
    the Sound Demixing Challenge 2023.

    Parameters
    ----------
    errors : (batch, stems, ...), at least 0
    quantile : in (0, 1]; 1 is the plain mean

    Returns
    -------
    (stems,)

    Source: Kim et al., "Sound Demixing Challenge 2023 technical report: TFC-TDF-UNet v3", 2023.
    """
    if not 0 < quantile <= 1:
        raise ValueError(f"quantile is {quantile}, but must be above 0 and at most 1")
    rows = errors.transpose(0, 1).flatten(1)
    kept = max(1, round(quantile * rows.shape[1]))
    limit = rows.detach().kthvalue(kept, dim=1, keepdim=True).values
    counts = (rows <= limit).to(rows.dtype)
    return (rows * counts).sum(dim=1) / counts.sum(dim=1)


def confidence_weighted_l1(
    error: Tensor, reference: Tensor, mixture: Tensor, confidence: Tensor
) -> Tensor:
    """L1 of magnitudes where each cell counts as much as its reference can be trusted.

    With a confidence of 1 everywhere it is the plain L1, relative to the reference plus a tenth
    of the mixture, so that sound in a silent stem costs. Where the confidence is 0, anything goes.

    Parameters
    ----------
    error, reference : (batch, stems, ...), magnitudes
    mixture : (batch, 1, ...), magnitudes
    confidence : broadcasts with `error`; the share of a cell's energy that is the stem's own

    Returns
    -------
    (batch, stems)

    Source: the local Gaussian model's posterior share P / (P + leakage) as a weight, as for
    MIRA: Di Carlo et al., "Interference reduction on full-length live recordings", ICASSP 2018.
    """
    where = tuple(range(2, error.dim()))
    weights = confidence.expand_as(error)
    scale = (weights * (reference + 0.1 * mixture)).sum(dim=where) + 1.0
    return (weights * error).sum(dim=where) / scale


def silence_loss(estimates: Tensor, silent: Tensor, mixture: Tensor) -> Tensor:
    """What estimates hold where their source is known to be silent, against the mixture there.

    The truth of such frames is exactly 0, however much the stem's microphone hears. Passing the
    mixture through gives 1; a batch without silent frames gives 0.

    Parameters
    ----------
    estimates : (batch, stems, channels, frames)
    silent : (batch, stems, frames), boolean
    mixture : (batch, channels, frames)

    Source: Gupta et al., "Human-in-the-loop continual learning for singing voice separation",
    2025 (zero targets in regions marked as without voice).
    """
    where = silent[:, :, None].to(estimates.dtype)
    leaked = (estimates.abs() * where).sum(dim=(2, 3))
    heard = (mixture[:, None].abs() * where).sum(dim=(2, 3))
    counted = heard > 0
    ratios = torch.where(counted, leaked / heard.clamp_min(_TINY), torch.zeros_like(leaked))
    return ratios.sum() / counted.sum().clamp_min(1)


def mixture_consistency(estimates: Tensor, mixture: Tensor) -> Tensor:
    """L1 between the sum of the estimates and the mixture, relative to the mixture.

    Source: Goswami and Harada, iSeparate at the Sound Demixing Challenge 2023; as a constraint:
    Wisdom et al., "Differentiable consistency constraints", ICASSP 2019.
    """
    error = (estimates.sum(dim=1) - mixture).abs().sum()
    return error / (mixture.abs().sum() + _TINY)


def mixit(estimates: Tensor, mixtures: Tensor) -> Tensor:
    """Mixture invariant training: the stems, shared out at best, should make up two mixtures.

    Parameters
    ----------
    estimates : (batch, stems, channels, frames), of the sum of both mixtures
    mixtures : (batch, 2, channels, frames)

    Returns
    -------
    Mean negative signal-to-noise ratio in dB under the best assignment of each item, bounded at
    -30 as in the paper.

    Source: Wisdom et al., "Unsupervised sound separation using mixture invariant training",
    NeurIPS 2020.
    """
    stems = estimates.shape[1]
    choices = torch.tensor(list(product((0.0, 1.0), repeat=stems)), device=estimates.device)
    first = torch.einsum("as,bscf->bacf", choices.to(estimates.dtype), estimates)
    made = torch.stack([first, estimates.sum(dim=1, keepdim=True) - first], dim=2)
    wanted = mixtures[:, None]  # (batch, 1, 2, channels, frames) against (batch, choices, ...)
    energy = wanted.square().sum(dim=(-2, -1)) + _TINY
    error = (made - wanted).square().sum(dim=(-2, -1))
    softened = error + 10 ** (-_HIGHEST_SNR_DB / 10) * energy
    costs = 10 * torch.log10(softened / energy).mean(dim=-1)
    return costs.min(dim=1).values.mean()
