"""How sure one can be of a cleaned stem, band by band: where its own source outweighs the rest."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from carnatic_sep.leakage.powers import power_of

if TYPE_CHECKING:
    from torch import Tensor

BANDS = 32
_LOWEST_HZ = 60.0
_TINY = 1e-20


def band_edges(bins: int, *, sample_rate: int) -> list[int]:
    """Return the bins where bands begin, and the last one's end; none is empty.

    Bands are equally wide in pitch above 60 Hz as far as bins are fine enough.
    """
    import numpy as np

    top = bins - 1
    lowest = max(1.0, _LOWEST_HZ / (sample_rate / 2) * top)
    wanted = np.geomspace(lowest, bins, BANDS + 1)
    wanted[0] = 0.0
    edges = [0]
    for number, edge in enumerate(wanted[1:], start=1):
        room_left = bins - (BANDS - number)
        edges.append(min(max(round(float(edge)), edges[-1] + 1), room_left))
    return edges


def pool(share: Tensor, recorded: Tensor, cleaned: Tensor, edges: list[int]) -> Tensor:
    """Return how much of each band's recorded power is the target's own.

    Parameters
    ----------
    share : (bins, microphones, columns), 0..1, of what is left: the target's own
    recorded, cleaned : like it, complex
    edges : from :func:`band_edges`

    Returns
    -------
    (microphones, bands, columns), in 0..1; 0 where there is no sound. Where most had to be taken
    out, little is sure of the rest.
    """
    import torch

    pooled = []
    for low, high in pairwise(edges):  # band by band, since whole arrays would be large
        left = power_of(cleaned[low:high])
        removed = power_of(recorded[low:high] - cleaned[low:high])
        own, whole = (share[low:high] * left).sum(0), left.add_(removed).sum(0)
        pooled.append(own / (whole + _TINY))
    return torch.stack(pooled, dim=1).clamp(0.0, 1.0)
