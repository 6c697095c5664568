"""Make stems sum to their mixture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError
from carnatic_sep.separation.checks import is_number
from carnatic_sep.stems import OTHER, canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor


def mixture_consistency(stems: Tensor, mixture: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Project stem estimates onto the set that sums to the mixture.

    Parameters
    ----------
    stems : (batch, stems, channels, frames)
    mixture : (batch, channels, frames)
    weights : (stems,), share of the residual each stem takes; equal shares if None

    Returns
    -------
    (batch, stems, channels, frames); sums over stems to `mixture` within float rounding.

    Source: Wisdom et al., "Differentiable Consistency Constraints", ICASSP 2019.
    """
    import torch

    count = stems.shape[1]
    if weights is None:
        weights = torch.full((count,), 1.0 / count, dtype=stems.dtype, device=stems.device)
    residual = mixture - stems.sum(dim=1)
    return stems + weights.reshape(1, count, 1, 1) * residual.unsqueeze(1)


def share_residual(
    stems: NDArray[np.float32], mixture: NDArray[np.float32], shares: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Do what :func:`mixture_consistency` does, for one block in NumPy.

    Parameters
    ----------
    stems : (stems, channels, frames)
    mixture : (channels, frames)
    shares : (stems,), sums to one

    Returns
    -------
    (stems, channels, frames)
    """
    residual = mixture - stems.sum(axis=0)
    consistent: NDArray[np.float32] = stems + shares[:, None, None] * residual
    return consistent


def shares_of(names: Sequence[str], shares: Mapping[str, float] | None) -> NDArray[np.float32]:
    """Return the share of the residual for each of `names`, summing to one; equal by default.

    Raises
    ------
    UsageError
        A share for a stem that is not there, a negative share, or nothing to share by.
    """
    if shares is None:
        return np.full(len(names), 1.0 / len(names), dtype=np.float32)
    if not isinstance(shares, Mapping):
        raise UsageError(f"residual shares {shares!r}: give stems and numbers, {{'other': 1.0}}")
    given = {canonical(name, names): share for name, share in shares.items()}
    numbers = all(is_number(share) for share in given.values())
    total = sum(given.values()) if numbers else 0.0
    if not numbers or min(given.values(), default=0.0) < 0 or not 0 < total < float("inf"):
        raise UsageError(
            f"residual shares {dict(shares)}: give numbers from 0 up, not all of them 0"
        )
    return np.array([given.get(name, 0.0) / total for name in names], dtype=np.float32)


def out_of_band_shares(names: Sequence[str], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return who takes what lies outside the model's band: `other`, or all by their `shares`."""
    if OTHER not in names:
        return shares
    return np.array([float(name == OTHER) for name in names], dtype=np.float32)
