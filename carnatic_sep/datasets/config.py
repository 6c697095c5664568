"""How recordings become mixtures, as YAML and as code, in one vocabulary."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

Range = tuple[float, float]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(Strict):
    """Which solo recordings are used, and which are kept out for testing.

    Names are matched against paths relative to the data folder; a `*` stands for anything.
    """

    voice: list[str] = ["voice/alapana/*", "voice/misc/*"]
    violin_notes: list[str] = ["violin/notes/*"]
    violin_pieces: list[str] = ["violin/bach/*"]
    strokes: list[str] = ["mridangam/strokes/*"]
    rooms: list[str] = ["rir/*"]
    teacher_voice: list[str] = []
    """Recordings with bleed; used only where a run names a `teacher` that cleans them."""
    test: list[str] = []
    """Everything that matches here is kept out of training and used by the test mixtures."""


class MixConfig(Strict):
    """How solo recordings become mixtures. Levels are dB relative to the voice."""

    seconds: float = Field(4.0, gt=0.5)
    violin_level: Range = (-12.0, 3.0)
    mridangam_level: Range = (-9.0, 8.0)
    other_level: Range = (-30.0, -6.0)
    lag_seconds: Range = (0.05, 0.6)
    """How late the violin shadows the voice."""
    shadow: float = Field(0.65, ge=0, le=1)
    """Share of mixtures whose violin follows the singer's own contour."""
    piece: float = Field(0.2, ge=0, le=1)
    """Share of mixtures whose violin is an excerpt of a recorded piece."""
    synthetic_violin: float = Field(0.35, ge=0, le=1)
    """Share of bent violins that read a wavetable instead of a recorded note."""
    absent: dict[str, float] = {"vocals": 0.12, "violin": 0.15, "mridangam": 0.15, "other": 0.1}
    """How often a stem is silent in a mixture."""
    percussion: float = Field(0.4, ge=0, le=1)
    """How often `other` holds a ghatam or kanjira beside the tanpura."""
    transpose_semitones: Range = (-4.0, 5.0)
    room: float = Field(0.7, ge=0, le=1)
    equaliser_db: float = Field(7.0, ge=0)
    teacher_share: float = Field(0.0, ge=0, le=1)
    """Share of voices that come from cleaned recordings with bleed."""
