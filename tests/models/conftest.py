"""Small checkpoints for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.registry import build


@pytest.fixture
def write_model() -> Callable[[Path], Path]:
    """Return a function that writes a tiny U-Net checkpoint, some 10 kB, to a path."""

    def write(path: Path) -> Path:
        torch.manual_seed(0)
        model = build("unet", stems=["vocals", "other"], filters=[1] * 6)
        save_checkpoint(path, model, Provenance(name=path.stem, licence="MIT"))
        return path

    return write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own cache out of every test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CARNATIC_SEP_CACHE", str(folder))
    return folder
