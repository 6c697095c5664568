"""Masks from how bins fade over the steps of cold diffusion, learnt once for a whole recording.

A bin of the voice keeps its magnitude from step to step, a bin of the accompaniment fades. K-means
on these curves ranks bins from the one to the other (Plaja-Roglans et al., ISMIR 2023). The public
code fits the clusters anew in every 1.5 s; here they are fitted on a sample of all bins, in memory
that does not grow with the recording, and mean the same from its beginning to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

CAPACITY = 20_000
_TINY = 1e-6
_MOST_ROUNDS = 300


@dataclass(frozen=True)
class ClusterSettings:
    """How masks are made of clusters.

    Attributes
    ----------
    clusters : how many; 4, 5 and 6 are in use
    strictness : power on the rank of a cluster, from 0 for the lowest to 1 for the highest; 3 to 5
        are in use, and more takes away more
    capacity : bins that clusters are fitted on
    seed : of the sample, and of the first centres
    """

    clusters: int = 5
    strictness: float = 4.0
    capacity: int = CAPACITY
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that no mask can be made with.

        Raises
        ------
        ValueError
            Fewer than two clusters, a negative strictness, or fewer bins than clusters.
        """
        if self.clusters < 2 or self.strictness < 0 or self.capacity < self.clusters:
            raise ValueError(
                f"clusters ({self.clusters}) must be 2 or more, strictness ({self.strictness}) 0 "
                f"or more, and capacity ({self.capacity}) at least as many as clusters"
            )


class BinSample:
    """A uniform sample of the curves in a stream of any length.

    Parameters
    ----------
    capacity : curves that are kept
    seed : of the choice, which does not depend on how the stream is cut
    """

    def __init__(self, *, capacity: int, seed: int) -> None:
        self._capacity = capacity
        self._rng = np.random.default_rng(seed)
        self._keys = np.empty(0)
        self._curves: NDArray[np.float32] | None = None

    def add(self, curves: NDArray[np.float32]) -> None:
        """Take (points, steps); each point of the stream stays with the same probability."""
        keys = self._rng.random(len(curves))
        kept = curves if self._curves is None else np.concatenate([self._curves, curves])
        self._keys = np.concatenate([self._keys, keys])
        if len(kept) > self._capacity:
            best = np.sort(np.argpartition(self._keys, self._capacity)[: self._capacity])
            kept, self._keys = kept[best], self._keys[best]
        self._curves = np.array(kept, dtype=np.float32)

    @property
    def curves(self) -> NDArray[np.float32]:
        """The sample, (points, steps) with at most `capacity` points.

        Raises
        ------
        ValueError
            Nothing came.
        """
        if self._curves is None or not len(self._curves):
            raise ValueError("no bins came, so there is nothing to fit clusters on")
        return self._curves


def shapes_of(states: Tensor) -> Tensor:
    """Return each bin's curve over the steps without its level.

    Parameters
    ----------
    states : (steps, ...), magnitudes after each step; what is below zero is taken for zero

    Returns
    -------
    (..., steps), 0 to 1, each curve over its own maximum
    """
    curves = states.clamp(min=0).movedim(0, -1)
    return curves / (curves.amax(dim=-1, keepdim=True) + _TINY)


def k_means(points: NDArray[np.float32], clusters: int, *, seed: int) -> NDArray[np.float32]:
    """Return cluster centres, (clusters, dimensions), in the order of their mean value.

    Parameters
    ----------
    points : (points, dimensions); at least one

    Returns
    -------
    fewer centres than `clusters` where fewer points differ

    Source: Lloyd, IEEE Trans. Inf. Theory 1982; first centres as in Arthur and Vassilvitskii,
    "k-means++: the advantages of careful seeding", SODA 2007.
    """
    rng = np.random.default_rng(seed)
    data = np.asarray(points, dtype=np.float64)
    centres = data[rng.integers(len(data))][None]
    while len(centres) < clusters:
        distances = _squared_distances(data, centres).min(axis=1)
        total = distances.sum()
        if total <= _TINY**2 * len(data):
            break
        centres = np.concatenate([centres, data[rng.choice(len(data), p=distances / total)][None]])
    for _ in range(_MOST_ROUNDS):
        nearest = _squared_distances(data, centres).argmin(axis=1)
        members = np.bincount(nearest, minlength=len(centres))
        sums = np.stack([np.bincount(nearest, column, len(centres)) for column in data.T], axis=1)
        moved = np.where(members[:, None] > 0, sums / np.maximum(members, 1)[:, None], centres)
        still = np.allclose(moved, centres, rtol=0, atol=_TINY)
        centres = moved
        if still:
            break
    ranked: NDArray[np.float32] = centres[np.argsort(centres.mean(axis=1))].astype(np.float32)
    return ranked


def _squared_distances(
    points: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    cross = points @ centres.T
    distances: NDArray[np.float64] = (
        (points**2).sum(axis=1)[:, None] - 2 * cross + (centres**2).sum(axis=1)
    )
    return np.maximum(distances, 0.0)


def fit_centres(samples: list[BinSample], settings: ClusterSettings) -> NDArray[np.float32]:
    """Fit the clusters of each target.

    Parameters
    ----------
    samples : one per target

    Returns
    -------
    (targets, clusters, steps), ranked. Where a target has fewer kinds of curves than clusters
    were asked for, its highest centre is repeated, so that it still weighs 1
    """
    found = [k_means(each.curves, settings.clusters, seed=settings.seed) for each in samples]
    return np.stack(
        [np.pad(each, ((0, settings.clusters - len(each)), (0, 0)), mode="edge") for each in found]
    )


def gains(states: Tensor, centres: Tensor, *, strictness: float) -> Tensor:
    """Return each bin's weight: the rank of its cluster, 0 to 1, to the power of `strictness`.

    Parameters
    ----------
    states : (steps, batch, targets, columns, bins), magnitudes after each step
    centres : (targets, clusters, steps), ranked

    Returns
    -------
    (batch, targets, columns, bins)
    """
    import torch

    targets, clusters, steps = centres.shape
    curves = shapes_of(states).transpose(0, 1)  # (targets, batch, columns, bins, steps)
    distances = torch.cdist(curves.reshape(targets, -1, steps), centres)
    # Of equal centres the last counts: it is the repeated highest one.
    rank = clusters - 1 - distances.flip(-1).argmin(dim=-1)
    weights = torch.linspace(0, 1, clusters, dtype=states.dtype, device=states.device)
    weighed = (weights**strictness)[rank]
    return weighed.reshape(targets, *curves.shape[1:-1]).transpose(0, 1)
