"""What a set of scores allows to say: intervals, paired tests, and when a system is better."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
LEVEL = 0.95
CAP = 100.0
"""Scores beyond ±100 dB count as ±100 dB in means: an infinite one would hide all others."""

Verdict = Literal["a", "b", "open"]


def finite(value: float) -> float:
    """Return `value`, or ±:data:`CAP` for an infinite one; NaN stays."""
    return math.copysign(CAP, value) if math.isinf(value) else value


def capped(value: float) -> float:
    """Return `value` in dB as means take it: within ±:data:`CAP`; NaN stays."""
    return math.copysign(CAP, value) if abs(value) > CAP else value


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds it.

    Attributes
    ----------
    mean : over all values
    low, high : 95 % interval by cluster bootstrap; None with fewer than two clusters
    count, clusters : how many values, of how many concerts
    """

    mean: float
    low: float | None
    high: float | None
    count: int
    clusters: int

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


def bootstrap(
    values: ArrayLike, clusters: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval | None:
    """Return mean and percentile interval when whole clusters are drawn again and again.

    Tracks of one concert share singer, room and microphones, so they are no independent evidence:
    concerts are drawn with replacement, each with all its tracks.

    Parameters
    ----------
    values : (n,); NaN is left out, infinite values count as ±:data:`CAP`
    clusters : (n,), which concert each value is from
    resamples : number of draws
    seed : of the draws; the same seed gives the same interval

    Returns
    -------
    None where no value is left

    Raises
    ------
    ValueError
        `values` and `clusters` differ in length.

    Source: Field and Welsh, "Bootstrapping clustered data", JRSS B 69(3), 2007.

    >>> bootstrap([1.0, 3.0], ["a", "b"]).mean
    2.0
    """
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (len(clusters),):
        raise ValueError(f"values have shape {found.shape} but there are {len(clusters)} clusters")
    kept = ~np.isnan(found)
    found = np.nan_to_num(found[kept], posinf=CAP, neginf=-CAP)
    names = [name for name, keep in zip(clusters, kept, strict=True) if keep]
    if not len(found):
        return None
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    index = np.array([order[name] for name in names])
    sums, sizes = np.bincount(index, found), np.bincount(index)
    mean = float(found.mean())
    if len(order) < 2:
        return Interval(mean, None, None, len(found), len(order))
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(order), np.full(len(order), 1 / len(order)), size=resamples)
    means = (draws @ sums) / (draws @ sizes)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high), len(found), len(order))


@dataclass(frozen=True)
class Paired:
    """System a minus system b on the tracks that both have a score for.

    Attributes
    ----------
    difference : of the scores; positive where a's are higher
    p_value : of Wilcoxon's signed-rank test over tracks, two-sided; None with no difference or
        fewer than two tracks. It takes tracks for independent, which those of one concert are not
    wins : tracks on which a's score is higher
    """

    difference: Interval
    p_value: float | None
    wins: int


def paired(
    a: ArrayLike, b: ArrayLike, clusters: Sequence[Hashable], *, seed: int = 0
) -> Paired | None:
    """Compare two systems track by track; None where no track has both scores.

    Parameters
    ----------
    a, b : (tracks,) scores of the same tracks; a track with NaN in either is left out
    clusters : (tracks,), which concert each is from

    Raises
    ------
    ValueError
        Lengths that differ.
    """
    first, second = (
        np.nan_to_num(np.asarray(x, dtype=np.float64), nan=np.nan, posinf=CAP, neginf=-CAP)
        for x in (a, b)
    )
    if first.shape != second.shape:
        raise ValueError(f"a has shape {first.shape} but b has shape {second.shape}")
    differences = first - second
    interval = bootstrap(differences, clusters, seed=seed)
    if interval is None:
        return None
    kept = differences[~np.isnan(differences)]
    return Paired(interval, wilcoxon(kept), int((kept > 0).sum()))


def wilcoxon(differences: NDArray[np.float64]) -> float | None:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; None where it says nothing.

    Source: Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1(6), 1945,
    as SciPy computes it (exact for few tracks without ties).
    """
    if len(differences) < 2 or not differences.any():
        return None
    from scipy.stats import wilcoxon as test

    return float(test(differences).pvalue)


def better(differences: Sequence[Paired | None], *, higher_is_better: bool = True) -> Verdict:
    """Say which of two systems is better, or that it is open.

    Parameters
    ----------
    differences : of the headline score, one per kind of reference (two cleaners, or the one truth)

    Returns
    -------
    "a" or "b" where every interval leaves out zero on the same side, else "open"

    >>> better([])
    'open'
    """
    signs = {each.difference.sign if each else 0 for each in differences}
    if len(signs) != 1 or signs == {0}:
        return "open"
    a_higher = signs == {1}
    return "a" if a_higher == higher_is_better else "b"
