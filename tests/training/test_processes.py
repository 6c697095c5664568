"""Two processes on one machine: each its own data, the same weights, and one that writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

pytest.importorskip("lightning")

from carnatic_sep.training.ranks import is_first_process, stream

# Runs the verb as a user does, and notes what each process sees, holds, and writes.
SCRIPT = """
import atexit, hashlib, json, os, sys
from pathlib import Path

notes = {"batches": [], "weights": [], "written": []}
out = os.environ["OUT"]

def audit(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(out):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            notes["written"].append(arguments[0])
    elif event == "os.rename" and str(arguments[1]).startswith(out):
        notes["written"].append(str(arguments[1]))

sys.addaudithook(audit)

def mark(tensors):
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()

from carnatic_sep.cli.main import main
from carnatic_sep.training.finetune_module import FinetuneModule

learn = FinetuneModule.training_step

def training_step(self, batch, batch_idx):
    notes["batches"].append(mark([batch.mixture]))
    return learn(self, batch, batch_idx)

def on_train_end(self):
    for part in (self.model, self.ema):
        notes["weights"].append(mark(part.state_dict().values()))
    notes["world"] = self.trainer.world_size
    rank = self.trainer.global_rank
    Path(os.environ["NOTES"], f"{rank}.json").write_text(json.dumps(notes))

FinetuneModule.training_step = training_step
FinetuneModule.on_train_end = on_train_end
main()
"""


# As a cluster does, each process is told to end, wherever it is: one before a gradient, one in it.
ENDED = """
import os, signal
from carnatic_sep.cli.main import main
from carnatic_sep.training.finetune_module import FinetuneModule

learn = FinetuneModule.training_step

def told_to_end(*ignored):
    os.kill(os.getpid(), signal.SIGTERM)

def training_step(self, batch, batch_idx):
    first = self.trainer.global_rank == 0
    if self.step == 1 and first:
        told_to_end()
    loss = learn(self, batch, batch_idx)
    if self.step == 1 and not first:
        loss.register_hook(told_to_end)
    return loss

FinetuneModule.training_step = training_step
main()
"""


def in_two_processes(
    values: dict, source: str, folder: Path, **environment: str
) -> tuple[int, str, str]:
    """Finetune with `source` for a program: exit code of the first process, what both say."""
    config, script = folder / "run.yaml", folder / "script.py"
    config.write_text(yaml.safe_dump(values), encoding="utf-8")
    script.write_text(source, encoding="utf-8")
    everything = {**os.environ, **environment, "OMP_NUM_THREADS": "1"}
    everything["PYTHONPATH"] = str(Path(__file__).parents[2])
    out = str(folder / "runs")
    started = subprocess.Popen(
        [sys.executable, str(script), "finetune", "--config", str(config), "--out", out],
        env=everything,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, complained = started.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)  # the second process too
        raise
    return started.returncode, said, complained


@pytest.fixture
def two_processes(finetune_config) -> Callable[..., dict]:
    def configure(**changes: object) -> dict:
        return finetune_config(devices=2, accelerator="cpu", **changes).model_dump(mode="json")

    return configure


@pytest.mark.timeout(900)  # seconds of work; minutes where others work too
def test_two_processes_share_the_work(two_processes, tmp_path: Path) -> None:
    values = two_processes(steps=3, accumulate=2, checkpoint_every=2, ema_decay=0.5)
    values |= {"validate_every": 3, "validation": {"tracks": ["b"]}}
    notes, out = tmp_path / "notes", tmp_path / "runs"
    notes.mkdir()
    code, said, complained = in_two_processes(
        values, SCRIPT, tmp_path, NOTES=str(notes), OUT=str(out)
    )
    assert code == 0, complained
    first, second = (
        json.loads((notes / f"{rank}.json").read_text(encoding="utf-8")) for rank in (0, 1)
    )
    assert first["world"] == second["world"] == 2
    # 3 steps of 2 batches in each process, no two of them alike.
    assert len(first["batches"]) == len(second["batches"]) == 6
    assert len({*first["batches"], *second["batches"]}) == 12
    assert first["weights"] == second["weights"]
    # The second process writes nothing; the first one all of it.
    folder = out / "tiny"
    assert [path for path in second["written"] if path.startswith(str(folder))] == []
    names = {Path(path).name for path in first["written"]}
    assert {"state.safetensors", "checkpoint.safetensors", "best.safetensors"} <= names
    assert len(list(folder.glob("tensorboard/**/events*"))) == 1
    assert int(load_file(folder / "state.safetensors")["ema.n_averaged"]) == 3
    # It speaks with one voice.
    lines = said.splitlines()
    assert sum("validation sdr" in line for line in lines) == 1
    assert sum("done; use it with" in line for line in lines) == 1
    assert sum(line.startswith("step 3 of 3: loss") for line in lines) == 1


@pytest.mark.timeout(900)
def test_two_processes_that_are_told_to_end_keep_their_last_step(
    two_processes, tmp_path: Path
) -> None:
    values = two_processes(steps=4, accumulate=1)
    code, said, complained = in_two_processes(values, ENDED, tmp_path)
    assert code == 143, complained
    assert "told to end at step 2 of 4" in said
    folder = tmp_path / "runs" / "tiny"
    assert int(load_file(folder / "state.safetensors")["ema.n_averaged"]) == 2
    assert (folder / "checkpoint.safetensors").is_file()


def test_the_first_process_is_the_one_with_no_number_or_zero(monkeypatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    assert is_first_process()
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert is_first_process()
    monkeypatch.setenv("NODE_RANK", "1")
    assert not is_first_process()


def test_the_first_process_draws_what_a_lone_one_draws() -> None:
    assert stream(5, 7, 0) == [5, 7]
    assert stream(5, 7, 1) == [5, 7, 1]
