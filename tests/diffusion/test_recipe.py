"""The recipe's scripts, from two tracks to a model that separates with clusters of its own."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("diffusers", reason="needs the extra `diffusion`")

from carnatic_sep.diffusion import ColdDiffusionSeparationPipeline
from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata
from carnatic_sep.separation.separator import Separator

RECIPE = Path(__file__).parents[2] / "recipes" / "cold_diffusion"
STEMS = ("vocals", "violin", "mridangam")


def run(monkeypatch, script, *arguments):
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    runpy.run_path(str(RECIPE / script), run_name="__main__")


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for stem in STEMS:
            soundfile.write(folder / f"{stem}.wav", 0.1 * rng.standard_normal((22050, 2)), 22050)
        (folder / "metadata.json").write_text(json.dumps({"mixture_is_sum_of_stems": True}))
    return tmp_path / "data"


def test_from_tracks_to_stems(data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    train = (RECIPE / "small.yaml", "--data", data, "--out", out)
    tiny = ("steps=2", "batch_size=1", "segment_columns=16", "network.multipliers=[1, 2]")
    overrides = [part for each in tiny for part in ("--set", each)]
    run(monkeypatch, "train.py", *train, *overrides)
    assert len((out / "losses.csv").read_text().splitlines()) == 3
    about = read_metadata(out / "checkpoint.safetensors")
    assert (about.architecture, about.provenance.steps) == ("cold_diffusion", 2)
    assert about.stems == (*STEMS, "other")
    pipeline = ColdDiffusionSeparationPipeline.from_pretrained(out / "pipeline")
    assert pipeline.scheduler.config["num_train_timesteps"] == 4

    with pytest.raises(SystemExit, match="holds a trained model already"):
        run(monkeypatch, "train.py", *train)
    run(monkeypatch, "train.py", *train[:-1], tmp_path / "more", "--start", out / "pipeline",
        *overrides)  # fmt: skip
    assert (tmp_path / "more" / "checkpoint.safetensors").is_file()

    tuned = tmp_path / "tuned.safetensors"
    recording = data / "one" / "vocals.wav"
    run(monkeypatch, "cluster.py", out / "checkpoint.safetensors", recording, "--out", tuned)
    assert load_checkpoint(tuned).get_centres().shape == (3, 5, 4)
    audio, rate = soundfile.read(recording, dtype="float32", always_2d=True)
    stems = Separator(tuned).separate(audio.T, rate)
    np.testing.assert_allclose(sum(stems.values()), audio.T, atol=1e-5)
