"""What a separation is punished for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from carnatic_sep.audio.spectral import stft


@dataclass(frozen=True)
class BandStatistics:
    """All that a mask on bands can be judged by, pooled over the bins of each band.

    With X the mixture's spectrum and S a stem's, sums over the bins of a band:

    mixture : (batch, bands, columns), sum |X|^2
    cross : (batch, stems, bands, columns), sum Re(X conj(S))
    stems : (batch, stems, bands, columns), sum |S|^2
    """

    mixture: Tensor
    cross: Tensor
    stems: Tensor

    def to(self, device: torch.device) -> BandStatistics:
        """Move to `device`."""
        return BandStatistics(self.mixture.to(device), self.cross.to(device), self.stems.to(device))

    def error(self, masks: Tensor) -> Tensor:
        """Energy of ``mask X - S`` in each cell, for a mask constant over the band."""
        cells = masks.square() * self.mixture[:, None] - 2 * masks * self.cross + self.stems
        return cells.clamp_min(0)


def relative_l1(
    error: Tensor, reference: Tensor, mixture: Tensor, *, weights: Sequence[float] | None = None
) -> Tensor:
    """Mean over stems of L1 error relative to the stem, with a share of the mixture as floor.

    Parameters
    ----------
    error, reference : (batch, stems, ...), magnitudes
    mixture : (batch, 1, ...), magnitudes
    weights : (stems,), what each stem counts in the mean; equal if None

    The floor keeps silent stems finite and makes sound in them cost: 10 % of the mixture, and a
    constant far below any concert, lest a nearly silent mixture outweigh all others.
    """
    where = tuple(range(2, error.dim()))
    scale = reference.sum(dim=where) + 0.1 * mixture.sum(dim=where) + 1.0
    return _mean_over_stems(error.sum(dim=where) / scale, weights)


def snr_db(
    error: Tensor, reference: Tensor, mixture: Tensor, *, weights: Sequence[float] | None = None
) -> Tensor:
    """Mean negative signal-to-error ratio in dB over stems, bounded at about 30 dB below silence.

    Arguments are energies, shaped as in :func:`relative_l1`.
    """
    where = tuple(range(2, error.dim()))
    floor = 1e-3 * mixture.sum(dim=where) + 1e-9
    ratio = (error.sum(dim=where) + floor) / (reference.sum(dim=where) + floor)
    return _mean_over_stems(10 * torch.log10(ratio), weights)


def band_loss(
    masks: Tensor,
    statistics: BandStatistics,
    *,
    snr_weight: float = 0.0,
    weights: Sequence[float] | None = None,
) -> Tensor:
    """Complex L1 over band cells: the root of each cell's complex error energy, summed."""
    error = statistics.error(masks)
    tiny = 1e-8 * statistics.mixture.mean(dim=(1, 2))[:, None, None, None] + 1e-12
    loss = relative_l1(
        (error + tiny).sqrt(),
        statistics.stems.sqrt(),
        statistics.mixture.sqrt()[:, None],
        weights=weights,
    )
    if snr_weight:
        loss = loss + snr_weight * snr_db(
            error, statistics.stems, statistics.mixture[:, None], weights=weights
        )
    return loss


def waveform_loss(
    estimates: Tensor,
    stems: Tensor,
    *,
    n_fft: int = 4096,
    hop_frames: int = 1024,
    snr_weight: float = 0.0,
    weights: Sequence[float] | None = None,
) -> Tensor:
    """Complex L1 between spectra of (batch, stems, channels, frames) waveforms, for any model."""
    difference = _magnitude(stft(estimates - stems, n_fft=n_fft, hop_frames=hop_frames))
    reference = _magnitude(stft(stems, n_fft=n_fft, hop_frames=hop_frames))
    mixture = _magnitude(stft(stems.sum(dim=1, keepdim=True), n_fft=n_fft, hop_frames=hop_frames))
    loss = relative_l1(difference, reference, mixture, weights=weights)
    if snr_weight:
        loss = loss + snr_weight * snr_db(
            (estimates - stems).square(),
            stems.square(),
            stems.sum(1, keepdim=True).square(),
            weights=weights,
        )
    return loss


def _mean_over_stems(values: Tensor, weights: Sequence[float] | None) -> Tensor:
    """Mean over batch and stems of (batch, stems), stems weighted."""
    if weights is None:
        return values.mean()
    shares = values.new_tensor(weights)
    return (values * shares).sum(dim=1).mean() / shares.sum()


def _magnitude(spectrum: Tensor) -> Tensor:
    return (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt()
