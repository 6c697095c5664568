"""Lines across a picture at the svaras that a melody dwells on, with names that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from carnatic_sep.analysis.distribution import SvaraPeak

    Row = NDArray[np.float64]

_LINE = "#2b6ca3"
_FONT_POINTS, _APART_POINTS = 9.0, 11.0
_OCTAVES = {-1: ",", 0: "", 1: "'", 2: "''"}
_NEARLY_SA_CENTS = 1140.0
_EDGE_CENTS = 20.0


def svara_heights(
    peaks: Sequence[SvaraPeak], heights: tuple[float, float]
) -> list[tuple[float, str]]:
    """Return where peaks stand in each octave between two heights, and their names, from below.

    Parameters
    ----------
    peaks : of a folded distribution
    heights : lowest and highest cents over the tonic
    """
    found = []
    for peak in peaks:
        # A Sa sung a little flat has its peak at the top of the octave, and belongs to the next.
        octave_cents = peak.cents - (1200.0 if peak.cents > _NEARLY_SA_CENTS else 0.0)
        for octave, mark in _OCTAVES.items():
            height = octave_cents + 1200.0 * octave
            if heights[0] + _EDGE_CENTS < height < heights[1] - _EDGE_CENTS:
                found.append((height, peak.svara + mark))
    return sorted(found)


def spread(places: Sequence[float], *, apart: float, low: float, high: float) -> Row:
    """Move places that crowd away from each other, as little as it takes.

    Parameters
    ----------
    places : in rising order
    apart : how far neighbours must be; less where they would not fit between `low` and `high`
    low, high : no place goes beyond

    Returns
    -------
    (places,), in the same order

    >>> spread([0.0, 1.0, 50.0], apart=10.0, low=-100.0, high=100.0).tolist()
    [-4.5, 5.5, 50.0]
    """
    count = len(places)
    if count < 2:
        return np.asarray(places, dtype=np.float64)
    apart = min(apart, (high - low) / (count - 1))
    from scipy.optimize import isotonic_regression

    # With the wanted distances taken off, keeping order is all that is left to do.
    steps = apart * np.arange(count)
    level = isotonic_regression(np.asarray(places, dtype=np.float64) - steps).x
    return np.asarray(np.clip(level, low, high - steps[-1]) + steps, dtype=np.float64)


def draw_svaras(
    melody: Axes, histogram: Axes, peaks: Sequence[SvaraPeak], heights: tuple[float, float]
) -> None:
    """Rule the svaras across both axes, Sa stronger, and name them right of the second."""
    found = svara_heights(peaks, heights)
    points = histogram.get_window_extent().height * 72.0 / histogram.figure.dpi
    labels = spread(
        [height for height, _ in found],
        apart=_APART_POINTS * (heights[1] - heights[0]) / points,
        low=heights[0],
        high=heights[1],
    )
    across = histogram.get_yaxis_transform()
    for (height, name), label in zip(found, labels, strict=True):
        width = 1.3 if name[0] == "S" else 0.7
        for axes in (melody, histogram):
            axes.axhline(height, color=_LINE, linewidth=width, alpha=0.6)
        histogram.plot(
            [1.0, 1.06],
            [height, label],
            transform=across,
            color=_LINE,
            linewidth=0.5,
            alpha=0.6,
            clip_on=False,
        )
        histogram.text(
            1.10,
            label,
            name,
            transform=across,
            fontsize=_FONT_POINTS,
            color=_LINE,
            va="center_baseline",
        )
