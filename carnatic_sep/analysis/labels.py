"""Label files for Audacity, and layers for Sonic Visualiser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np

from carnatic_sep.analysis.tables import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from carnatic_sep.analysis.pitch import PitchTrack

RATE = 44100
"""Sonic Visualiser counts frames; at this rate."""


def write_audacity(path: Path, labels: Sequence[tuple[float, float, str]]) -> None:
    """Write a label track of Audacity: start and end in seconds and a text, tabs between.

    Source: Audacity manual, "Importing and Exporting Labels".
    """
    write_text(path, (f"{start:.6f}\t{end:.6f}\t{text}" for start, end, text in labels))


def write_instants(path: Path, marks: Sequence[tuple[float, str]], *, name: str) -> None:
    """Write a time instants layer (``.svl``) of Sonic Visualiser."""
    points = [
        f'<point frame="{round(time * RATE)}" label={quoteattr(text)}/>' for time, text in marks
    ]
    write_text(path, _layer(points, name=name, kind="timeinstants", dimensions=1, resolution=1))


def write_values(path: Path, pitch: PitchTrack, *, name: str) -> None:
    """Write a melody as a time values layer (``.svl``) of Sonic Visualiser, unvoiced left out."""
    points = (
        f'<point frame="{round(time * RATE)}" value="{hz:.3f}" label=""/>'
        for time, hz in zip(pitch.times[pitch.voiced], pitch.f0[pitch.voiced], strict=True)
    )
    resolution = max(1, round(pitch.hop_seconds * RATE))
    write_text(
        path, _layer(points, name=name, kind="timevalues", dimensions=2, resolution=resolution)
    )


def spans(flags: NDArray[np.bool_], hop_seconds: float) -> list[tuple[float, float]]:
    """Return where `flags` are set, as start and end in seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(float(a) * hop_seconds, float(b) * hop_seconds) for a, b in edges.reshape(-1, 2)]


def _layer(
    points: Iterable[str], *, name: str, kind: str, dimensions: int, resolution: int
) -> Iterator[str]:
    """Wrap points in the XML that Sonic Visualiser saves a layer as."""
    units = ' units="Hz"' if dimensions == 2 else ""
    style = ' plotStyle="4" verticalScale="1"' if kind == "timevalues" else ' plotStyle="0"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield "<!DOCTYPE sonic-visualiser>"
    yield "<sv>"
    yield "  <data>"
    yield (
        f'    <model id="1" name={quoteattr(name)} sampleRate="{RATE}" type="sparse" '
        f'dimensions="{dimensions}" resolution="{resolution}" notifyOnAdd="true" dataset="0"'
        f"{units}/>"
    )
    yield f'    <dataset id="0" dimensions="{dimensions}">'
    yield from (f"      {point}" for point in points)
    yield "    </dataset>"
    yield "  </data>"
    yield "  <display>"
    yield f'    <layer id="2" type="{kind}" name={quoteattr(name)} model="1"{style}/>'
    yield "  </display>"
    yield "</sv>"
