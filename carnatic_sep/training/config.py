"""What a training run needs to know, as YAML and as code, in one vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from carnatic_sep.datasets.config import DataConfig, MixConfig, Strict
from carnatic_sep.datasets.yaml_file import change, fit, read_mapping


class RunConfig(Strict):
    """What every run has: name, optimiser, length, and when it keeps what it has reached."""

    name: str
    snr_weight: float = Field(default=0.0, ge=0)
    """Weight of a term in dB of signal-to-error ratio beside the loss proper."""
    stem_weights: tuple[float, ...] | None = None
    """What each stem counts in the loss; equal if None."""
    seed: int = 0
    steps: int = Field(default=1000, gt=0)
    stop_step: int | None = Field(default=None, gt=0)
    """Where to stop, if before `steps`: the learning rate stays that of the whole run."""
    batch_size: int = Field(default=8, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_steps: int = Field(default=50, ge=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    ema_decay: float = Field(default=0.997, ge=0, lt=1)
    precision: Literal["fp32", "bf16"] = "fp32"
    workers: int = Field(default=1, ge=0)
    checkpoint_every: int = Field(default=200, gt=0)
    picture_every: int = Field(default=1000, gt=0)

    @property
    def last_step(self) -> int:
        """The step at which the run ends."""
        return min(self.steps, self.stop_step or self.steps)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not value or any(mark in value for mark in "/\\"):
            raise ValueError("a run's name must be a plain folder name")
        return value


class TrainConfig(RunConfig):
    """A run on solo recordings: data, mixing, architecture, loss."""

    architecture: str = "band_unet"
    model: dict[str, Any] = Field(default_factory=dict)
    """Options of the architecture."""
    init_from: Path | None = None
    """Checkpoint whose weights the run starts with."""
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
    mix: MixConfig = MixConfig()
    loss: Literal["complex_l1", "band_complex_l1"] = "complex_l1"
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
