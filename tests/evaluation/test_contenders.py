"""What stands in one table, and what each is called."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.errors import UsageError
from carnatic_sep.evaluation.cases import Case
from carnatic_sep.evaluation.contenders import line_up, separate_with
from carnatic_sep.evaluation.scores import systems
from carnatic_sep.models.zoo import resolve


def test_runs_are_called_by_their_folders(tmp_path: Path) -> None:
    for run in ("naive", "aware"):
        (tmp_path / run).mkdir()
        shutil.copy(resolve("default"), tmp_path / run / "checkpoint.safetensors")
    models = [tmp_path / run / "checkpoint.safetensors" for run in ("naive", "aware")]
    assert [each.name for each in line_up(models=models, baselines=())] == ["naive", "aware"]
    assert [each.name for each in line_up(models=["default"], baselines=())] == ["default"]


def test_a_model_that_looks_more_than_once_is_called_so_and_does(monkeypatch) -> None:
    once, thrice = (line_up(models=["default"], baselines=(), views=n)[0] for n in (1, 3))
    assert (once.name, thrice.name) == ("default", "default, 3 views")
    assert once.identity == thrice.identity
    looked: list[int] = []

    def separate(self, mixture, sample_rate):
        looked.append(self.views)
        return {}

    monkeypatch.setattr("carnatic_sep.separation.separator.Separator.separate", separate)
    for contender in (once, thrice):
        separate_with(contender, np.zeros((1, 100), np.float32), {}, sample_rate=44100)
    list(
        systems(["default"], views=2)["default, 2 views"](Case("x", 44100, {"vocals": np.ones(9)}))
    )
    assert looked == [1, 3, 2]


def test_views_that_a_model_has_not_are_refused_before_any_work() -> None:
    with pytest.raises(UsageError, match="9 views were asked for; band_unet"):
        line_up(models=["default"], baselines=(), views=9)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    shutil.copy(resolve("default"), tmp_path / "default.safetensors")
    with pytest.raises(UsageError, match="two systems are called default"):
        line_up(models=["default", tmp_path / "default.safetensors"], baselines=())
