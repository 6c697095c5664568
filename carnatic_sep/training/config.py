"""What a training run needs to know, as YAML and as code, in one vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from carnatic_sep.datasets.config import DataConfig, MixConfig, Share, Strict
from carnatic_sep.datasets.yaml_file import change, fit, read_mapping
from carnatic_sep.ensemble.config import EnsembleConfig

if TYPE_CHECKING:
    from typing_extensions import Self


class ValidationConfig(Strict):
    """How a run tells by sounds that it does not learn from whether it still gets better."""

    metric: str = "sdr"
    """Name in `carnatic_sep.metrics.registry`; its mean over the stems decides."""
    mixtures: int = Field(default=8, gt=0)
    """How many fixed mixtures are separated each time."""
    least_gain: float = Field(default=0.0, ge=0)
    """What a validation must gain on the best one before it, to count as better."""

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, value: str) -> str:
        from carnatic_sep.errors import UnknownNameError
        from carnatic_sep.metrics.registry import METRICS

        if value not in METRICS:
            raise ValueError(str(UnknownNameError("metric", value, list(METRICS))))
        return value


class TakesValidation(ValidationConfig):
    """Validation on mixtures of solo recordings."""

    takes: tuple[str, ...] = ()
    """Patterns of recordings that are kept out of training and make up the validation mixtures;
    some of each kind: voice, violin notes and pieces, strokes."""


class RunConfig(Strict):
    """What every run has: name, optimiser, length, and when it keeps what it has reached."""

    name: str
    """The run's folder below `--out`."""
    snr_weight: float = Field(default=0.0, ge=0)
    """Weight of a term in dB of signal-to-error ratio beside the loss proper."""
    stem_weights: tuple[float, ...] | None = None
    """What each stem counts in the loss; equal if None."""
    seed: int = 0
    """Decides weights and mixtures."""
    steps: int = Field(default=1000, gt=0)
    """Steps of the optimiser; the learning rate falls to nothing at the last one."""
    stop_step: int | None = Field(default=None, gt=0)
    """Where to stop, if before `steps`: the learning rate stays that of the whole run."""
    batch_size: int = Field(default=8, gt=0)
    """Of one process; a step learns from `batch_size` x `accumulate` x the number of processes."""
    accumulate: int = Field(default=1, gt=0)
    """How many batches make one step, where memory does not hold a large one."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """The highest one; a half cosine from there on."""
    warmup_steps: int = Field(default=50, ge=0)
    """Steps in which the learning rate rises to its highest."""
    weight_decay: float = Field(default=1e-2, ge=0)
    """Of matrices and kernels, by AdamW."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Norm to which gradients are scaled down."""
    ema_decay: float = Field(default=0.997, ge=0, lt=1)
    """Of the averaged weights, which are what is kept."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the network's sums; losses and weights are fp32 either way."""
    workers: int = Field(default=1, ge=0)
    """Processes that mix, beside each one that learns."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """What learns; `auto` takes a GPU where there is one."""
    devices: int | Literal["auto"] = 1
    """Devices, or processes where there are only CPUs, of each node."""
    nodes: int = Field(default=1, gt=0)
    """Machines."""
    strategy: Literal["auto", "ddp"] = "auto"
    """How several processes share the work; `auto` is DDP wherever there are several."""
    checkpoint_every: int = Field(default=200, gt=0)
    """Steps between states and checkpoints."""
    picture_every: int = Field(default=1000, gt=0)
    """Steps between pictures and sounds of one fixed mixture."""
    validate_every: int | None = Field(default=None, gt=0)
    """Steps between validations; none if None."""
    patience: int | None = Field(default=None, gt=0)
    """After how many validations without a better one the run stops; never early if None."""
    validation: ValidationConfig = ValidationConfig()
    """What validation listens to, and what it counts."""

    @property
    def last_step(self) -> int:
        """The step at which the run ends."""
        return min(self.steps, self.stop_step or self.steps)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not value.strip(". ") or any(mark in value for mark in "/\\\0"):
            raise ValueError("a run's name must be a plain folder name")
        return value

    @field_validator("devices")
    @classmethod
    def _some_device(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError("give at least one device, or auto")
        return value

    @model_validator(mode="after")
    def _patience_needs_validation(self) -> Self:
        if self.patience and not self.validate_every:
            raise ValueError("patience counts validations; set validate_every too")
        return self


class TrainConfig(RunConfig):
    """A run on solo recordings: data, mixing, architecture, loss."""

    architecture: str = "band_unet"
    """A network's name: band_unet, scnet, tfc_tdf, unet."""
    model: dict[str, Any] = Field(default_factory=dict)
    """Options of the architecture."""
    init_from: Path | None = None
    """Checkpoint whose weights the run starts with. Layers that `model` asks for and it lacks start
    fresh."""
    teacher: Path | None = None
    """Checkpoint that cleans `data.teacher_voice` before the run."""
    teacher_removes: tuple[str, ...] = ("mridangam", "other")
    """Stems that the teacher takes out of a voice with bleed. A first model mistakes unseen singers
    for the violin, so by default that stays."""
    teacher_gate_db: float | None = Field(default=None, gt=0)
    """Silence a cleaned voice where it is this far below its loud parts: when the singer pauses,
    what a vocal microphone hears is somebody else."""
    rendered_voices: int = Field(default=0, ge=0)
    """How many phrases are sung by rule before the run, for `mix.rendered_share` of mixtures."""
    data: DataConfig = DataConfig()
    """Recordings, and what is kept out."""
    mix: MixConfig = MixConfig()
    """How recordings become mixtures."""
    ensemble_share: Share = 0.0
    """Share of mixtures that are excerpts of rendered ensembles (`carnatic_sep.ensemble`)."""
    ensemble: EnsembleConfig = EnsembleConfig()
    """How those are rendered."""
    validation: TakesValidation = TakesValidation()
    loss: Literal["complex_l1", "band_complex_l1"] = "complex_l1"
    """On spectra, for any network; or on bands, for band_unet."""
    stem_weights: tuple[float, float, float, float] | None = None
    reuse: int = Field(default=1, ge=1)
    """How many batches a rendered set of stems serves, with new levels and partners each time."""


def load_config(path: Path | str, *, overrides: list[str] | None = None) -> TrainConfig:
    """Read a YAML file into a :class:`TrainConfig`; `overrides` are ``key.key=value`` strings.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or names or values do not fit; each fault is named.
    """
    path = Path(path)
    values = read_mapping(path)
    for override in overrides or []:
        change(values, override)
    return fit(TrainConfig, values, path=path)
