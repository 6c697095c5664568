"""One JAMS file with all that was found, for programs that read annotations."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep import __version__
from carnatic_sep.analysis.tables import write_pieces
from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from carnatic_sep.analysis.pitch import PitchTrack
    from carnatic_sep.analysis.rhythm import Rhythm
    from carnatic_sep.analysis.tonic import Tonic

_HERE = "the samples of the contour"


def write_jams(
    path: Path,
    *,
    title: str,
    seconds: float,
    pitch: PitchTrack,
    tonic: Tonic,
    rhythm: Rhythm | None = None,
    sama: Sequence[float] = (),
) -> None:
    """Write pitch (``pitch_contour``), strokes (``onset``), tempo, samas (``beat``) and tonic.

    Parameters
    ----------
    seconds : length of the recording

    Raises
    ------
    UsageError
        The jams package is not installed.
    AudioWriteError
        The file cannot be written.

    Source: Humphrey et al., "JAMS: a JSON annotated music specification", ISMIR 2014.
    """
    jams = import_jams()
    whole = jams.JAMS()
    whole.file_metadata.title = title
    whole.file_metadata.duration = seconds
    whole.sandbox.carnatic_sep = {
        "version": __version__,
        "tonic_hz": tonic.hz,
        "tonic_confidence": tonic.confidence,
    }
    contour = _annotation(jams, "pitch_contour", seconds, pitch.tracker)
    whole.annotations.append(contour)
    if rhythm is not None:
        strokes = _annotation(jams, "onset", seconds, "carnatic_sep.analysis.rhythm")
        for stroke in rhythm.strokes:
            strokes.append(time=stroke.seconds, duration=0.0, value=1, confidence=None)
        whole.annotations.append(strokes)
        if np.isfinite(rhythm.pulse_per_minute):
            tempo = _annotation(jams, "tempo", seconds, "carnatic_sep.analysis.pulse")
            tempo.append(
                time=0.0,
                duration=seconds,
                value=float(rhythm.pulse_per_minute),
                confidence=float(rhythm.pulse_confidence),
            )
            whole.annotations.append(tempo)
    if sama:
        beats = _annotation(jams, "beat", seconds, "annotated")
        for time in sama:
            beats.append(time=float(time), duration=0.0, value=1, confidence=None)
        whole.annotations.append(beats)
    whole.validate(strict=True)
    document = json.loads(whole.dumps())
    document["annotations"][0]["data"] = _HERE
    before, _, after = json.dumps(document).partition(json.dumps(_HERE))
    write_pieces(path, chain([before], _contour(pitch), [after]))


def import_jams() -> Any:
    """Return the jams package.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        import jams
    except ImportError as error:
        raise UsageError(
            "JAMS files need jams: install with pip install 'carnatic-sep[analysis]'"
        ) from error
    return jams


def _contour(pitch: PitchTrack) -> Iterator[str]:
    """Yield the samples of a contour as JAMS packs them, column by column.

    By hand, for jams keeps an object of a kilobyte a sample, and hours have a million.
    """
    count = len(pitch.f0)
    columns: dict[str, Iterator[str]] = {
        "time": (f"{each:.6f}" for each in pitch.times),
        "duration": ("0.0" for _ in range(count)),
        "value": (
            f'{{"index": 0, "frequency": {hz:.4f}, "voiced": {"true" if hz > 0 else "false"}}}'
            for hz in pitch.f0
        ),
        "confidence": (f"{each:.4f}" for each in pitch.confidence),
    }
    yield "{"
    for number, (name, cells) in enumerate(columns.items()):
        yield f'{", " if number else ""}"{name}": ['
        for index, cell in enumerate(cells):
            yield f", {cell}" if index else cell
        yield "]"
    yield "}"


def _annotation(jams: Any, namespace: str, seconds: float, tools: str) -> Any:
    annotation = jams.Annotation(namespace=namespace, time=0.0, duration=seconds)
    annotation.annotation_metadata.annotation_tools = tools
    annotation.annotation_metadata.data_source = "program"
    return annotation
