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
from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata
from carnatic_sep.training import finetune_module
from carnatic_sep.training.finetune import finetune, prepare
from carnatic_sep.training.finetune_config import FinetuneConfig, load_finetune_config
from carnatic_sep.training.state import load_state

# What lightning says of workers, devices and intervals that suit longer runs.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def run(config: FinetuneConfig, out: Path, **options: Any) -> tuple[Path, list[str]]:
    lines: list[str] = []
    return finetune(config, out_dir=out, report=lines.append, **options), lines


def test_a_run_tells_what_it_did_and_writes_a_model(
    finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    checkpoint, lines = run(finetune_config(picture_every=4), tmp_path / "runs")
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
    _, lines = run(finetune_config(), tmp_path / "runs")
    assert lines == [f"{checkpoint.parent}: all 4 steps are done"]


def heads(path: Path) -> list[torch.Tensor]:
    return [net.last.weight.detach() for net in load_checkpoint(path).nets]


def test_what_was_there_stands_still_in_the_first_phase(
    finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    base = load_base(str(tmp_path / "base.safetensors")).model.nets[0].last.weight
    first, _ = run(finetune_config(stop_step=2), tmp_path / "runs")
    kept, violin, _ = heads(first)
    assert torch.allclose(kept, base, atol=1e-3)  # the checkpoint holds half precision
    second, _ = run(finetune_config(), tmp_path / "runs")
    freed, moved, _ = heads(second)
    assert not torch.equal(freed, kept)
    assert not torch.equal(moved, violin)


def test_batch_normalisation_stands_still_unless_told_otherwise(
    finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    surgery = {"stems": ["vocals", "violin", "mridangam"], "freeze_batch_norm": False}
    still, _ = run(finetune_config(), tmp_path / "still")
    moving, _ = run(finetune_config(surgery=surgery), tmp_path / "moving")

    def means(path: Path) -> torch.Tensor:
        return load_checkpoint(path).nets[0].first[1].running_mean

    assert torch.count_nonzero(means(still)) == 0
    assert torch.count_nonzero(means(moving)) > 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"precision": "bf16"},
        {  # what looks at the averaged weights, and batches that make up a step
            "accumulate": 2,
            "ema_decay": 0.9,
            "loss": {"resolutions": [256], "remixit_weight": 0.5, "teacher_weight": 0.5},
            "tracks": {"bleed": 0.5},
        },
    ],
    ids=["plain", "bf16", "teacher"],
)
def test_an_interrupted_run_goes_on_to_the_same_weights(
    finetune_config: Callable[..., FinetuneConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
) -> None:
    whole, _ = run(finetune_config(**options), tmp_path / "whole")
    terms = finetune_module.FinetuneModule.terms

    def breaks(self: Any, batch: Any) -> Any:
        if self.step == 3:
            raise RuntimeError("power cut")
        return terms(self, batch)

    monkeypatch.setattr(finetune_module.FinetuneModule, "terms", breaks)
    with pytest.raises(RuntimeError, match="power cut"):
        run(finetune_config(checkpoint_every=3, **options), tmp_path / "cut")
    monkeypatch.undo()
    resumed, lines = run(finetune_config(checkpoint_every=3, **options), tmp_path / "cut")
    assert any("going on at step 3 of 4" in line for line in lines)
    one, other = (load_state(path.with_name("state.safetensors")) for path in (whole, resumed))
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        assert torch.equal(tensor, other.tensors[name]), name


def test_tracks_of_validation_are_kept_out(
    finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    checked = {"validate_every": 2, "validation": {"tracks": ["b"], "mixtures": 2}}
    prepared = prepare(finetune_config(**checked), out_dir=tmp_path / "runs")
    assert prepared.provenance.credits == ["somebody", "tracks: 1 tracks"]
    (folder,) = (tmp_path / "tracks" / name for name in "b")
    kept = np.stack(
        [soundfile.read(folder / f"{stem}.wav")[0] for stem in ("vocals", "violin", "mridangam")]
    )
    for stems in prepared.validation:
        # Every excerpt is cut from that track, all stems at one place, at their own levels.
        start = int(np.correlate(kept[0], stems[0], mode="valid").argmax())
        assert np.allclose(stems, kept[:, start : start + stems.shape[1]], atol=1e-6)
    every = {"validate_every": 2, "validation": {"tracks": ["*"]}}
    for changes, fault in (
        ({"validate_every": 2}, r"name a part of the split in validation\.split"),
        (every, "validation takes all 2 tracks"),
        ({**checked, "validation": {"tracks": ["z"]}}, r"validation\.tracks: .*nothing is left"),
    ):
        with pytest.raises(ConfigError, match=fault):
            prepare(finetune_config(**changes), out_dir=tmp_path / "runs")


def test_settings_that_do_not_fit_are_refused(
    finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    same = {"stems": ["vocals", "drums"], "frozen_steps": 3}
    cases = [
        (finetune_config(dataset=""), "no dataset"),
        (finetune_config(stem_weights=(1.0, 2.0)), "2 numbers for 3 stems"),
        (finetune_config(tracks={"exclude": ["*"]}), "nothing is left of 2 tracks"),
        (finetune_config(surgery=same), "no head is new"),
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
