"""PSD-SIR: whose power an estimate has, band by band, without asking for phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.mel import mel_filters
from carnatic_sep.metrics.spectra import Grid, as_channels, ratio_db

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BANDS = 32


class BandPowers:
    """Power over time of stems in 32 mel bands, to explain an estimate's power by.

    In each band the estimate's power over time is fitted with those of the stems, times gains that
    are not negative (least squares). What a stem's part adds up to is its power in the estimate.
    Neither phase nor reverberation matters, so that models which mask or synthesise are judged by
    the same measure.

    Parameters
    ----------
    stems : (stems, frames) or (stems, channels, frames); channels are added
    sample_rate : Hz

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.spectra.as_channels`.
    """

    def __init__(self, stems: ArrayLike, *, sample_rate: int) -> None:
        self._stems = as_channels(stems, name="stems", leading=1)
        self._grid = Grid.for_rate(sample_rate)
        bins = mel_filters(sample_rate=sample_rate, n_fft=self._grid.n_fft, bands=_BANDS)
        self._filters = bins.T

    def shares(self, estimates: ArrayLike) -> NDArray[np.float64]:
        """Return the power that each stem has in each estimate.

        Parameters
        ----------
        estimates : (estimates, frames) or (estimates, channels, frames)

        Returns
        -------
        (estimates, stems), of arbitrary scale

        Raises
        ------
        ValueError
            They are not as long as the stems, or have other channels, or are not finite.
        """
        from scipy.optimize import nnls

        signals = as_channels(estimates, name="estimates", leading=1)
        if signals.shape[1:] != self._stems.shape[1:]:
            raise ValueError(
                f"estimates have shape {signals.shape} but stems have shape {self._stems.shape}"
            )
        count = len(self._stems)
        frames = self._stems.shape[-1]
        gram = np.zeros((_BANDS, count, count))
        products = np.zeros((_BANDS, count, len(signals)))
        sums = np.zeros((_BANDS, count))
        for first, columns in self._grid.chunks(frames):
            stems = self._powers(self._stems, first, columns)
            targets = self._powers(signals, first, columns)
            gram += np.einsum("itb,jtb->bij", stems, stems, optimize=True)
            products += np.einsum("itb,jtb->bij", stems, targets, optimize=True)
            sums += stems.sum(axis=1).T
        found = np.zeros((len(signals), count))
        for band in range(_BANDS):
            scale = np.sqrt(np.maximum(np.diag(gram[band]), 0.0))
            heard = scale > 0.0
            if not heard.any():
                continue
            kept = scale[heard]
            # Least squares from the normal equations: |L' x - L^-1 d| has the same minimum.
            correlation = gram[band][np.ix_(heard, heard)] / np.outer(kept, kept)
            factor = np.linalg.cholesky(correlation + 1e-9 * np.eye(len(kept)))
            wanted = np.linalg.solve(factor, products[band][heard] / kept[:, None])
            for estimate in range(len(signals)):
                gains, _ = nnls(factor.T, wanted[:, estimate])
                found[estimate, heard] += gains / kept * sums[band][heard]
        return found

    def _powers(
        self, signals: NDArray[np.floating], first: int, columns: int
    ) -> NDArray[np.float64]:
        spectra = self._grid.read(signals, first, columns)
        power = np.sum(spectra.real**2 + spectra.imag**2, axis=1)
        return np.asarray(power @ self._filters, dtype=np.float64)


def psd_sir(cleaned: ArrayLike, estimate: ArrayLike, index: int, *, sample_rate: int) -> float:
    """Return the power of stem `index` in the estimate against that of all other stems, in dB.

    Parameters
    ----------
    cleaned : (stems, frames) or (stems, channels, frames), references after bleed was removed
    estimate : (frames,) or (channels, frames), of stem `index`
    index : which stem the estimate should be
    sample_rate : Hz

    Returns
    -------
    dB, higher is better; +inf where nothing of the others is found, -inf where only others are,
    NaN for a silent estimate or silent stems

    Raises
    ------
    ValueError
        Shapes that do not fit, samples that are not finite.

    Source: this project's research on metrics under bleed; see the reference page.
    """
    shares = BandPowers(cleaned, sample_rate=sample_rate).shares(np.asarray(estimate)[None])[0]
    return share_db(shares, index)


def share_db(shares: NDArray[np.float64], index: int) -> float:
    """Return one stem's share against the sum of the others', in dB; shares is (stems,)."""
    own = float(shares[index])
    return ratio_db(own, float(np.sum(np.delete(shares, index))))
