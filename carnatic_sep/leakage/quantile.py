"""How much of one microphone's power arrives in another, bin by bin, without annotations.

Where source j is loud, the power of microphone i cannot be less than what j leaks into it, and
comes down to that whenever i's own source rests. A low quantile over time of the power ratio,
taken where j is loud, is therefore the leakage. The idea of "dominant bins" is that of Kokkinis,
Reiss and Mourjopoulos (IEEE TASLP 20(3), 2012).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

HIGHEST_GAIN = 0.7
"""Power ratio above which two microphones would be one."""

_LOUD_SHARE = 0.3
_COLUMNS, _BINS = 5, 5
_TINY = 1e-12


def leakage_ratios(power: Tensor, *, related: Tensor, quantile: float) -> Tensor:
    """Return the power gain from each source's microphone into every other one, bin by bin.

    Parameters
    ----------
    power : (bins, microphones, columns), squared magnitudes
    related : (microphones, microphones), true where two stand at one source (a microphone is
        related to itself); those leak nothing into each other
    quantile : over time, of the ratio

    Returns
    -------
    (bins, into, from): 0 where related
    """
    import torch

    pooled = torch.nn.functional.avg_pool1d(
        power, _COLUMNS, 1, _COLUMNS // 2, count_include_pad=False
    )
    bins, count, columns = pooled.shape
    loud = max(1, round(_LOUD_SHARE * columns))
    rank = max(1, min(loud, round(quantile * (loud - 1)) + 1))
    gains = pooled.new_zeros(bins, count, count)
    for source in range(count):
        top = torch.topk(pooled[:, source], loud, dim=-1, sorted=False)
        for into in range(count):
            if related[into, source]:
                continue
            ratio = pooled[:, into].gather(1, top.indices) / (top.values + _TINY)
            gains[:, into, source] = torch.kthvalue(ratio, rank, dim=-1).values
    return gains


def smooth_gains(ratios: Tensor, *, related: Tensor) -> Tensor:
    """Return ratios (bins, into, from), their logarithms averaged over five bins and capped."""
    import torch

    bins, count, _ = ratios.shape
    logs = torch.log(ratios + 1e-6).permute(1, 2, 0).reshape(count * count, 1, bins)
    smooth = torch.nn.functional.avg_pool1d(logs, _BINS, 1, _BINS // 2, count_include_pad=False)
    smooth = smooth.exp().reshape(count, count, bins).permute(2, 0, 1).clamp(max=HIGHEST_GAIN)
    return smooth.masked_fill(related, 0.0).contiguous()
