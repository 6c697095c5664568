"""Where a melody dwells over the tonic, and the svaras that it dwells on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.raga import CENTS
from carnatic_sep.errors import AnalysisError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.analysis.pitch import PitchTrack

    Row = NDArray[np.float64]

STEP_CENTS = 10.0
LOWEST_CENTS, HIGHEST_CENTS = -1200.0, 2400.0
_SMOOTH_CENTS = 15.0
_LEAST_SHARE = 0.1
_REACH_CENTS = 60.0
_LEAST_SECONDS = 2.0

SVARAS = {
    name: CENTS[name]
    for name in ("S", "R1", "R2", "G2", "G3", "M1", "M2", "P", "D1", "D2", "N2", "N3")
}
"""The twelve places of the octave, just intonation; R3 = G2, G1 = R2, D3 = N2, N1 = D2."""


@dataclass(frozen=True)
class Distribution:
    """How long a melody stays at each height.

    Attributes
    ----------
    cents : (bins,), heights over the tonic, 10 cents apart
    density : (bins,), share of the voiced time; sums to 1
    folded : whether octaves are laid over each other (0 to 1200), or not (-1200 to 2400)
    seconds : voiced time that was counted
    """

    cents: Row
    density: Row
    folded: bool
    seconds: float


@dataclass(frozen=True)
class SvaraPeak:
    """A height at which a melody dwells.

    Attributes
    ----------
    svara : the nearest of :data:`SVARAS`
    cents : where the peak stands, within an octave
    deviation_cents : from that svara's just place
    share : of the voiced time within 60 cents of the peak
    width_cents : standard deviation there; a plain svara is narrow, one with kampita wide
    skew : of the distribution there: below 0 where it is mostly reached from below
    """

    svara: str
    cents: float
    deviation_cents: float
    share: float
    width_cents: float
    skew: float


def distribution(pitch: PitchTrack, tonic_hz: float, *, folded: bool = True) -> Distribution:
    """Count how long a melody stays at each height.

    Parameters
    ----------
    pitch : the melody; samples weigh alike
    tonic_hz : Sa
    folded : whether octaves are laid over each other

    Returns
    -------
    Distribution, smoothed by a Gaussian of 15 cents

    Raises
    ------
    AnalysisError
        Less than two seconds are voiced.

    Source: Chordia and Şentürk, "Joint recognition of raag and tonic in North Indian music",
    Computer Music Journal 37(3), 2013, for kernel densities of pitch over the tonic.
    """
    from scipy.ndimage import gaussian_filter1d

    cents = pitch.cents(tonic_hz)
    cents = cents[np.isfinite(cents)]
    seconds = len(cents) * pitch.hop_seconds
    if seconds < _LEAST_SECONDS:
        raise AnalysisError(
            f"only {seconds:.1f} s of the melody are voiced: too little for a distribution; is "
            "this the stem of the singer?"
        )
    low, high = (0.0, 1200.0) if folded else (LOWEST_CENTS, HIGHEST_CENTS)
    bins = round((high - low) / STEP_CENTS)
    if folded:
        cents = cents % 1200.0
    places = np.round((cents - low) / STEP_CENTS).astype(np.int64)
    if folded:
        places %= bins
    places = places[(places >= 0) & (places < bins)]
    counts = np.bincount(places, minlength=bins).astype(np.float64)
    density = np.asarray(
        gaussian_filter1d(
            counts, _SMOOTH_CENTS / STEP_CENTS, mode="wrap" if folded else "constant"
        ),
        dtype=np.float64,
    )
    return Distribution(
        np.asarray(low + STEP_CENTS * np.arange(bins), dtype=np.float64),
        density / max(float(density.sum()), 1e-12),
        folded,
        seconds,
    )


def svara_peaks(found: Distribution) -> list[SvaraPeak]:
    """Return the peaks of a folded distribution, from Sa up.

    A peak counts if it is at least a tenth as high as the highest, and stands out by a tenth of
    that.

    Raises
    ------
    ValueError
        The distribution is not folded.
    """
    if not found.folded:
        raise ValueError("svara peaks are found in a folded distribution")
    from scipy.signal import find_peaks

    density = found.density
    bins = len(density)
    least = _LEAST_SHARE * float(density.max())
    # Three octaves, of which the middle one counts: a peak at Sa has neighbours on both sides.
    found_at, _ = find_peaks(np.tile(density, 3), height=least, prominence=least / 10.0)
    peaks = []
    for index in found_at[(found_at >= bins) & (found_at < 2 * bins)] - bins:
        before, here, after = density[[index - 1, index, (index + 1) % len(density)]]
        bend = before - 2.0 * here + after
        shift = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
        cents = (found.cents[index] + STEP_CENTS * shift) % 1200.0
        peaks.append(_shape(found, float(cents)))
    return sorted(peaks, key=lambda peak: (peak.cents + _REACH_CENTS) % 1200.0)


def distance(one: Distribution, other: Distribution) -> float:
    """Return how unlike two distributions are, 0 to 1: Bhattacharyya's, as Hellinger takes it.

    Raises
    ------
    ValueError
        One is folded and the other is not.
    """
    if one.folded != other.folded:
        raise ValueError("a folded distribution has no distance to one that is not")
    overlap = float(np.sum(np.sqrt(one.density * other.density)))
    return float(np.sqrt(max(0.0, 1.0 - overlap)))


def _shape(found: Distribution, cents: float) -> SvaraPeak:
    apart = (found.cents - cents + 600.0) % 1200.0 - 600.0
    near = np.abs(apart) <= _REACH_CENTS
    weight, apart = found.density[near], apart[near]
    share = float(weight.sum())
    mean = float(np.average(apart, weights=weight))
    width = float(np.sqrt(np.average((apart - mean) ** 2, weights=weight)))
    skew = float(np.average((apart - mean) ** 3, weights=weight) / max(width, 1e-9) ** 3)

    def off(svara: str) -> float:
        return (cents - SVARAS[svara] + 600.0) % 1200.0 - 600.0

    nearest = min(SVARAS, key=lambda svara: abs(off(svara)))
    return SvaraPeak(nearest, cents, off(nearest), share, width, skew)
