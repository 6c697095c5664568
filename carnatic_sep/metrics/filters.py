"""BSSEval's projections over the whole track, by quadratic forms: no filter is ever applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.projection import Energies
from carnatic_sep.metrics.spectra import as_channels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_TRANSFORM = 16384


class FilterProjection:
    """Projections on stems delayed by 0 to `taps` - 1 frames, as BSSEval (images) defines them.

    With ``G`` the correlations of the delayed stems and ``d`` those of an estimate with them, the
    energy that the stems explain is ``d' G^-1 d``: G is factored once, an estimate costs a few
    correlations. All channels of a stem serve all channels of the estimate.

    Parameters
    ----------
    stems : (stems, frames) or (stems, channels, frames)
    taps : length of the distortion filters in frames
    ridge : added to the diagonal, relative to its mean; what keeps stems without treble tame

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.spectra.as_channels`.

    Source: Vincent, Gribonval and Févotte, "Performance measurement in blind audio source
    separation", TASLP 2006; equals museval with one window over the whole track.
    """

    def __init__(self, stems: ArrayLike, *, taps: int = 512, ridge: float = 1e-9) -> None:
        from scipy.linalg import cho_factor, toeplitz

        signals = as_channels(stems, name="stems", leading=1)
        self._shape = signals.shape
        self._rows = signals.reshape(-1, signals.shape[-1])
        self._taps = taps
        lags = _correlate(self._rows, self._rows, taps)
        count = len(self._rows)
        blocks = np.empty((count, taps, count, taps))
        for i in range(count):
            for j in range(count):
                # <s_i(t - a), s_j(t - b)> = c_ij[a - b], and lag k lies at taps - 1 + k.
                c = lags[i, j]
                blocks[i, :, j, :] = toeplitz(c[taps - 1 :], c[taps - 1 :: -1])
        gram = blocks.reshape(count * taps, count * taps)
        mean = float(np.trace(gram)) / len(gram)
        gram[np.diag_indices_from(gram)] += ridge * mean + np.finfo(np.float64).tiny
        channels = self._shape[1] * taps
        self._every = cho_factor(gram)
        self._own = [
            cho_factor(gram[at : at + channels, at : at + channels])
            for at in range(0, len(gram), channels)
        ]

    def energies(self, estimates: ArrayLike) -> Energies:
        """Project `estimates`, (estimates, frames) or (estimates, channels, frames).

        Raises
        ------
        ValueError
            They are not as long as the stems, or have other channels, or are not finite.
        """
        from scipy.linalg import cho_solve

        signals = as_channels(estimates, name="estimates", leading=1)
        if signals.shape[1:] != self._shape[1:]:
            raise ValueError(
                f"estimates have shape {signals.shape} but stems have shape {self._shape}"
            )
        count, channels, frames = signals.shape
        rows = signals.reshape(-1, frames)
        # (stem rows, estimate rows, taps) -> (stem rows * taps, estimate rows)
        products = _correlate(self._rows, rows, self._taps)[:, :, self._taps - 1 :]
        products = products.transpose(0, 2, 1).reshape(-1, len(rows))
        total = np.array([_energy(signal) for signal in signals])

        def explained(factor: tuple[NDArray[np.float64], bool], part: slice) -> NDArray[np.float64]:
            d = products[part]
            energy = np.sum(d * cho_solve(factor, d), axis=0).reshape(count, channels)
            return np.asarray(energy.sum(axis=1))

        size = channels * self._taps
        own = np.stack(
            [
                explained(factor, slice(stem * size, (stem + 1) * size))
                for stem, factor in enumerate(self._own)
            ],
            axis=1,
        )
        own = np.maximum(own, 0.0)
        every = np.maximum(explained(self._every, slice(None)), own.max(axis=1))
        determined = frames > len(self._rows) * self._taps
        return Energies(own, np.minimum(every, total), total, determined)


def _energy(signal: NDArray[np.floating]) -> float:
    return float(np.sum(np.square(signal, dtype=np.float64)))


def _correlate(
    left: NDArray[np.floating], right: NDArray[np.floating], taps: int
) -> NDArray[np.float64]:
    """``sum_t left_i[t] right_j[t + k]`` for k = 1 - taps .. taps - 1, block by block.

    Parameters
    ----------
    left : (n, frames)
    right : (m, frames)

    Returns
    -------
    (n, m, 2 * taps - 1)
    """
    import scipy.fft

    frames = left.shape[-1]
    transform = max(_TRANSFORM, 4 * taps)
    step = transform - 2 * (taps - 1)
    cross = np.zeros((len(left), len(right), transform // 2 + 1), dtype=np.complex128)
    for start in range(0, frames, step):
        a = scipy.fft.rfft(left[:, start : start + step].astype(np.float64), transform)
        begin = start - (taps - 1)
        part = right[:, max(begin, 0) : start + step + taps - 1].astype(np.float64)
        part = np.pad(part, ((0, 0), (max(-begin, 0), 0)))
        b = scipy.fft.rfft(part, transform)
        cross += a.conj()[:, None] * b[None]
    lags = scipy.fft.irfft(cross, transform)
    return np.asarray(lags[..., : 2 * taps - 1])
