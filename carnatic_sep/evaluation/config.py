"""What a table of scores is computed on."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from carnatic_sep.datasets.config import DataConfig, MixConfig, Strict
from carnatic_sep.datasets.yaml_file import fit, read_mapping


class Excerpt(Strict):
    """A real multitrack: its mixture is the sum of its microphones, whatever these hear."""

    folder: str
    stems: dict[str, list[str]]
    """Stem to the files, relative to `folder`, whose sum is its reference."""


class EvaluationConfig(Strict):
    """Test mixtures of kept-out takes, and real excerpts."""

    data: DataConfig
    mix: MixConfig
    mixtures: int = Field(default=20, gt=0)
    seed: int = 0
    excerpts: dict[str, Excerpt] = Field(default_factory=dict)


def load_evaluation_config(path: Path | str) -> EvaluationConfig:
    """Read a YAML file into an :class:`EvaluationConfig`.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or names or values do not fit.
    """
    path = Path(path)
    return fit(EvaluationConfig, read_mapping(path), path=path)
