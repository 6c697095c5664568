"""What stands in one table, and what each is called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from carnatic_sep.errors import UsageError
from carnatic_sep.evaluation.contenders import line_up
from carnatic_sep.models.zoo import resolve


def test_runs_are_called_by_their_folders(tmp_path: Path) -> None:
    for run in ("naive", "aware"):
        (tmp_path / run).mkdir()
        shutil.copy(resolve("default"), tmp_path / run / "checkpoint.safetensors")
    models = [tmp_path / run / "checkpoint.safetensors" for run in ("naive", "aware")]
    assert [each.name for each in line_up(models=models, baselines=())] == ["naive", "aware"]
    assert [each.name for each in line_up(models=["default"], baselines=())] == ["default"]


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    shutil.copy(resolve("default"), tmp_path / "default.safetensors")
    with pytest.raises(UsageError, match="two systems are called default"):
        line_up(models=["default", tmp_path / "default.safetensors"], baselines=())
