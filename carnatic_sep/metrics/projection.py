"""What an estimate is made of: its projection on a stem, and on all stems, with room for echoes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.spectra import Grid, as_channels, ratio_db

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BLOCK_BINS = 64


@dataclass(frozen=True)
class Energies:
    """Energy of estimates, split by projection.

    Attributes
    ----------
    own : (estimates, stems), explained by each stem alone
    every : (estimates,), explained by all stems together
    total : (estimates,), all of it
    determined : False for signals so short that there are no more samples than filter taps: then
        everything can be explained, and the ratios are NaN
    """

    own: NDArray[np.float64]
    every: NDArray[np.float64]
    total: NDArray[np.float64]
    determined: bool = True

    def sir_db(self, estimate: int, stem: int) -> float:
        """What `stem` explains against what only the others explain, in dB."""
        if not self.determined:
            return float("nan")
        own = float(self.own[estimate, stem])
        return ratio_db(own, max(float(self.every[estimate]) - own, 0.0))

    def sar_db(self, estimate: int) -> float:
        """What the stems explain against what none of them does, in dB."""
        if not self.determined:
            return float("nan")
        every = float(self.every[estimate])
        return ratio_db(every, max(float(self.total[estimate]) - every, 0.0))


class SubbandProjection:
    """Projections in each frequency bin on the stems' spectra, delayed by some columns.

    A room that smears a stem over `past` columns (0.18 s) is so explained by the stem; each bin
    has filters of its own. Channels are projected on the same channel of the stems; their energies
    are added.

    Parameters
    ----------
    stems : (stems, frames) or (stems, channels, frames)
    sample_rate : Hz
    past, ahead : columns of 16 ms by which a stem may come earlier and later
    ridge : added to the diagonal, relative to its mean

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.spectra.as_channels`.
    """

    def __init__(
        self,
        stems: ArrayLike,
        *,
        sample_rate: int,
        past: int = 11,
        ahead: int = 1,
        ridge: float = 1e-5,
    ) -> None:
        self._stems = as_channels(stems, name="stems", leading=1)
        self._grid = Grid.for_rate(sample_rate)
        self._past, self._ahead = past, ahead
        self._taps = past + ahead + 1
        count, channels, frames = self._stems.shape
        size = count * self._taps
        gram = np.zeros((channels, self._grid.bins, size, size), dtype=np.complex128)
        for first, columns in self._grid.chunks(frames):
            spectra = self._spectra(first, columns)
            for channel in range(channels):
                for bins in self._blocks():
                    rows = self._rows(spectra[:, channel, :, bins], columns)
                    gram[channel, bins] += rows @ rows.conj().swapaxes(1, 2)
        mean = np.einsum("cfii->cf", gram).real / size
        floor = 1e-12 * mean.max() + np.finfo(np.float64).tiny
        gram += (ridge * mean + floor)[..., None, None] * np.eye(size)
        self._gram = gram

    def energies(self, estimates: ArrayLike) -> Energies:
        """Project `estimates`, (estimates, frames) or (estimates, channels, frames).

        Raises
        ------
        ValueError
            They are not as long as the stems, or have other channels, or are not finite.
        """
        signals = as_channels(estimates, name="estimates", leading=1)
        if signals.shape[1:] != self._stems.shape[1:]:
            raise ValueError(
                f"estimates have shape {signals.shape} but stems have shape {self._stems.shape}"
            )
        stems, channels, frames = self._stems.shape
        size = stems * self._taps
        products = np.zeros((channels, self._grid.bins, size, len(signals)), dtype=np.complex128)
        total = np.zeros(len(signals))
        for first, columns in self._grid.chunks(frames):
            spectra = self._spectra(first, columns)
            targets = self._grid.read(signals, first, columns)
            total += np.sum(np.abs(targets, dtype=np.float64) ** 2, axis=(1, 2, 3))
            for channel in range(channels):
                for bins in self._blocks():
                    rows = self._rows(spectra[:, channel, :, bins], columns)
                    wanted = targets[:, channel, :, bins].transpose(2, 1, 0)
                    products[channel, bins] += rows @ wanted.conj()
        own = np.empty((len(signals), stems))
        for stem in range(stems):
            taps = slice(stem * self._taps, (stem + 1) * self._taps)
            own[:, stem] = _explained(self._gram[:, :, taps, taps], products[:, :, taps])
        every = np.maximum(_explained(self._gram, products), own.max(axis=1))
        determined = self._grid.columns(frames) > size
        return Energies(own, np.minimum(every, total), total, determined)

    def _blocks(self) -> list[slice]:
        bins = self._grid.bins
        return [slice(at, min(at + _BLOCK_BINS, bins)) for at in range(0, bins, _BLOCK_BINS)]

    def _spectra(self, first: int, columns: int) -> NDArray[np.complex64]:
        context = self._past + self._ahead
        return self._grid.read(self._stems, first - self._past, columns + context)

    def _rows(self, spectra: NDArray[np.complex64], columns: int) -> NDArray[np.complex64]:
        """(stems, columns + context, bins) -> (bins, stems * taps, columns), one row a delay."""
        stems, _, bins = spectra.shape
        rows = np.empty((bins, stems * self._taps, columns), dtype=np.complex64)
        for stem in range(stems):
            for tap in range(self._taps):
                part = spectra[stem, tap : tap + columns]
                rows[:, stem * self._taps + tap] = part.T
        return rows


def _explained(
    gram: NDArray[np.complex128], products: NDArray[np.complex128]
) -> NDArray[np.float64]:
    """``sum over bins of d^H G^-1 d`` for each estimate; gram (..., n, n), products (..., n, k)."""
    solved = np.linalg.solve(gram, products)
    explained: NDArray[np.float64] = np.einsum("cfnk,cfnk->k", products.conj(), solved).real
    return np.maximum(explained, 0.0)
