"""REPET-SIM: what comes again is the background, what does not is the foreground."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.models.classic.hpss import share

if TYPE_CHECKING:
    from numpy.typing import NDArray


def background_mask(magnitude: NDArray[np.float32], *, width: int) -> NDArray[np.float32]:
    """Return the share of each bin that repeats, 0 to 1.

    Each column is compared with the ones most like it (cosine) that are at least `width` columns
    away; their median is what repeats.

    Parameters
    ----------
    magnitude : (bins, columns)
    width : columns around each that do not count as its repetition; 1 excludes only itself

    Source: Rafii and Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012.
    """
    columns = magnitude.shape[1]
    candidates = columns - 2 * width + 1
    if candidates < 2:  # too short for anything to come again
        return np.full_like(magnitude, 0.5)
    norms = np.linalg.norm(magnitude, axis=0)
    unit = magnitude / np.where(norms > 0, norms, 1.0)
    likeness = unit.T @ unit
    position = np.arange(columns)
    likeness[np.abs(position[:, None] - position) < width] = -1.0
    wanted = min(2 * ceil(sqrt(candidates)), candidates)
    nearest = np.argpartition(-likeness, wanted - 1, axis=1)[:, :wanted]
    rows = magnitude.T.copy()
    repeating = np.empty_like(rows)
    for column, like in enumerate(nearest):
        repeating[column] = np.median(rows[like], axis=0)
    background = np.minimum(repeating.T, magnitude)
    return share(background, magnitude - background)
