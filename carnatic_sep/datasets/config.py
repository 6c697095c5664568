"""How recordings become mixtures, as YAML and as code, in one vocabulary."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from carnatic_sep.stems import DEFAULT_STEMS


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError("give the lower limit first")
    return limits


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
"""Limits between which a value is drawn."""

Share = Annotated[float, Field(ge=0, le=1)]
"""How often something happens, 0 to 1."""


def _takes_booleans(annotation: Any) -> bool:
    return annotation is bool or any(map(_takes_booleans, get_args(annotation)))


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number_of_a_boolean(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would take for 1 or 0."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and not _takes_booleans(annotation):
            raise ValueError(f"{str(value).lower()} is no value for it; YAML reads yes and on so")
        return value


class DataConfig(Strict):
    """Which solo recordings are used, and which are kept out for testing.

    Names are matched against paths relative to the data folder; a `*` stands for anything.
    """

    voice: list[str] = ["voice/alapana/*", "voice/misc/*"]
    """Solo singing."""
    violin_notes: list[str] = ["violin/notes/*"]
    """Sustained notes, named after their pitch."""
    violin_pieces: list[str] = ["violin/bach/*"]
    """Other solo violin."""
    strokes: list[str] = ["mridangam/strokes/*"]
    """Single strokes of the mridangam."""
    rooms: list[str] = ["rir/*"]
    """Impulse responses of rooms."""
    teacher_voice: list[str] = []
    """Recordings with bleed; used only where a run names a `teacher` that cleans them."""
    synthesised_voice: list[str] = []
    """Singing that a machine made of people's voices; drawn like voices sung by rule
    (`mix.rendered_share`), and cast in rendered ensembles like recorded singers."""
    test: list[str] = []
    """Everything that matches here is kept out of training and used by the test mixtures."""


class MixConfig(Strict):
    """How solo recordings become mixtures. Levels are dB relative to the voice."""

    seconds: float = Field(default=4.0, gt=0.5)
    """Length of a mixture."""
    violin_level: Range = (-12.0, 3.0)
    """Of the violin."""
    mridangam_level: Range = (-9.0, 8.0)
    """Of the mridangam."""
    other_level: Range = (-30.0, -6.0)
    """Of tanpura, ghatam and kanjira."""
    lag_seconds: Range = (0.05, 0.6)
    """How late the violin shadows the voice."""
    shadow: Share = 0.65
    """Share of mixtures whose violin follows the singer's own contour."""
    piece: Share = 0.2
    """Share of mixtures whose violin is an excerpt of a recorded piece."""
    synthetic_violin: Share = 0.35
    """Share of bent violins that read a wavetable instead of a recorded note."""
    absent: dict[str, Share] = {"vocals": 0.12, "violin": 0.15, "mridangam": 0.15, "other": 0.1}
    """How often a stem is silent in a mixture."""
    rests: Share = 0.0
    """How often somebody pauses for a while: mostly the singer, or all but the drone."""
    percussion: Share = 0.4
    """How often `other` holds a ghatam or kanjira beside the tanpura."""
    transpose_semitones: Range = (-4.0, 5.0)
    """How far a voice is moved in pitch, formants and all."""
    formant_semitones: Range = (0.0, 0.0)
    """How far the formants of a voice are moved without its pitch, in half of the mixtures."""
    room: Share = 0.7
    """Share of mixtures that sound in a room."""
    equaliser_db: float = Field(default=7.0, ge=0)
    """Depth of each stem's random equaliser."""
    equalised: Share = 1.0
    """Share of stems that get the equaliser; the others keep their own microphone's sound."""
    teacher_share: Share = 0.0
    """Share of voices that come from cleaned recordings with bleed."""
    rendered_share: Share = 0.0
    """Share of the other voices that are sung by rule (`carnatic_sep.ensemble`) or synthesised
    (`data.synthesised_voice`)."""

    @field_validator("absent")
    @classmethod
    def _some_stem_sounds(cls, value: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(value) - set(DEFAULT_STEMS))
        if unknown:
            raise ValueError(
                f"no stem {', '.join(unknown)}; known ones: {', '.join(DEFAULT_STEMS)}"
            )
        if all(value.get(stem, 0.0) == 1.0 for stem in DEFAULT_STEMS):
            raise ValueError("all stems would always be silent")
        return value
