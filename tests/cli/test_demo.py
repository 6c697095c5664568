"""The verb `demo`, with a tiny untrained network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from carnatic_sep.cli.main import main
from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.registry import build


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    torch.manual_seed(0)
    model = build(
        "scnet",
        widths=[4, 4, 8],
        dual_path_layers=1,
        n_fft=512,
        hop_frames=256,
        segment_seconds=0.5,
        sample_rate=16000,
    )
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_checkpoint(path, model, Provenance(name="tiny", licence="MIT"))
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["demo", *map(str, arguments)])
    return caught.value.code


def test_prints_a_table_and_where_everything_is(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("--seconds", 1.5, "--model", tiny) == 0
    text = capsys.readouterr().out
    rows = {line.split()[1]: line for line in text.splitlines() if line.startswith("│")}
    assert {"vocals", "violin", "mridangam", "other", "mean"} <= set(rows)
    for place in ("demo/mixture.wav", "demo/truth", "demo/stems", "demo/demo.png"):
        assert str(Path(place)) in text
        assert Path(place).exists()


def test_json_agrees_with_the_files(tiny, tmp_path, capsys):
    out = tmp_path / "கச்சேரி"
    assert run("--out", out, "--seconds", 1.5, "--seed", 2, "--model", tiny, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["sdr"]) == ["vocals", "violin", "mridangam", "other"]
    for score in document["sdr"].values():
        gained = score["estimate_db"] - score["mixture_db"]
        assert score["improvement_db"] == pytest.approx(gained, abs=2e-4)
    assert all(Path(path).is_file() for path in document["stems"].values())
    assert Path(document["picture"]).parent == out


def test_what_cannot_be_is_refused_with_exit_code_2(tiny, tmp_path, capsys):
    assert run("--out", tmp_path, "--seconds", 0.1, "--model", tiny) == 2
    assert "at least 1" in capsys.readouterr().err
    assert run("--out", tmp_path, "--seconds", 1e9, "--model", tiny) == 2
    assert "a demo takes at most 600; `carnatic-sep render`" in capsys.readouterr().err
    assert run("--out", tmp_path, "--model", "defualt") == 2
    assert "unknown model 'defualt'" in capsys.readouterr().err
