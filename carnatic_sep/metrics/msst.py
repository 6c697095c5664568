"""Bleedless and fullness, as Music-Source-Separation-Training reports them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.mel import mel_filters
from carnatic_sep.metrics.sdr import validate
from carnatic_sep.metrics.spectra import Grid, as_channels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_GRID = Grid(n_fft=4096, hop_frames=1024)
_BANDS = 512
_SMALLEST = 1e-10
_TOP_DB = 80.0


@dataclass(frozen=True)
class BleedFull:
    """Points from 0 to 100; higher is better.

    Attributes
    ----------
    bleedless : how little the estimate has where the reference has less
    fullness : how little the estimate lacks where the reference has more
    """

    bleedless: float
    fullness: float


def bleed_full(reference: ArrayLike, estimate: ArrayLike, *, sample_rate: int) -> BleedFull:
    """Compare mel spectrograms in dB: what was added, and what is missing.

    Magnitudes in 512 mel bands (4096 frames, hop 1024, whatever the rate), in dB, held within 80 dB
    of the loudest; ``d = estimate - reference``. ``bleedless = 100 / (1 + mean of d where d > 0)``,
    ``fullness = 100 / (1 - mean of d where d < 0)``.

    Weak where references bleed: an estimate that removes the bleed is reported as less full.

    Parameters
    ----------
    reference : (channels, frames) or (frames,)
    estimate : like `reference`
    sample_rate : Hz

    Returns
    -------
    BleedFull; 100 and 100 for an identical estimate. A silent signal lies at the floor of -200 dB:
    defined, but it says nothing.

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.sdr.validate`.

    Source: ZFTurbo, Music-Source-Separation-Training, ``bleed_full``.
    """
    validate(reference, estimate)
    ref = as_channels(reference, name="reference")
    est = as_channels(estimate, name="estimate")
    filters = mel_filters(sample_rate=sample_rate, n_fft=_GRID.n_fft, bands=_BANDS)
    levels = _levels(ref, filters), _levels(est, filters)
    difference = levels[1] - levels[0]
    added, lost = difference[difference > 0.0], difference[difference < 0.0]
    more = float(added.mean(dtype=np.float64)) if added.size else 0.0
    less = -float(lost.mean(dtype=np.float64)) if lost.size else 0.0
    return BleedFull(100.0 / (1.0 + more), 100.0 / (1.0 + less))


def _levels(signal: NDArray[np.floating], filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return dB per mel band within 80 dB of the loudest, (bands, channels * columns)."""
    import scipy.sparse

    sparse = scipy.sparse.csr_array(filters)  # 512 bands of a few bins each
    parts = []
    for first, count in _GRID.chunks(signal.shape[-1]):
        magnitude = np.abs(_GRID.read(signal, first, count))
        mel = sparse @ magnitude.reshape(-1, magnitude.shape[-1]).T
        # Logarithms of float32 take half the time and half the memory, and 1e-6 dB of accuracy.
        parts.append(20.0 * np.log10(np.maximum(mel, _SMALLEST, dtype=np.float32)))
    levels = np.concatenate(parts, axis=1)
    floor = levels.max() - np.float32(_TOP_DB)
    return np.asarray(np.maximum(levels, floor), dtype=np.float32)
