"""How much bleeds where: leakage matrix, signal to bleed, and the ceiling it puts on SDR."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.config import CleanConfig, window_frames

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from carnatic_sep.leakage.segment import Segment

    Audio = NDArray[np.floating]
    Array = NDArray[np.float64]

__all__ = [
    "EDGES_HZ",
    "BleedEstimate",
    "ceiling_sdr",
    "estimate_bleed",
    "leakage_matrix",
    "of_segment",
    "signal_to_bleed",
]

EDGES_HZ = (60.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Octaves in which leakage is told, Hz."""

_DEFAULT = CleanConfig()
LEFT = 1.7
"""Energy of bleed over that of what cleaning takes out of a stem: the rest stays. The value for
which the ceilings of development pieces in development rooms have no median error."""


@dataclass(frozen=True)
class BleedEstimate:
    """What each stem holds of its own player and of the others, over time.

    Attributes
    ----------
    own, bleed : (stems, hops), energies
    hop_seconds : from hop to hop
    """

    own: Array
    bleed: Array
    hop_seconds: float

    @property
    def signal_to_bleed_db(self) -> Array:
        """Own over bleed for each stem over all time, (stems,), dB."""
        return _ratio_db(self.own.sum(1), self.bleed.sum(1))

    @property
    def ceiling_db(self) -> Array:
        """SDR that the true stem would reach against the stem as it bleeds, (stems,), dB."""
        return _ratio_db(self.own.sum(1) + self.bleed.sum(1), self.bleed.sum(1))


def leakage_matrix(
    stems: Audio,
    *,
    sample_rate: int,
    edges_hz: tuple[float, ...] = EDGES_HZ,
    related: NDArray[np.bool_] | None = None,
) -> Array:
    """Return how much of each stem's power arrives in every other one, band by band.

    Parameters
    ----------
    stems : (stems, frames)
    sample_rate : Hz
    edges_hz : limits of the bands
    related : (stems, stems), true where two record one instrument; each its own if None

    Returns
    -------
    (into, from, bands), power ratios; 0 between related stems, NaN in bands above half the rate.
    Where the receiving player never rests while the other plays, this is an upper bound.

    Raises
    ------
    UsageError
        Stems that are not (stems, frames), or too short.

    Source: the quantile of power ratios, see `carnatic_sep.leakage.quantile`.
    """
    import torch

    from carnatic_sep.leakage.joint import gains_of

    _check(stems, sample_rate)
    config = CleanConfig()
    with torch.inference_mode():
        spectra = _spectra(stems, sample_rate)
        pair = torch.from_numpy(np.eye(len(stems), dtype=bool) if related is None else related)
        gains = gains_of(spectra, related=pair, config=config).double().numpy()
    n_fft = window_frames(sample_rate)
    bins = np.round(np.asarray(edges_hz) * n_fft / sample_rate).astype(int)
    out = np.full((len(stems), len(stems), len(edges_hz) - 1), np.nan)
    for band, (low, high) in enumerate(pairwise(bins)):
        inside = gains[low : max(high, low + 1)]
        if len(inside):
            out[..., band] = np.exp(np.mean(np.log(inside + 1e-9), axis=0))
    out[np.asarray(pair)] = 0.0
    return out


def estimate_bleed(
    stems: Audio,
    *,
    sample_rate: int,
    related: NDArray[np.bool_] | None = None,
    config: CleanConfig = _DEFAULT,
) -> BleedEstimate:
    """Tell own sound and bleed of each stem apart in energy, column by column.

    The canceller takes most of the bleed out, and the post-filter most of what that leaves. The
    bleed is what both took out, times a constant for late echoes that both leave.

    Parameters
    ----------
    stems : (stems, frames)
    sample_rate : Hz
    related : (stems, stems), see :func:`leakage_matrix`
    config : of the cleaner

    Raises
    ------
    UsageError
        Stems that are not (stems, frames), or too short.
    """
    import torch

    from carnatic_sep.leakage.segment import clean_segment

    _check(stems, sample_rate)
    with torch.inference_mode():
        spectra = _spectra(stems, sample_rate)
        pair = torch.from_numpy(np.eye(len(stems), dtype=bool) if related is None else related)
        found = clean_segment(spectra, related=pair, config=config)
        return of_segment(spectra, found, hop_seconds=window_frames(sample_rate) // 4 / sample_rate)


def of_segment(spectra: torch.Tensor, found: Segment, *, hop_seconds: float) -> BleedEstimate:
    """Return the estimate that a cleaned segment holds.

    Parameters
    ----------
    spectra : (bins, stems, columns), what the stems held before
    found : the same, cleaned
    hop_seconds : from column to column
    """
    from carnatic_sep.leakage.segment import post_filter

    kept = post_filter(spectra, found)
    own = kept.abs().square().sum(0).double().numpy()
    bleed = LEFT * (spectra - kept).abs().square().sum(0).double().numpy()
    return BleedEstimate(own, bleed, hop_seconds)


def signal_to_bleed(stems: Audio, *, sample_rate: int) -> Array:
    """Return own sound over bleed of each stem, (stems,), in dB; see :func:`estimate_bleed`."""
    return estimate_bleed(stems, sample_rate=sample_rate).signal_to_bleed_db


def ceiling_sdr(stems: Audio, *, sample_rate: int) -> Array:
    """Return the SDR that the true stems would score against these, (stems,), in dB.

    Bleed in a reference puts a ceiling on SDR: with bleed ``b`` the truth itself scores
    ``10 log10(|s + b|^2 / |b|^2)``, and what scores more copies the bleed.
    """
    return estimate_bleed(stems, sample_rate=sample_rate).ceiling_db


def _spectra(stems: Audio, sample_rate: int) -> torch.Tensor:
    """Return (bins, stems, columns), complex."""
    import torch

    from carnatic_sep.audio.spectral import stft

    n_fft = window_frames(sample_rate)
    sound = torch.from_numpy(np.ascontiguousarray(stems, dtype=np.float32))
    return stft(sound, n_fft=n_fft, hop_frames=n_fft // 4).permute(1, 0, 2).contiguous()


def _check(stems: Audio, sample_rate: int) -> None:
    if stems.ndim != 2 or len(stems) < 2:
        raise UsageError(f"bleed takes two stems or more, (stems, frames), not {stems.shape}")
    if stems.shape[1] < window_frames(sample_rate):
        raise UsageError(
            f"{stems.shape[1]} frames are too few; {window_frames(sample_rate)} or more are needed"
        )


def _ratio_db(above: Array, below: Array) -> Array:
    tiny = 1e-20
    return np.asarray(10.0 * np.log10((above + tiny) / (below + tiny)), dtype=np.float64)
