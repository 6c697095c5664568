"""Whole fine-tuning runs, tiny ones: surgery, phases, what is written, and going on exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

pytest.importorskip("lightning")

from carnatic_sep.errors import ConfigError
from carnatic_sep.models.bases import load_base
from carnatic_sep.models.checkpoint import Provenance, load_checkpoint, read_metadata
from carnatic_sep.models.checkpoint import save_checkpoint as save
from carnatic_sep.models.registry import build
from carnatic_sep.training import finetune_module
from carnatic_sep.training.finetune import finetune
from carnatic_sep.training.finetune_config import FinetuneConfig, load_finetune_config

# What lightning says of workers, devices and intervals that suit longer runs.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SMALL = {"n_fft": 64, "hop_frames": 16, "bins": 32, "columns": 32, "levels": 1, "width": 2}


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., FinetuneConfig]:
    """Return a function that makes the configuration of a run on two noisy tracks."""
    rng = np.random.default_rng(0)
    for track in "ab":
        folder = tmp_path / "tracks" / track
        folder.mkdir(parents=True)
        for stem in ("vocals", "violin", "mridangam"):
            audio = 0.1 * rng.standard_normal(2 * 8000)
            soundfile.write(folder / f"{stem}.wav", audio, 8000, subtype="FLOAT")
    torch.manual_seed(0)
    model = build("tfc_tdf", stems=["vocals", "drums"], sample_rate=8000, **SMALL)
    about = Provenance(name="base", licence="MIT", credits=["somebody"])
    save(tmp_path / "base.safetensors", model, about)

    def config(**changes: Any) -> FinetuneConfig:
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

    return config


def run(config: FinetuneConfig, out: Path, **options: Any) -> tuple[Path, list[str]]:
    lines: list[str] = []
    return finetune(config, out_dir=out, report=lines.append, **options), lines


def test_a_run_tells_what_it_did_and_writes_a_model(
    make: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    checkpoint, lines = run(make(picture_every=4), tmp_path / "runs")
    assert lines[:5] == [
        "base: a tfc_tdf for vocals, drums",
        "  vocals: its own head",
        "  violin: a fresh head",
        "  mridangam: a copy of drums",
        f"  3 stems, {sum(p.numel() for p in load_checkpoint(checkpoint).parameters()):,} "
        "weights, 8000 Hz",
    ]
    assert lines[5] == "  steps 1 to 2: vocals frozen; then all learns"
    assert load_checkpoint(checkpoint).stems == ("vocals", "violin", "mridangam")
    about = read_metadata(checkpoint).provenance
    assert about.steps == 4
    assert about.credits == ["somebody", "tracks: 2 tracks"]
    assert "MIT" in about.licence
    assert about.extra["surgery"][2] == "mridangam: a copy of drums"
    assert (checkpoint.parent / "picture-000004.png").is_file()
    _, lines = run(make(), tmp_path / "runs")
    assert lines == [f"{checkpoint.parent}: all 4 steps are done"]


def heads(path: Path) -> list[torch.Tensor]:
    return [net.last.weight.detach() for net in load_checkpoint(path).nets]


def test_what_was_there_stands_still_in_the_first_phase(
    make: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    base = load_base(str(tmp_path / "base.safetensors")).model.nets[0].last.weight
    first, _ = run(make(stop_step=2), tmp_path / "runs")
    kept, violin, _ = heads(first)
    assert torch.allclose(kept, base, atol=1e-3)  # the checkpoint holds half precision
    second, _ = run(make(), tmp_path / "runs")
    freed, moved, _ = heads(second)
    assert not torch.equal(freed, kept)
    assert not torch.equal(moved, violin)


def test_batch_normalisation_stands_still_unless_told_otherwise(
    make: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    surgery = {"stems": ["vocals", "violin", "mridangam"], "freeze_batch_norm": False}
    still, _ = run(make(), tmp_path / "still")
    moving, _ = run(make(surgery=surgery), tmp_path / "moving")

    def means(path: Path) -> torch.Tensor:
        return load_checkpoint(path).nets[0].first[1].running_mean

    assert torch.count_nonzero(means(still)) == 0
    assert torch.count_nonzero(means(moving)) > 0


def test_an_interrupted_run_goes_on_to_the_same_weights(
    make: Callable[..., FinetuneConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = run(make(), tmp_path / "whole")
    terms = finetune_module.FinetuneModule.terms

    def breaks(self: Any, batch: Any) -> Any:
        if self.step == 3:
            raise RuntimeError("power cut")
        return terms(self, batch)

    monkeypatch.setattr(finetune_module.FinetuneModule, "terms", breaks)
    with pytest.raises(RuntimeError, match="power cut"):
        run(make(checkpoint_every=3), tmp_path / "cut")
    monkeypatch.undo()
    resumed, lines = run(make(checkpoint_every=3), tmp_path / "cut")
    assert any("going on at step 3 of 4" in line for line in lines)
    one, other = load_checkpoint(whole).state_dict(), load_checkpoint(resumed).state_dict()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def test_settings_that_do_not_fit_are_refused(
    make: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    same = {"stems": ["vocals", "drums"], "frozen_steps": 3}
    cases = [
        (make(dataset=""), "no dataset"),
        (make(stem_weights=(1.0, 2.0)), "2 numbers for 3 stems"),
        (make(tracks={"exclude": ["*"]}), "nothing is left of 2 tracks"),
        (make(surgery=same), "no head is new"),
    ]
    for config, fault in cases:
        with pytest.raises(ConfigError, match=fault):
            run(config, tmp_path / "runs")


def test_a_wrong_key_names_the_right_one(tmp_path: Path) -> None:
    for wrong, right in {
        "loss.silence_wait=1": "loss.silence_wait: unknown key; did you mean silence_weight",
        "surgery.frozen_step=1": "did you mean frozen_steps",
        "stepz=1": "stepz: unknown key; did you mean steps",
    }.items():
        with pytest.raises(ConfigError, match=right):
            load_finetune_config(None, overrides=[wrong])
    path = tmp_path / "c.yaml"
    path.write_text("name: mine\nlearning_rat: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"c\.yaml: learning_rat: .*learning_rate"):
        load_finetune_config(path, overrides=[])


@pytest.mark.parametrize("name", ["saraga", "standin", "naive", "aware"])
def test_the_recipes_configurations_fit(name: str) -> None:
    folder = Path(__file__).parents[2] / "recipes" / "spleeter_finetune"
    config = load_finetune_config(folder / f"{name}.yaml", overrides=[])
    assert config.dataset
    assert config.surgery.frozen_steps < config.last_step


def test_the_recipes_runs_differ_in_their_loss_alone() -> None:
    folder = Path(__file__).parents[2] / "recipes" / "spleeter_finetune"
    naive, aware = (
        load_finetune_config(folder / f"{name}.yaml", overrides=[]) for name in ("naive", "aware")
    )
    assert naive.model_copy(update={"name": aware.name, "loss": aware.loss}) == aware
