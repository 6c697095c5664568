"""One JAMS file with all that was found, for programs that read annotations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep import __version__
from carnatic_sep.audio.partials import partial, reason
from carnatic_sep.errors import AudioWriteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carnatic_sep.analysis.pitch import PitchTrack
    from carnatic_sep.analysis.rhythm import Rhythm
    from carnatic_sep.analysis.tonic import Tonic

_FINEST_SECONDS = 0.0


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
    try:
        import jams
    except ImportError as error:
        raise UsageError(
            "JAMS files need jams: install with pip install 'carnatic-sep[analysis]'"
        ) from error
    whole = jams.JAMS()
    whole.file_metadata.title = title
    whole.file_metadata.duration = seconds
    whole.sandbox.carnatic_sep = {
        "version": __version__,
        "tonic_hz": tonic.hz,
        "tonic_confidence": tonic.confidence,
    }
    contour = _annotation(jams, "pitch_contour", seconds, pitch.tracker)
    for time, hz, sure in zip(pitch.times, pitch.f0, pitch.confidence, strict=True):
        contour.append(
            time=float(time),
            duration=_FINEST_SECONDS,
            value={"index": 0, "frequency": float(hz), "voiced": bool(hz > 0.0)},
            confidence=float(sure),
        )
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
    growing = partial(path, "jams")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.save(str(growing), strict=True, fmt="jams")
        os.replace(growing, path)
    except OSError as error:
        raise AudioWriteError(f"{path}: cannot be written ({reason(error)})") from error


def _annotation(jams: Any, namespace: str, seconds: float, tools: str) -> Any:
    annotation = jams.Annotation(namespace=namespace, time=0.0, duration=seconds)
    annotation.annotation_metadata.annotation_tools = tools
    annotation.annotation_metadata.data_source = "program"
    return annotation
