"""A demo whose model's answer, and so whose scores, are known in advance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from carnatic_sep.ensemble import mix, render
from carnatic_sep.errors import AudioWriteError, UsageError
from carnatic_sep.evaluation.demo import SAMPLE_RATE, run_demo, truth_for
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.stems import DEFAULT_STEMS


class FirstTakesAll(SeparationModel):
    architecture = "first-takes-all"

    def __init__(self, stems: tuple[str, ...] = DEFAULT_STEMS) -> None:
        super().__init__()
        self.stems, self.config = stems, {}
        self.sample_rate, self.channels, self.segment_seconds = SAMPLE_RATE, None, 1.0

    def forward(self, mixture: Tensor) -> Tensor:
        rest = [torch.zeros_like(mixture)] * (len(self.stems) - 1)
        return torch.stack([mixture, *rest], dim=1)


def test_scores_files_and_a_second_run(tmp_path: Path) -> None:
    result = run_demo(tmp_path / "demo", seconds=2.0, seed=3, model=FirstTakesAll())
    again = run_demo(tmp_path / "demo", seconds=2.0, seed=3, model=FirstTakesAll())
    assert again.scores == result.scores
    scores = {score.stem: score for score in result.scores}
    assert tuple(scores) == DEFAULT_STEMS
    assert scores["vocals"].improvement_db == pytest.approx(0.0, abs=0.01)
    for silent in ("violin", "mridangam", "other"):
        assert scores[silent].estimate_db == pytest.approx(0.0, abs=0.01)
    assert scores["other"].mixture_db < scores["violin"].mixture_db < 0.0
    played = [scores[name].mixture_db for name in DEFAULT_STEMS[:3]]
    assert result.mean.mixture_db == pytest.approx(np.mean(played))

    mixture, rate = soundfile.read(result.mixture)
    assert rate == SAMPLE_RATE
    assert 0.1 < np.abs(mixture).max() < 1.0
    truth = sum(soundfile.read(path)[0] for path in result.truth.values())
    stems = sum(soundfile.read(path)[0] for path in result.estimates.values())
    assert np.max(np.abs(truth - mixture)) < 1e-6
    assert np.max(np.abs(stems - mixture)) < 1e-6
    assert result.picture.read_bytes()[:4] == b"\x89PNG"
    assert not list(tmp_path.rglob("*.partial"))


def test_other_holds_whatever_a_model_has_no_stem_for() -> None:
    rendered = render(seconds=1.0, sample_rate=8000)
    truth = truth_for(("vocals", "other"), rendered)
    assert np.allclose(truth["vocals"] + truth["other"], mix(rendered), atol=1e-6)
    assert list(truth_for(("violin",), rendered)) == ["violin"]
    assert list(truth_for(("drums", "vocals"), rendered)) == ["vocals"]
    with pytest.raises(UsageError, match="drums"):
        truth_for(("drums", "bass"), rendered)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "demo"
    taken.write_text("mine", encoding="utf-8")
    with pytest.raises(AudioWriteError, match=r"demo.*--out"):
        run_demo(taken, seconds=1.0, model=FirstTakesAll())
    assert taken.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["mixture.wav", "stems", "demo.png"])
def test_what_no_demo_has_made_is_kept(name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=f"{name}: is not of a demo and is kept"):
        run_demo(tmp_path, seconds=1.0, model=FirstTakesAll())
