"""Time-delayed melody surfaces: where a melody goes, not only where it dwells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AnalysisError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.analysis.pitch import PitchTrack

BINS = 120
_DELAY_SECONDS, _COMPRESSION, _SMOOTH_BINS = 0.3, 0.75, 2.0
_LEAST_SECONDS = 1.0


def melody_surface(
    pitch: PitchTrack, tonic_hz: float, *, delay_seconds: float = _DELAY_SECONDS
) -> NDArray[np.float64]:
    """Count pairs of heights that follow one another at a delay.

    Parameters
    ----------
    pitch : the melody
    tonic_hz : Sa
    delay_seconds : between the two

    Returns
    -------
    (120, 120), sums to 1: height now (rows) and height after the delay (columns), 10 cents a bin,
    octaves folded, compressed by a power of 0.75 and smoothed by a Gaussian of 2 bins

    Raises
    ------
    AnalysisError
        Less than a second's worth of pairs are voiced, or the delay is shorter than a hop.

    Source: Gulati, Serrà, Ganguli, Şentürk and Serra, "Time-delayed melody surfaces for rāga
    recognition", ISMIR 2016, with its best delay, compression and smoothing.
    """
    from scipy.ndimage import gaussian_filter

    delay = round(delay_seconds / pitch.hop_seconds)
    if delay < 1:
        raise AnalysisError(f"a delay of {delay_seconds} s is shorter than the melody's hop")
    cents = pitch.cents(tonic_hz)
    now, later = cents[:-delay], cents[delay:]
    both = np.isfinite(now) & np.isfinite(later)
    if both.sum() * pitch.hop_seconds < _LEAST_SECONDS:
        raise AnalysisError("too little of the melody is voiced for a surface")
    rows, columns = (
        np.round(each[both] / (1200.0 / BINS)).astype(np.int64) % BINS for each in (now, later)
    )
    counts = np.zeros((BINS, BINS))
    np.add.at(counts, (rows, columns), 1.0)
    surface = (counts / counts.max()) ** _COMPRESSION
    surface = gaussian_filter(surface, _SMOOTH_BINS, mode="wrap")
    return np.asarray(surface / surface.sum())
