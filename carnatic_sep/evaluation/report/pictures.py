"""Spectrograms of an excerpt as one PNG, small enough to live inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.evaluation.excerpts import decode
from carnatic_sep.evaluation.picture import LOWEST_HZ, log_spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_RANGE_DB = 65.0
_PAPER, _INK = "#15131a", "#d9d4cc"
_TICKS_HZ = (100, 300, 1000, 3000, 10000)
_COLOURS = 40


def draw_excerpt(audio: Mapping[str, str]) -> str:
    """Draw the spectrograms of mixture, reference and estimate side by side.

    Parameters
    ----------
    audio : name -> MP3 in base64

    Returns
    -------
    PNG in base64, of 40 colours; the same bytes for the same audio
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sounds = {name: decode(coded) for name, coded in audio.items()}
    levels = {name: log_spectrogram(x, sample_rate=rate) for name, (x, rate) in sounds.items()}
    top = max(float(each.max()) for each in levels.values())
    figure = Figure(figsize=(9.6, 3.1), dpi=90, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    for number, ((name, level), axis) in enumerate(zip(levels.items(), axes, strict=True)):
        sound, rate = sounds[name]
        _panel(axis, name, level - top, seconds=sound.shape[-1] / rate, first=number == 0)
    figure.subplots_adjust(left=0.085, right=0.992, top=0.87, bottom=0.12, wspace=0.03)
    full = io.BytesIO()
    figure.savefig(full, format="png", facecolor=_PAPER, metadata={"Software": None})
    return base64.b64encode(_with_palette(full)).decode("ascii")


def _panel(
    axis: Axes, name: str, level: NDArray[np.float64], *, seconds: float, first: bool
) -> None:
    octaves = level.shape[0] / 36
    axis.imshow(
        level,
        origin="lower",
        aspect="auto",
        extent=(0.0, seconds, 0.0, octaves),
        vmin=-_RANGE_DB,
        vmax=0.0,
        cmap="magma",
        interpolation="bilinear",
    )
    axis.set_title(name, color=_INK, fontsize=14, loc="left", pad=4)
    ticks = [hz for hz in _TICKS_HZ if np.log2(hz / LOWEST_HZ) < octaves]
    axis.set_yticks(
        [float(np.log2(hz / LOWEST_HZ)) for hz in ticks],
        [f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz" for hz in ticks],
    )
    axis.set_xticks(np.arange(0.0, seconds - 0.5, 2.0))  # none at the end, where the next begins
    axis.tick_params(colors=_INK, labelsize=11.5, length=2, labelleft=first)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _with_palette(picture: io.BytesIO) -> bytes:
    """Return a PNG with a palette: a third of the size, with no difference to see."""
    from PIL import Image

    image = Image.open(picture).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
