"""What a training run needs to know, as YAML and as code, in one vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from carnatic_sep.datasets.config import DataConfig, MixConfig, Strict
from carnatic_sep.errors import ConfigError


class TrainConfig(Strict):
    """One run: data, mixing, architecture, loss, optimiser, length."""

    name: str
    architecture: str = "band_unet"
    model: dict[str, Any] = {}
    init_from: Path | None = None
    """Checkpoint whose weights the run starts with."""
    teacher: Path | None = None
    """Checkpoint that cleans `data.teacher_voice` before the run."""
    data: DataConfig = DataConfig()
    mix: MixConfig = MixConfig()
    loss: Literal["complex_l1", "band_complex_l1"] = "complex_l1"
    snr_weight: float = Field(0.0, ge=0)
    """Weight of a term in dB of signal-to-error ratio beside the complex L1."""
    seed: int = 0
    steps: int = Field(1000, gt=0)
    batch_size: int = Field(8, gt=0)
    learning_rate: float = Field(1e-3, gt=0)
    warmup_steps: int = Field(50, ge=0)
    weight_decay: float = Field(1e-2, ge=0)
    gradient_clip: float = Field(1.0, gt=0)
    ema_decay: float = Field(0.997, ge=0, lt=1)
    precision: Literal["fp32", "bf16"] = "fp32"
    workers: int = Field(1, ge=0)
    reuse: int = Field(1, ge=1)
    """How many batches a rendered set of stems serves, with new levels and partners each time."""
    checkpoint_every: int = Field(200, gt=0)
    picture_every: int = Field(1000, gt=0)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not value or any(mark in value for mark in "/\\"):
            raise ValueError("a run's name must be a plain folder name")
        return value


def load_config(path: Path | str, *, overrides: list[str] | None = None) -> TrainConfig:
    """Read a YAML file into a :class:`TrainConfig`; `overrides` are ``key.key=value`` strings.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or names or values do not fit; each fault is named.
    """
    import yaml

    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values at the top level")
    for override in overrides or []:
        key, sign, text = override.partition("=")
        if not sign:
            raise ConfigError(f"override {override!r}: write it as key=value")
        *parents, leaf = key.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = yaml.safe_load(text)
    try:
        return TrainConfig(**values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{path}: {faults}") from error
