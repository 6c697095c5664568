"""Harmonic/percussive separation by median filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def share(
    part: NDArray[np.float32], rest: NDArray[np.float32], *, power: float = 2.0
) -> NDArray[np.float32]:
    """Return what share of each bin is `part`'s, 0 to 1; a half where both are silent."""
    scale = np.maximum(part, rest)
    scale = np.where(scale < np.finfo(np.float32).tiny, 1.0, scale)
    mine, yours = (part / scale) ** power, (rest / scale) ** power
    total = mine + yours
    return np.where(total > 0, mine / np.where(total > 0, total, 1), 0.5).astype(np.float32)


def percussive_mask(magnitude: NDArray[np.float32], *, kernel: int = 17) -> NDArray[np.float32]:
    """Return the share of each bin that is percussive, 0 to 1; the rest is harmonic.

    Parameters
    ----------
    magnitude : (bins, columns)
    kernel : length of both medians, in bins and in columns

    Source: Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010, with
    soft masks of power 2.
    """
    from scipy.ndimage import median_filter

    harmonic = median_filter(magnitude, size=(1, kernel), mode="reflect")
    percussive = median_filter(magnitude, size=(kernel, 1), mode="reflect")
    return share(percussive, harmonic)
