"""A track's bleed in one picture: who arrives where, how much over time, who plays alone when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AudioWriteError, UsageError
from carnatic_sep.files import growing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from carnatic_sep.leakage.inspect import Inspection

__all__ = ["save_inspection"]

_COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#a16207", "#0e7490")


def save_inspection(found: Inspection, path: Path) -> None:
    """Write a PNG of the matrix, of signal to bleed over time, and of solo regions.

    Parameters
    ----------
    found : what to draw
    path : ends in ``.png``

    Raises
    ------
    AudioWriteError
        The picture cannot be written.
    UsageError
        matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "the picture needs matplotlib; install it with: pip install matplotlib"
        ) from error

    figure = Figure(figsize=(12.0, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"Bleed in {found.track or 'these stems'}")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.0, 1.7), height_ratios=(2.0, 1.0))
    _draw_matrix(figure.add_subplot(grid[:, 0]), found)
    over_time = figure.add_subplot(grid[0, 1])
    _draw_over_time(over_time, found)
    _draw_solos(figure.add_subplot(grid[1, 1], sharex=over_time), found)
    try:
        with growing(path) as place:
            figure.savefig(place, dpi=110, format="png", metadata={"Software": None})
    except OSError as error:
        raise AudioWriteError(f"{path}: cannot write the picture ({error.strerror})") from error


def _draw_matrix(axes: Axes, found: Inspection) -> None:
    axes.imshow(found.matrix_db, vmin=-40.0, vmax=0.0, cmap="magma_r")
    places = range(len(found.stems))
    axes.set_xticks(places, found.stems, rotation=45)
    axes.set_yticks(places, found.stems)
    axes.set_xlabel("from")
    axes.set_ylabel("into the microphone of")
    axes.set_title("Leakage, dB")
    for (row, column), value in np.ndenumerate(found.matrix_db):
        if np.isfinite(value):
            axes.text(
                column,
                row,
                f"{value:.0f}",
                ha="center",
                va="center",
                color="white" if value > -18.0 else "black",
            )


def _draw_over_time(axes: Axes, found: Inspection) -> None:
    for number, stem in enumerate(found.stems):
        axes.plot(
            found.times,
            found.over_time_db[number],
            ".",
            color=_COLOURS[number % len(_COLOURS)],
            label=f"{stem} ({found.signal_to_bleed_db[number]:.1f} dB)",
        )
    axes.set_ylabel("signal to bleed, dB")
    axes.set_title("Signal to bleed over time, and in all")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)


def _draw_solos(axes: Axes, found: Inspection) -> None:
    for number, stem in enumerate(found.stems):
        spans = [(start, end - start) for start, end in found.solos[stem]]
        axes.broken_barh(spans, (number - 0.4, 0.8), color=_COLOURS[number % len(_COLOURS)])
    axes.set_yticks(range(len(found.stems)), found.stems)
    axes.set_ylim(-0.6, len(found.stems) - 0.4)
    axes.set_xlabel("time, s")
    axes.set_title("Plays alone")
