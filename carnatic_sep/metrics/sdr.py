"""Global signal-to-distortion ratio: one number over all samples and channels of a track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def validate(reference: ArrayLike, estimate: ArrayLike) -> None:
    """Check that two signals can be compared.

    Raises
    ------
    ValueError
        Shapes that differ, empty signals, or samples that are not finite; the message gives the
        shapes.
    """
    ref, est = np.asarray(reference), np.asarray(estimate)
    if ref.shape != est.shape:
        raise ValueError(f"reference has shape {ref.shape} but estimate has shape {est.shape}")
    if ref.size == 0:
        raise ValueError(f"nothing to compare: reference and estimate have shape {ref.shape}")
    for name, signal in (("reference", ref), ("estimate", est)):
        if not np.all(np.isfinite(signal)):
            raise ValueError(f"{name} of shape {signal.shape} holds NaN or infinite samples")


def sdr(reference: ArrayLike, estimate: ArrayLike) -> float:
    """Return ``10 log10(sum(reference^2) / sum((reference - estimate)^2))`` in dB.

    Parameters
    ----------
    reference : (channels, frames) or (frames,), the true stem
    estimate : like `reference`

    Returns
    -------
    dB; +inf for a perfect estimate. A silent reference has no signal to speak of: -inf whatever
    sound the estimate makes, NaN if that is silent too, so that means must leave it out.

    Raises
    ------
    ValueError
        See :func:`validate`.

    Source: the metric of the Sound Demixing Challenge (Fabbro et al., 2023), there computed
    per song with a small constant in both sums, here without.

    >>> round(sdr([1.0, 1.0], [1.0, 0.9]), 2)
    23.01
    """
    validate(reference, estimate)
    ref = np.asarray(reference, dtype=np.float64)
    signal = float(np.sum(ref**2))
    distortion = float(np.sum((ref - np.asarray(estimate, dtype=np.float64)) ** 2))
    if distortion == 0.0:
        return float("inf") if signal > 0.0 else float("nan")
    if signal == 0.0:
        return float("-inf")
    return 10.0 * float(np.log10(signal / distortion))


MDX_DELTA = 1e-7


def usdr(reference: ArrayLike, estimate: ArrayLike, *, delta: float = MDX_DELTA) -> float:
    """Return ``10 log10((sum(s^2) + delta) / (sum((s - e)^2) + delta))`` in dB.

    The song's SDR of the music demixing challenges: called uSDR there, nSDR in Demucs. The small
    constant makes it finite on silence and on perfection.

    Parameters
    ----------
    reference : (channels, frames) or (frames,), the true stem
    estimate : like `reference`
    delta : constant in both sums; 1e-7 in the challenges

    Returns
    -------
    dB, higher is better; silence that is estimated as silence is 0 dB

    Raises
    ------
    ValueError
        See :func:`validate`; a `delta` that is not positive.

    Source: Mitsufuji et al., "Music Demixing Challenge 2021", Frontiers in Signal Processing, 2022.

    >>> usdr([0.0, 0.0], [0.0, 0.0])
    0.0
    """
    validate(reference, estimate)
    if not delta > 0.0:
        raise ValueError(f"delta must be positive, not {delta}")
    ref = np.asarray(reference, dtype=np.float64)
    distortion = ref - np.asarray(estimate, dtype=np.float64)
    return 10.0 * float(np.log10((np.sum(ref**2) + delta) / (np.sum(distortion**2) + delta)))
