"""Signals and files for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

Array = np.ndarray[Any, np.dtype[np.float32]]


def _signal(frames: int, channels: int = 2, sample_rate: int = 44100, seed: int = 0) -> Array:
    """A sweep with a little noise, another phase in each channel; peak below 0.9."""
    time = np.arange(frames) / sample_rate
    sweep = 2 * np.pi * (150 * time + 100 * time**2)
    tones = np.stack([0.7 * np.sin(sweep + channel) for channel in range(channels)])
    noise = np.random.default_rng(seed).uniform(-0.1, 0.1, tones.shape)
    return (tones + noise).astype(np.float32)


@pytest.fixture(scope="session")
def signal() -> Callable[..., Array]:
    return _signal


@pytest.fixture
def audio_file(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an array to a file through soundfile alone."""

    def write(audio: Array, name: str, *, sample_rate: int = 44100, **options: Any) -> Path:
        path = tmp_path / name
        if path.suffix == ".opus":
            options = {"format": "OGG", "subtype": "OPUS"} | options
        soundfile.write(path, audio.T, sample_rate, **options)
        return path

    return write
