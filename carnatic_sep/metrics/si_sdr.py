"""Scale-invariant signal-to-distortion ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.sdr import validate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_ROUNDING = 1e-28
"""What float64 leaves of an exact multiple, relative to it: no distortion."""


def si_sdr(reference: ArrayLike, estimate: ArrayLike) -> float:
    """Return the SDR in dB after the reference was scaled to fit the estimate best.

    ``10 log10(|a s|^2 / |a s - e|^2)`` with ``a = <e, s> / <s, s>``; the mean is not taken out.

    Parameters
    ----------
    reference : (channels, frames) or (frames,), the true stem
    estimate : like `reference`; one scale serves all channels

    Returns
    -------
    dB, higher is better, -inf to +inf. +inf for an estimate that is the reference times any
    number but zero; -inf for a silent estimate and for one that has nothing of the reference; NaN
    for a silent reference, which has no direction to project on.

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.sdr.validate`.

    Source: Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019.

    >>> round(si_sdr([1.0, 1.0], [2.0, 1.0]), 2)
    9.54
    """
    validate(reference, estimate)
    ref = np.asarray(reference, dtype=np.float64).ravel()
    est = np.asarray(estimate, dtype=np.float64).ravel()
    energy = float(ref @ ref)
    if energy == 0.0:
        return float("nan")
    target = ref * (float(est @ ref) / energy)
    signal = float(np.sum(target**2))
    distortion = float(np.sum((target - est) ** 2))
    if distortion <= signal * _ROUNDING:
        return float("inf") if signal > 0.0 else float("-inf")
    if signal == 0.0:
        return float("-inf")
    return 10.0 * float(np.log10(signal / distortion))
