"""A run that meets numbers that are none: it stops, keeps the batch, and says what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

pytest.importorskip("lightning")

from carnatic_sep.errors import TrainingError
from carnatic_sep.training.finetune import finetune
from carnatic_sep.training.finetune_module import FinetuneModule
from carnatic_sep.training.guard import gradient_fault, save_batch
from carnatic_sep.training.multitracks import MultitrackBatches
from carnatic_sep.training.state import load_state

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_a_batch_with_nan_stops_the_run_before_anything_learns_from_it(
    finetune_config, tmp_path, monkeypatch
) -> None:
    whole = MultitrackBatches.__iter__

    def poisoned(self: MultitrackBatches) -> Any:
        for step, batch in enumerate(whole(self), start=self.first_step + 1):
            if step == 3:
                batch = replace(batch, mixture=batch.mixture.clone())
                batch.mixture[0, 0, 7] = torch.nan
            yield batch

    monkeypatch.setattr(MultitrackBatches, "__iter__", poisoned)
    config = finetune_config(checkpoint_every=2)
    with pytest.raises(TrainingError) as caught:
        finetune(config, out_dir=tmp_path / "runs")
    kept = tmp_path / "runs" / "tiny" / "batch-of-step-000003.safetensors"
    said = str(caught.value)
    assert said.startswith(f"step 3: the loss is nan; its batch is kept in {kept}")
    assert "mixture of the batch hold numbers that are not finite: mend the recordings" in said
    assert said.endswith("same command again, which goes on from the last state that was kept")
    tensors = load_file(kept)
    assert {"mixture", "stems", "known", "silent"} <= tensors.keys()
    assert torch.isnan(tensors["mixture"]).sum() == 1
    with safe_open(kept, framework="pt") as handle:
        about = json.loads(handle.metadata()["carnatic_sep"])
    assert about == {"step": 3, "fault": "the loss is nan"}

    # The state is that of a step before, and sound; with a sound batch the run ends from there.
    state = load_state(kept.with_name("state.safetensors"))
    assert state.step == 2
    assert all(bool(torch.isfinite(value).all()) for value in state.tensors.values())
    monkeypatch.undo()
    lines: list[str] = []
    finetune(config, out_dir=tmp_path / "runs", report=lines.append)
    assert any("going on at step 2 of 4" in line for line in lines)


def test_a_gradient_that_is_none_stops_the_run_too(finetune_config, tmp_path, monkeypatch) -> None:
    terms = FinetuneModule.terms

    def steep(self: FinetuneModule, batch: Any) -> Any:
        found = terms(self, batch)
        if self.step == 1:  # finite itself, with an infinite slope
            weight = self.model.nets[1].last.weight
            found["steep"] = (weight * 0).abs().sqrt().sum()
        return found

    monkeypatch.setattr(FinetuneModule, "terms", steep)
    with pytest.raises(TrainingError) as caught:
        finetune(finetune_config(precision="bf16"), out_dir=tmp_path / "runs")
    said = str(caught.value)
    assert said.startswith("step 2: the gradient is not finite in 1 of ")
    assert "nets.1.last.weight first" in said
    assert "the batch itself is sound: lower learning_rate or gradient_clip" in said
    assert said.endswith(
        "set precision to fp32; then give the same command again"
    )  # from the start
    kept = load_file(tmp_path / "runs" / "tiny" / "batch-of-step-000002.safetensors")
    assert all(bool(torch.isfinite(value).all()) for value in kept.values())


def test_gradients_are_told_by_name() -> None:
    model = torch.nn.Linear(2, 3)
    assert gradient_fault(model) is None
    model.weight.grad = torch.full((3, 2), 1e30)  # large, and finite
    model.bias.grad = torch.zeros(3)
    assert gradient_fault(model) is None
    model.bias.grad[1] = -torch.inf
    assert gradient_fault(model) == "the gradient is not finite in 1 of 2 tensors, bias first"


def test_plain_stems_are_kept_as_well(tmp_path) -> None:
    stems = torch.randn(2, 4, 100)[:, ::2]  # not contiguous
    save_batch(tmp_path / "new" / "batch.safetensors", stems, step=1, fault="none")
    assert torch.equal(load_file(tmp_path / "new" / "batch.safetensors")["stems"], stems)
