"""Scores as JSON: read and written, each fault named."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour, Note
from carnatic_sep.ensemble.score import Frame, Score, Section, ViolinPart
from carnatic_sep.ensemble.tala import Stroke
from carnatic_sep.errors import ConfigError

FORMAT = 1


def dump(score: Score) -> str:
    """Write `score`; the frame's fields stand at the top level."""
    return json.dumps(
        {
            "format": FORMAT,
            **asdict(score.frame),
            "form": score.form,
            "contour_rate": CONTROL_RATE,
            "voice": _line(score.voice),
            "violin": _line(score.violin),
            "violin_parts": [asdict(part) for part in score.violin_parts],
            "strokes": [asdict(stroke) for stroke in score.strokes],
            "activity": {name: list(spans) for name, spans in score.activity.items()},
        },
        ensure_ascii=False,
    )


def load(text: str) -> Score:
    """Read what :func:`dump` wrote.

    Raises
    ------
    ConfigError
        The text is no score, or of a format that this version does not know.
    """
    try:
        values = json.loads(text)
        if values["format"] != FORMAT or values["contour_rate"] != CONTROL_RATE:
            raise ConfigError(
                f"score: format {values['format']} with {values['contour_rate']} contour values "
                f"a second; this version reads format {FORMAT} with {CONTROL_RATE}"
            )
        sections = tuple(Section(**section) for section in values["sections"])
        names = set(Frame.__dataclass_fields__) - {"sections"}
        return Score(
            frame=Frame(sections=sections, **{name: values[name] for name in names}),
            voice=_contour(values["voice"]),
            violin=_contour(values["violin"]),
            violin_parts=tuple(ViolinPart(**part) for part in values["violin_parts"]),
            strokes=tuple(Stroke(**stroke) for stroke in values["strokes"]),
            activity={
                name: tuple((float(start), float(end)) for start, end in spans)
                for name, spans in values["activity"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"score: not one that carnatic-sep wrote ({type(error).__name__}: {error}); "
            "render the piece again"
        ) from error


def _line(contour: Contour) -> dict[str, Any]:
    return {
        "cents": np.round(contour.cents, 2).tolist(),
        "level": np.round(contour.level, 4).tolist(),
        "notes": [asdict(note) for note in contour.notes],
    }


def _contour(values: dict[str, Any]) -> Contour:
    return Contour(
        cents=np.asarray(values["cents"], dtype=np.float64),
        level=np.asarray(values["level"], dtype=np.float64),
        notes=tuple(Note(**note) for note in values["notes"]),
    )
