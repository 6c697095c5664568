"""What a run takes from runs before it."""

from __future__ import annotations

from carnatic_sep.errors import ConfigError
from carnatic_sep.training.config import TrainConfig


def require_earlier_runs(config: TrainConfig) -> None:
    """Check that the checkpoints are there which `config` begins from or learns of.

    Raises
    ------
    ConfigError
        Naming the key and the file.
    """
    for key, path in (("init_from", config.init_from), ("teacher", config.teacher)):
        if path is not None and not path.is_file():
            raise ConfigError(
                f"{config.name}: {key}: {path}: no such file; train that run first, or name a "
                f"checkpoint that is there with --set {key}=FILE"
            )
