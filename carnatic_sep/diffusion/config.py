"""What a cold diffusion training needs to know, as YAML and as code, in one vocabulary."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from carnatic_sep.datasets.config import Range, Share, Strict
from carnatic_sep.datasets.yaml_file import change, fit, read_mapping
from carnatic_sep.models.cold_schedule import Kind, Prediction, Sampling
from carnatic_sep.models.cold_unet import PUBLISHED_MULTIPLIERS, Gate, Norm
from carnatic_sep.stems import VOCALS


class NetworkConfig(Strict):
    """See :class:`carnatic_sep.models.cold_unet.ColdUNet`."""

    base: int = Field(default=16, gt=0)
    multipliers: tuple[int, ...] = PUBLISHED_MULTIPLIERS
    block_convs: int = Field(default=2, ge=1, le=2)
    down_blocks: int = Field(default=2, gt=0)
    up_blocks: int = Field(default=3, gt=1)
    norm: Norm = "group"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    gate: Gate = "state"
    exponent: float = Field(default=1.0, gt=0)


class ColdConfig(Strict):
    """One training: stems, degradation, network, optimiser, length."""

    name: str
    targets: tuple[str, ...] = (VOCALS,)
    schedule: Kind = "convex"
    diffusion_steps: int = Field(default=8, gt=0)
    prediction: Prediction = "clean"
    sampling: Sampling = "improved"
    network: NetworkConfig = NetworkConfig()
    segment_columns: int = Field(default=128, gt=1)
    coherent: Share = 1.0
    """Share of mixtures whose stems sound together in the recording too; 1 is published."""
    gain_db: Range = (0.0, 0.0)
    """Each stem's level against its recording; nothing is changed in the publication."""
    batch_size: int = Field(default=8, gt=0)
    learning_rate: float = Field(default=2e-4, gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = Field(default=1e-8, gt=0)
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    """Of the weights' running mean, which is what is kept; 0 keeps the last weights."""
    steps: int = Field(default=1000, gt=0)
    """Of the optimiser."""
    seed: int = Field(default=0, ge=0)


def load_cold_config(path: Path, *, overrides: list[str]) -> ColdConfig:
    """Read a YAML file, and change it as ``key.key=value`` strings say.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or names or values do not fit; each fault is named.
    """
    values = read_mapping(path)
    for override in overrides:
        change(values, override)
    return fit(ColdConfig, values, path=path)
