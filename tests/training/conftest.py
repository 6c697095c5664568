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


@pytest.fixture
def finetune_config(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes the configuration of a tiny run on two noisy tracks."""
    import numpy as np
    import soundfile
    import torch

    from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
    from carnatic_sep.models.registry import build
    from carnatic_sep.training.finetune_config import FinetuneConfig

    rng = np.random.default_rng(0)
    for track in "ab":
        folder = tmp_path / "tracks" / track
        folder.mkdir(parents=True)
        for stem in ("vocals", "violin", "mridangam"):
            audio = 0.1 * rng.standard_normal(2 * 8000)
            soundfile.write(folder / f"{stem}.wav", audio, 8000, subtype="FLOAT")
    small = {"n_fft": 64, "hop_frames": 16, "bins": 32, "columns": 32, "levels": 1, "width": 2}
    torch.manual_seed(0)
    model = build("tfc_tdf", stems=["vocals", "drums"], sample_rate=8000, **small)
    about = Provenance(name="base", licence="MIT", credits=["somebody"])
    save_checkpoint(tmp_path / "base.safetensors", model, about)

    def make(**changes: Any) -> FinetuneConfig:
        values = {
            "name": "tiny",
            "base": str(tmp_path / "base.safetensors"),
            "dataset": str(tmp_path / "tracks"),
            "surgery": {"stems": ["vocals", "violin", "mridangam"], "frozen_steps": 2},
            "loss": {"resolutions": [256], "silence_weight": 0.1, "mixit_weight": 0.1},
            "steps": 4,
            "workers": 0,
            "warmup_steps": 1,
            "ema_decay": 0.0,
        }
        return FinetuneConfig.model_validate(values | changes)

    return make
