"""Singing that a machine made of people's voices: singers beside those that were recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.datasets.bank import load_voice, select_training, voice_tonics
from carnatic_sep.errors import ConfigError

if TYPE_CHECKING:
    from carnatic_sep.datasets.bank import VoiceClip
    from carnatic_sep.datasets.config import DataConfig


def synthesised_voices(root: Path, data: DataConfig, *, cache: Path | None) -> list[VoiceClip]:
    """Load `data.synthesised_voice` from `root`; empty where none is named.

    Raises
    ------
    ConfigError
        The patterns match nothing outside `data.test`.
    """
    names = select_training(root, data.synthesised_voice, data)
    if data.synthesised_voice and not names:
        raise ConfigError(
            f"{root}: nothing matches {', '.join(data.synthesised_voice)} for training; make them "
            "with recipes/voices, or check the folder, `data.synthesised_voice` and `data.test`"
        )
    tonics = voice_tonics(root)
    return [load_voice(root, name, tonics=tonics, cache=cache) for name in names]
