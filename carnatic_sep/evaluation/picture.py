"""One picture of a separation: the mixture, and each estimate beside its truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AudioWriteError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

LOWEST_HZ, HIGHEST_HZ = 55.0, 14080.0
_ROWS_PER_OCTAVE = 36
_MOST_COLUMNS = 1400
_WINDOW_SECONDS = 0.093
_RANGE_DB = 70.0
_INK, _PAPER, _GRID = "#e8e6e3", "#15131a", "#5a5563"


@dataclass(frozen=True)
class Panel:
    """What is shown in one frame: (channels, frames) of sound and the words above it."""

    title: str
    audio: NDArray[np.float32]


def log_spectrogram(audio: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float64]:
    """Return power in dB on a logarithmic frequency axis.

    Parameters
    ----------
    audio : (channels, frames); channels are averaged in power

    Returns
    -------
    (rows, columns): rows from :data:`LOWEST_HZ` up, 36 an octave, each the mean power density of
    its band; columns at equal steps, at most 1400. 0 dB is a density of 1 per bin.
    """
    size = 1 << round(np.log2(_WINDOW_SECONDS * sample_rate))
    padded_size = 2 * size  # zeros after each window: finer steps where an octave has few bins
    hop = max(size // 8, -(-audio.shape[-1] // _MOST_COLUMNS))
    padded = np.pad(audio, ((0, 0), (size // 2, size // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=-1)[:, ::hop]
    power = np.zeros((padded_size // 2 + 1, windows.shape[1]))
    taper = np.hanning(size).astype(np.float32)
    for channel in windows:
        spectrum = np.fft.rfft(channel * taper, padded_size, axis=-1)
        power += np.square(np.abs(spectrum)).T / len(windows)
    top = min(HIGHEST_HZ, sample_rate / 2)
    rows = int(_ROWS_PER_OCTAVE * np.log2(top / LOWEST_HZ))
    edges = LOWEST_HZ * 2.0 ** (np.arange(rows + 1) / _ROWS_PER_OCTAVE) * padded_size / sample_rate
    below = np.vstack([np.zeros(power.shape[1]), np.cumsum(power, axis=0)])
    # The power below an edge, between bins by a straight line; bin k covers k - 1/2 to k + 1/2.
    whole = np.floor(edges + 0.5).astype(int)
    part = (edges + 0.5 - whole)[:, None]
    under = below[whole] + part * (below[np.minimum(whole + 1, len(below) - 1)] - below[whole])
    return np.asarray(10.0 * np.log10(np.diff(under, axis=0) / np.diff(edges)[:, None] + 1e-12))


def save_picture(
    path: Path,
    *,
    mixture: Panel,
    rows: Mapping[str, tuple[Panel, Panel]],
    sample_rate: int,
    heading: str,
) -> None:
    """Write one PNG: the mixture across the top, then for each stem its truth and its estimate.

    Parameters
    ----------
    path : ends in ``.png``
    mixture : across the top
    rows : stem name -> (truth, estimate)
    sample_rate : Hz, of all the sound
    heading : above everything

    Raises
    ------
    UsageError
        matplotlib is not installed.
    AudioWriteError
        The picture cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "the picture needs matplotlib; install it with: pip install matplotlib"
        ) from error

    figure = Figure(figsize=(14.0, 2.2 + 2.5 * (len(rows) + 1)), facecolor=_PAPER)
    FigureCanvasAgg(figure)
    figure.suptitle(heading, color=_INK, fontsize=14, x=0.055, y=0.985, ha="left")
    grid = figure.add_gridspec(
        len(rows) + 1, 2, left=0.055, right=0.925, top=0.935, bottom=0.05, hspace=0.32, wspace=0.04
    )
    top_db = float(np.max(log_spectrogram(mixture.audio, sample_rate=sample_rate)))
    wide = figure.add_subplot(grid[0, :])
    image = _draw(wide, mixture, top_db=top_db, sample_rate=sample_rate)
    for row, (truth, estimate) in enumerate(rows.values(), start=1):
        for column, panel in enumerate((truth, estimate)):
            axes = figure.add_subplot(grid[row, column])
            _draw(axes, panel, top_db=top_db, sample_rate=sample_rate)
            if column == 1:
                axes.tick_params(labelleft=False)
            if row == len(rows):
                axes.set_xlabel("time (s)", color=_INK)
    bar = figure.colorbar(image, cax=figure.add_axes((0.94, 0.05, 0.012, 0.885)))
    bar.set_label("dB below the mixture's loudest point", color=_INK)
    bar.ax.tick_params(colors=_INK)
    bar.outline.set_edgecolor(_GRID)
    try:
        figure.savefig(path, dpi=110, facecolor=_PAPER, metadata={"Software": None})
    except OSError as error:
        raise AudioWriteError(f"{path}: cannot write the picture ({error.strerror})") from error


def _draw(axes: Axes, panel: Panel, *, top_db: float, sample_rate: int) -> AxesImage:
    """Draw one spectrogram with its title."""
    levels = log_spectrogram(panel.audio, sample_rate=sample_rate) - top_db
    octaves = levels.shape[0] / _ROWS_PER_OCTAVE
    image = axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(0.0, panel.audio.shape[-1] / sample_rate, 0.0, octaves),
        vmin=-_RANGE_DB,
        vmax=0.0,
        cmap="magma",
        interpolation="bilinear",
    )
    ticks = [hz for hz in (100, 200, 500, 1000, 2000, 5000, 10000) if hz < sample_rate / 2]
    axes.set_yticks(
        [float(np.log2(hz / LOWEST_HZ)) for hz in ticks],
        [f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz" for hz in ticks],
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_title(panel.title, color=_INK, fontsize=12, loc="left", pad=5)
    axes.tick_params(colors=_INK, labelsize=9, length=3)
    axes.grid(axis="y", color=_GRID, linewidth=0.4, alpha=0.5)
    for spine in axes.spines.values():
        spine.set_color(_GRID)
    return image
