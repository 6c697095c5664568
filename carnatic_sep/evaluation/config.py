"""What a table of scores is computed on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from carnatic_sep.datasets.config import DataConfig, MixConfig, Strict
from carnatic_sep.errors import ConfigError


class Excerpt(Strict):
    """A real multitrack: its mixture is the sum of its microphones, whatever these hear."""

    folder: str
    stems: dict[str, list[str]]
    """Stem to the files, relative to `folder`, whose sum is its reference."""


class EvaluationConfig(Strict):
    """Test mixtures of kept-out takes, and real excerpts."""

    data: DataConfig
    mix: MixConfig
    mixtures: int = Field(20, gt=0)
    seed: int = 0
    excerpts: dict[str, Excerpt] = {}


def load_evaluation_config(path: Path | str) -> EvaluationConfig:
    """Read a YAML file into an :class:`EvaluationConfig`.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or names or values do not fit.
    """
    import yaml

    try:
        values: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return EvaluationConfig(**(values or {}))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from error
    except (yaml.YAMLError, TypeError) as error:
        raise ConfigError(f"{path}: not a mapping in valid YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{path}: {faults}") from error
