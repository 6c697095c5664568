"""What a fine-tuning run needs to know, as YAML and as code, in one vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from carnatic_sep.datasets.config import Range, Share, Strict
from carnatic_sep.datasets.yaml_file import change, fit, read_mapping
from carnatic_sep.stems import DEFAULT_STEMS
from carnatic_sep.training.config import RunConfig, ValidationConfig

if TYPE_CHECKING:
    from typing_extensions import Self

FRESH = "fresh"


class SurgeryConfig(Strict):
    """How the base's heads become those of the stems wanted."""

    stems: tuple[str, ...] = DEFAULT_STEMS
    """Stems of the new model."""
    donors: dict[str, str] = Field(default_factory=dict)
    """Stem of the base that a new head is copied from, or "fresh"; a stem keeps its own head, and
    otherwise violin and other come from the base's `other`, mridangam from its `drums`, all from
    its `accompaniment` where it has no such stem."""
    frozen_steps: int = Field(default=0, ge=0)
    """How many steps only new heads learn, before all do."""
    freeze_batch_norm: bool = True
    """Keep the statistics of batch normalisation, as Spleeter's own training does."""

    @field_validator("stems")
    @classmethod
    def _named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError("name at least one stem, and each once")
        return value


class TracksConfig(Strict):
    """Which multitracks are used, and how excerpts of them become mixtures."""

    root: Path | None = None
    """Folder of a dataset that is given by its name."""
    split: str | None = None
    """Part of the dataset's split, such as "train"; all tracks if None."""
    include: tuple[str, ...] = ("*",)
    """Patterns of track ids or concerts that are used."""
    exclude: tuple[str, ...] = ()
    """Patterns of those that are kept out."""
    seconds: float | None = Field(default=None, gt=0)
    """Length of an excerpt; what the network sees at once if None."""
    coherent: Share = 0.5
    """Share of mixtures whose stems sound together in the recording too; of the others each stem
    is of another track. Bleed is explained by the mixture only in the former."""
    gain_db: Range = (-4.0, 4.0)
    """Each stem's level against its recording."""
    semitones: Range = (-2.0, 2.0)
    """How far a whole multitrack is shifted, tonic, tempo and all."""
    bleed: Share = 0.0
    """Share of mixtures of stems to which bleed is added that no stem is to hold."""
    bleed_db: Range = (-25.0, -5.0)
    """Level of that bleed against the stem it comes from."""
    mixdown: Share = 0.0
    """Share of mixtures that are a recording's own mixdown. Its stems do not sum to it, so only
    silence, consistency, MixIT and a teacher's losses learn from it."""


class LossConfig(Strict):
    """What an estimate is punished for; see :mod:`carnatic_sep.training.leakage_losses`."""

    distance: Literal["complex_l1", "magnitude_l1", "truncated_mse"] = "complex_l1"
    """Between estimate and reference: of spectra; of their magnitudes, as Spleeter was trained,
    which learns to copy bleed; or of samples without the largest errors."""
    resolutions: tuple[int, ...] = (4096,)
    """Window lengths of the spectra, averaged over; hops are a quarter."""
    quantile: float = Field(default=0.93, gt=0, le=1)
    """Share of squared errors that count in `truncated_mse`."""
    confidence: bool = True
    """Weight spectra by how much of a microphone's energy is the player's own."""
    silence_weight: float = Field(default=0.0, ge=0)
    """Of what estimates hold where their player is silent."""
    consistency_weight: float = Field(default=0.0, ge=0)
    """Of what the estimates' sum lacks against the mixture."""
    combinations: bool = False
    """Measure the distance of every sum of two or more stems (not of all) too, as X-UMX does."""
    mixit_weight: float = Field(default=0.0, ge=0)
    """Of the estimates as parts of two mixtures, of stems or of recordings whose stems nobody
    knows; per 10 dB."""
    teacher_weight: float = Field(default=0.0, ge=0)
    """Of the distance from what the averaged weights (the mean teacher) make of each mixture."""
    remixit_weight: float = Field(default=0.0, ge=0)
    """Of the distance from the teacher's estimates, where these are exchanged within a batch and
    mixed anew."""
    teacher_from: int = Field(default=0, ge=0)
    """Step from which on there is a teacher; before it the averaged weights know too little."""

    @property
    def needs_activity(self) -> bool:
        """Whether who plays when must be known."""
        return self.silence_weight > 0 or (self.confidence and self.distance != "truncated_mse")


class TracksValidation(ValidationConfig):
    """Validation on multitracks; those are kept out of training. Name one of the two."""

    split: str | None = None
    """Part of the dataset's split, such as "valid"."""
    tracks: tuple[str, ...] = ()
    """Patterns of track ids or concerts."""


class FinetuneConfig(RunConfig):
    """One run: base, surgery, multitracks, loss, optimiser, length."""

    base: str = "spleeter"
    """Name of a model, a checkpoint, or another toolkit's weights (Spleeter's, compIAM's mixer)."""
    dataset: str = ""
    """Name of a dataset, or a folder of multitracks."""
    surgery: SurgeryConfig = SurgeryConfig()
    """Which heads are kept, copied or begun afresh."""
    tracks: TracksConfig = TracksConfig()
    """Which multitracks, and how they become mixtures."""
    loss: LossConfig = LossConfig()
    """What is punished."""
    validation: TracksValidation = TracksValidation()
    batch_size: int = Field(default=2, gt=0)
    learning_rate: float = Field(default=1e-4, gt=0)

    @model_validator(mode="after")
    def _something_to_exchange(self) -> Self:
        if self.loss.remixit_weight and self.batch_size < 2:
            raise ValueError("loss.remixit_weight exchanges stems within a batch; set batch_size")
        return self


def load_finetune_config(path: Path | None, *, overrides: list[str]) -> FinetuneConfig:
    """Read a YAML file, if there is one, and change it as ``key.key=value`` strings say.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or names or values do not fit; each fault is named.
    """
    values = read_mapping(path) if path else {"name": "finetuned"}
    for override in overrides:
        change(values, override)
    return fit(FinetuneConfig, values, path=path or Path("--set"))
