"""LW-SDR: a recorded stem is believed where it is alone; where it is absent, silence is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.spectra import Grid, as_channels, ratio_db

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ALONE = 0.9
_ABSENT = 0.1


def lw_sdr(
    recorded: ArrayLike, cleaned: ArrayLike, estimate: ArrayLike, *, sample_rate: int
) -> float:
    """Return the leakage-weighted SDR in dB.

    The target's share of each bin of the recorded stem is ``|C|^2 / |X|^2``, at most 1, averaged
    over 3 by 3 bins. Where it is above 0.9 the recorded stem is the target, and the estimate is
    compared with it; where it is below 0.1 the target is absent, and all that the estimate has is
    leakage; other bins are left out::

        10 log10( sum_alone |X|^2 / (sum_alone |X - E|^2 + sum_absent |E|^2) )

    The cleaned stem only says which bins to trust, so that this checks the cleaner too.

    Parameters
    ----------
    recorded : (frames,) or (channels, frames), the stem as recorded, bleed and all
    cleaned : like `recorded`, the stem after bleed was removed
    estimate : like `recorded`
    sample_rate : Hz

    Returns
    -------
    dB, higher is better; 0 for a silent estimate; NaN where the target is nowhere alone

    Raises
    ------
    ValueError
        Shapes that differ, samples that are not finite.

    Source: this project's research on metrics under bleed; see the reference page.
    """
    return float(
        lw_sdr_many(recorded, cleaned, np.asarray(estimate)[None], sample_rate=sample_rate)[0]
    )


def lw_sdr_many(
    recorded: ArrayLike, cleaned: ArrayLike, estimates: ArrayLike, *, sample_rate: int
) -> NDArray[np.float64]:
    """Return :func:`lw_sdr` of several estimates of one stem, (estimates,).

    Parameters
    ----------
    estimates : (estimates, frames) or (estimates, channels, frames)
    """
    x = as_channels(recorded, name="recorded stem")
    c = as_channels(cleaned, name="cleaned stem")
    e = as_channels(estimates, name="estimates", leading=1)
    if x.shape != c.shape or e.shape[1:] != x.shape:
        raise ValueError(
            f"recorded {x.shape}, cleaned {c.shape} and estimates {e.shape} must have one length "
            "and one number of channels"
        )
    grid = Grid.for_rate(sample_rate)
    wanted, wrong = 0.0, np.zeros(len(e))
    for first, count in grid.chunks(x.shape[-1]):
        # One column more on each side for the averaging.
        share = _share(grid.read(x, first - 1, count + 2), grid.read(c, first - 1, count + 2))
        alone, absent = share > _ALONE, share < _ABSENT
        spectrum = grid.read(x, first, count)
        wanted += _energy(spectrum[alone])
        for index, signal in enumerate(e):
            guess = grid.read(signal, first, count)
            wrong[index] += _energy((spectrum - guess)[alone]) + _energy(guess[absent])
    return np.array([ratio_db(wanted, value) if wanted > 0.0 else np.nan for value in wrong])


def _energy(bins: NDArray[np.complex64]) -> float:
    return float(np.sum(bins.real**2, dtype=np.float64) + np.sum(bins.imag**2, dtype=np.float64))


def _share(x: NDArray[np.complex64], c: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Target's share of each bin, (channels, columns, bins), without the first and last column."""
    from scipy.ndimage import uniform_filter

    recorded = x.real**2 + x.imag**2
    target = c.real**2 + c.imag**2
    share = np.divide(
        np.minimum(target, recorded), recorded, out=np.zeros_like(recorded), where=recorded > 0.0
    )
    smooth = uniform_filter(share, size=(1, 3, 3), mode="nearest")
    return np.asarray(smooth[:, 1:-1])
