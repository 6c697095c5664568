"""The joint subband FIR canceller: subtract what a filter can predict from the other microphones.

In every bin, a microphone is fitted by echoes of the others' purified spectra and, beside them, by
its own: columns where its own source is quiet count most (weights of one over the source's power,
as in weighted prediction error dereverberation, Nakatani et al., IEEE TASLP 18(7), 2010). The
filters on the others are subtracted; those on the target only keep the fit from explaining the
target by its residue in the regressors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_COLUMNS = 512
"""Columns whose regressors are in memory at once."""


@dataclass(frozen=True)
class Taps:
    """Which lags of the regressors take part.

    Attributes
    ----------
    echo : lags of an interferer from 0 up
    early : lags of an interferer below 0
    target : lags of the target, centred on 0; odd
    """

    echo: int
    early: int
    target: int

    @property
    def lags(self) -> range:
        """Lags in the stack of regressors, for every source alike."""
        half = self.target // 2
        return range(-max(self.early, half), max(self.echo, half + 1))

    def rows(self, target: int, related: Tensor) -> tuple[list[int], int]:
        """Return rows of the stack in the fit of `target`, interferers first, and their count."""
        width = len(self.lags)
        first = self.lags.start
        others = [
            source * width + lag - first
            for source in range(related.shape[0])
            if not related[target, source]
            for lag in range(-self.early, self.echo)
        ]
        half = self.target // 2
        own = [target * width + lag - first for lag in range(-half, half + 1)]
        return others + own, len(others)


def stack(regressors: Tensor, taps: Taps, start: int, stop: int) -> Tensor:
    """Return delayed copies of the regressors for columns start..stop.

    Parameters
    ----------
    regressors : (bins, microphones, ..., columns)

    Returns
    -------
    (bins, microphones * lags, ..., stop - start); row j * lags + k holds source j, k columns later
    than the first of `taps.lags`; zero beyond the ends
    """
    bins, count, *inner, columns = regressors.shape
    width = len(taps.lags)
    out = regressors.new_zeros(bins, count, width, *inner, stop - start)
    for row, lag in enumerate(taps.lags):
        low, high = max(start - lag, 0), min(stop - lag, columns)
        if low < high:
            delayed = regressors[..., low:high]
            out[:, :, row, ..., low + lag - start : high + lag - start] = delayed
    return out.flatten(1, 2)


@dataclass
class Statistics:
    """Weighted correlations for one block of bins, one matrix a target, summed over columns.

    Each matrix is (bins, rows + 1, rows + 1): those of the regressors in `Taps.rows`, and last the
    microphone itself.
    """

    matrices: list[Tensor]


def accumulate(
    spectra: Tensor, regressors: Tensor, weights: Tensor, taps: Taps, related: Tensor
) -> Statistics:
    """Sum the statistics of all columns.

    Parameters
    ----------
    spectra, regressors : (bins, microphones, columns), complex
    weights : like them, real: how much a column counts in the fit of a microphone
    related : (microphones, microphones), see `quantile.leakage_gains`
    """
    import torch

    bins, count, columns = spectra.shape
    plan = [taps.rows(target, related)[0] for target in range(count)]
    real = [weights.new_zeros(bins, len(rows) + 1, len(rows) + 1) for rows in plan]
    across = [torch.zeros_like(one) for one in real]
    roots = weights.sqrt()
    heard, purified = _parts(spectra), _parts(regressors)
    longest = max(len(rows) for rows in plan) + 1
    room = weights.new_empty(bins * longest * 2 * min(CHUNK_COLUMNS, columns))
    for start in range(0, columns, CHUNK_COLUMNS):
        stop = min(start + CHUNK_COLUMNS, columns)
        delayed = stack(purified, taps, start, stop)
        for target, rows in enumerate(plan):
            shape = bins, len(rows) + 1, 2, stop - start
            fitted = room[: bins * shape[1] * 2 * shape[3]].view(shape)
            root = roots[:, target, None, None, start:stop]
            at = 0
            for run in _runs(rows):
                torch.mul(delayed[:, run], root, out=fitted[:, at : at + run.stop - run.start])
                at += run.stop - run.start
            torch.mul(heard[:, target, :, start:stop], root[:, 0], out=fitted[:, at])
            both = fitted.flatten(2)
            real[target].baddbmm_(both, both.mT)
            across[target].baddbmm_(fitted[:, :, 1], fitted[:, :, 0].mT)
    return Statistics([torch.complex(a, b - b.mT) for a, b in zip(real, across, strict=True)])


def _parts(spectra: Tensor) -> Tensor:
    """Return real and imaginary parts, (bins, microphones, 2, columns).

    Correlations of such rows take less time than complex ones: what is symmetric is summed once.
    """
    import torch

    return torch.stack([spectra.real, spectra.imag], 2)


def _runs(rows: list[int]) -> list[slice]:
    """Return `rows` as stretches without gaps."""
    cuts = [k for k in range(1, len(rows)) if rows[k] != rows[k - 1] + 1]
    edges = pairwise([0, *cuts, len(rows)])
    return [slice(rows[low], rows[high - 1] + 1) for low, high in edges]


def solve(matrix: Tensor, *, ridge: float) -> Tensor:
    """Return the filters of one target: (bins, rows), complex.

    They minimise the weighted error of ``microphone - filters @ regressors``. Bins that are silent
    or cannot be solved get zeros.
    """
    import torch

    gram, cross = matrix[:, :-1, :-1], matrix[:, -1:, :-1]
    diagonal = torch.diagonal(gram, dim1=1, dim2=2).real
    loading = ridge * diagonal + 1e-6 * ridge * diagonal.mean(-1, keepdim=True) + 1e-30
    root = loading.add(diagonal).rsqrt()  # to unit diagonal: what is quiet must not be lost
    scaled = gram * root[:, :, None] * root[:, None, :]
    scaled = scaled + torch.diag_embed((loading * root * root).to(gram.dtype))
    factor, failed = torch.linalg.cholesky_ex(scaled)
    right = (cross * root[:, None, :]).mH
    filters = torch.cholesky_solve(right, factor)[..., 0].conj() * root
    dead = (failed != 0) | ~torch.isfinite(filters.real).all(-1) | (diagonal.sum(-1) <= 0)
    return filters.masked_fill(dead[:, None], 0.0)


def residual(matrix: Tensor, filters: Tensor) -> Tensor:
    """Return the weighted error (bins,) that `filters` leave under these statistics."""
    gram, cross = matrix[:, :-1, :-1], matrix[:, -1, :-1]
    energy = matrix[:, -1, -1].real
    through = (filters[:, None] @ gram)[:, 0]
    return (
        energy
        - 2.0 * (cross.conj() * filters).sum(-1).real
        + (through * filters.conj()).sum(-1).real
    )


def subtract(
    spectra: Tensor, regressors: Tensor, filters: list[Tensor], taps: Taps, related: Tensor
) -> Tensor:
    """Return `spectra` less the interferers' part of the fit; shapes as in :func:`accumulate`."""
    bins, count, columns = spectra.shape
    width = count * len(taps.lags)
    combined = spectra.new_zeros(bins, count, width)
    for target in range(count):
        rows, others = taps.rows(target, related)
        combined[:, target, rows[:others]] = filters[target][:, :others]
    out = spectra.clone()
    for start in range(0, columns, CHUNK_COLUMNS):
        stop = min(start + CHUNK_COLUMNS, columns)
        out[..., start:stop].baddbmm_(combined, stack(regressors, taps, start, stop), alpha=-1)
    return out


def power_gains(filters: list[Tensor], taps: Taps, related: Tensor) -> Tensor:
    """Return the power that filters pass from each source into each target, (bins, into, from)."""
    count = len(filters)
    width = taps.early + taps.echo
    out = filters[0].real.new_zeros(len(filters[0]), count, count)
    for target, found in enumerate(filters):
        sources = [source for source in range(count) if not related[target, source]]
        power = found[:, : len(sources) * width].abs().square()
        out[:, target, sources] = power.reshape(len(power), len(sources), width).sum(-1)
    return out
