"""Two processes on one machine: each its own data, the same weights, and one that writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
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


@pytest.mark.timeout(900)  # seconds of work; minutes where others work too
def test_two_processes_share_the_work(finetune_config, tmp_path: Path) -> None:
    values = finetune_config(
        steps=3, accumulate=2, devices=2, accelerator="cpu", checkpoint_every=2, ema_decay=0.5
    ).model_dump(mode="json")
    config = tmp_path / "run.yaml"
    config.write_text(
        yaml.safe_dump(values | {"validate_every": 3, "validation": {"tracks": ["b"]}}),
        encoding="utf-8",
    )
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    notes, out = tmp_path / "notes", tmp_path / "runs"
    notes.mkdir()
    environment = {**os.environ, "NOTES": str(notes), "OUT": str(out), "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    started = subprocess.Popen(
        [sys.executable, str(script), "finetune", "--config", str(config), "--out", str(out)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, complained = started.communicate(timeout=840)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)  # the second process too
        raise
    assert started.returncode == 0, complained
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
