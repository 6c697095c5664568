"""Mel filters, after Slaney, as librosa makes them by default."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_STEP = np.log(6.4) / 27.0


@lru_cache(maxsize=8)
def mel_filters(*, sample_rate: int, n_fft: int, bands: int) -> NDArray[np.float32]:
    """Return triangular filters of equal area, from 0 Hz to half the rate.

    Parameters
    ----------
    sample_rate : Hz
    n_fft : length of the transform
    bands : number of filters

    Returns
    -------
    (bands, n_fft // 2 + 1), read-only

    Source: Slaney, Auditory Toolbox, 1998: linear below 1 kHz, logarithmic above.
    """
    edges = _hertz(np.linspace(0.0, _mel(sample_rate / 2.0), bands + 2))
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(
        np.float32
    )
    filters.setflags(write=False)  # every later call gets the same array
    return filters


def _mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_HZ
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HZ) / _STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)
