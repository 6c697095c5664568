"""A tiny run on the made-up solos."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
TINY = {"widths": [4, 6], "hidden": 4, "n_fft": 2048, "hop_frames": 1024, "bands_per_octave": 12}


@pytest.fixture
def run_config(solo_split) -> Callable[..., Any]:
    """Return a function that makes the configuration of a tiny run, changed as told."""
    from carnatic_sep.training.config import TrainConfig

    def make(**changes: Any) -> TrainConfig:
        values: dict[str, Any] = {
            "name": "tiny",
            "model": TINY,
            "data": solo_split,
            "mix": {"seconds": 1.0, "piece": 0.0, "room": 0.0, "equaliser_db": 0.0},
            "loss": "band_complex_l1",
            "steps": 4,
            "batch_size": 2,
            "workers": 0,
            "warmup_steps": 2,
            "reuse": 2,
        }
        return TrainConfig.model_validate(values | changes)

    return make


@pytest.fixture
def out_dir(tmp_path: Path, contour_cache: Path) -> Path:
    """A folder for runs, where the singers' contours are known already."""
    shutil.copytree(contour_cache, tmp_path / "runs" / "cache")
    return tmp_path / "runs"
