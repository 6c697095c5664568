"""States: what goes in comes out, and nothing else is taken for one."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.optim.swa_utils import AveragedModel

from carnatic_sep.errors import CheckpointError
from carnatic_sep.training.standing import Standing
from carnatic_sep.training.state import (
    TrainingState,
    capture,
    load_state,
    restore,
    save_state,
)


def parts(width: int = 3):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.BatchNorm1d(width))
    return model, AveragedModel(model), torch.optim.AdamW(model.parameters(), lr=0.1)


def learn(model, ema, optimizer, steps: range) -> None:
    for step in steps:
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        model(x).pow(3).sum().backward()
        optimizer.step()
        ema.update_parameters(model)


def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    straight = parts()
    learn(*straight, range(6))
    first = parts()
    learn(*first, range(3))
    save_state(tmp_path / "state.safetensors", capture(3, *first))
    second = parts()
    state = load_state(tmp_path / "state.safetensors")
    assert state.step == 3
    restore(state, *second)
    learn(*second, range(3, 6))
    for one, other in zip(straight[:2], second[:2], strict=True):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_restoring_copies(tmp_path: Path) -> None:
    first = parts()
    learn(*first, range(2))
    save_state(tmp_path / "state", capture(2, *first))
    state = load_state(tmp_path / "state")
    before = {name: value.clone() for name, value in state.tensors.items()}
    second = parts()
    restore(state, *second)
    learn(*second, range(3))
    assert all(torch.equal(before[name], value) for name, value in state.tensors.items())


def test_a_state_of_another_network_is_refused() -> None:
    state = capture(1, *parts(3))
    with pytest.raises(CheckpointError, match=r"another network.*--restart"):
        restore(state, *parts(5))


@pytest.mark.parametrize("content", ["text", "other format", "no metadata", "torch", "missing"])
def test_foreign_files_are_refused(tmp_path: Path, content) -> None:
    path = tmp_path / "state.safetensors"
    tensors = {"model.weight": torch.ones(2)}
    if content == "text":
        path.write_text("not a state", encoding="utf-8")
    elif content == "other format":
        save_file(tensors, path, metadata={"carnatic_sep": json.dumps({"format": "other-1"})})
    elif content == "no metadata":
        save_file(tensors, path)
    elif content == "torch":
        torch.save(tensors, path)
    with pytest.raises(CheckpointError, match=r"state\.safetensors: .*remove it to start anew"):
        load_state(path)


KILLED = """
import os, signal, sys
from pathlib import Path
import safetensors.torch
import torch
from carnatic_sep.training.state import TrainingState, save_state

place = Path(sys.argv[1])
whole = safetensors.torch.save_file

def half(tensors, path, **options):
    whole(tensors, path, **options)
    with open(path, "rb+") as file:
        file.truncate(os.path.getsize(path) // 2)
    os.kill(os.getpid(), signal.SIGKILL)

save_state(place / "state.safetensors", TrainingState(1, {"model.weight": torch.ones(9)}))
safetensors.torch.save_file = half
save_state(place / "state.safetensors", TrainingState(2, {"model.weight": torch.zeros(9)}))
"""


def test_a_process_killed_while_it_saves_leaves_the_state_before(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "state.safetensors.partial").is_file()  # what broke off
    path = tmp_path / "state.safetensors"
    state = load_state(path)
    assert state.step == 1
    assert torch.equal(state.tensors["model.weight"], torch.ones(9))
    # The next save is not in the way of what broke off.
    save_state(path, TrainingState(3, {"model.weight": torch.zeros(9)}))
    assert load_state(path).step == 3
    assert [each.name for each in tmp_path.iterdir()] == ["state.safetensors"]


@pytest.mark.parametrize("standing", [Standing(), Standing(4.5, 30, 2), Standing(math.nan, 0, 1)])
def test_how_the_run_stands_is_kept(tmp_path: Path, standing) -> None:
    path = tmp_path / "state.safetensors"
    save_state(path, TrainingState(40, {"model.weight": torch.ones(2)}, standing))
    assert str(load_state(path).standing) == str(standing)


def test_a_state_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"state\.safetensors: cannot be written .*is kept"):
        save_state(tmp_path / "file" / "state.safetensors", TrainingState(1, {"a": torch.ones(1)}))
