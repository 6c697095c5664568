"""The verb `train`, as a user runs it."""

from __future__ import annotations

import json
import logging
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from carnatic_sep.cli.main import main
from carnatic_sep.training.config import load_config

pytest.importorskip("lightning")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["train", *map(str, arguments)])
    return int(caught.value.code or 0)


@pytest.fixture(autouse=True)
def _leave_logs_and_warnings_as_they_were():
    names = ("lightning.pytorch", "lightning.fabric")
    levels = [logging.getLogger(name).level for name in names]
    with warnings.catch_warnings():
        yield
    for name, level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def config(tmp_path: Path, solo_split) -> Path:
    path = tmp_path / "run.yaml"
    values = {
        "name": "tiny",
        "model": {"widths": [4, 6], "hidden": 4, "n_fft": 2048, "bands_per_octave": 12},
        "data": solo_split,
        "mix": {"seconds": 1.0, "room": 0.0},
        "loss": "band_complex_l1",
        "steps": 2,
        "batch_size": 1,
        "workers": 0,
    }
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.mark.usefixtures("quick_accompaniment")
def test_a_dry_run_prints_configuration_data_size_memory_and_time(
    config, tmp_path, solo_dir, contour_cache, capsys
) -> None:
    out = tmp_path / "runs"
    shutil.copytree(contour_cache, out / "cache")
    where = ("--data", solo_dir, "--out", out)
    assert run(config, "--dry-run", *where, "--set", "mix.seconds=2") == 0
    text = capsys.readouterr().out
    printed = yaml.safe_load(text)
    assert printed["mix"]["seconds"] == 2.0
    assert printed["learning_rate"] == 0.001
    assert "# data: 2 voice clips, 0.1 min" in text
    assert "problem" not in text
    (size,) = re.findall(r"# network: ([\d,]+) parameters", text)
    assert 100 < int(size.replace(",", "")) < 100_000
    (memory,) = re.findall(r"# memory: ([\d,]+) MB at the peak of a step", text)
    assert 100 < int(memory.replace(",", "")) < 20_000
    speed, hours = re.findall(r"# time: ([\d.]+) steps/s; .* \(([\d.]+) h\) for 2 steps", text)[0]
    assert float(hours) == pytest.approx(2 / float(speed) / 3600, abs=0.006)
    # One picture, and nothing that a run leaves.
    assert [path.name for path in (out / "tiny").iterdir()] == ["dry-run.png"]
    assert (out / "tiny" / "dry-run.png").read_bytes()[:4] == b"\x89PNG"
    # What is printed is a configuration again.
    again = tmp_path / "again.yaml"
    again.write_text(text, encoding="utf-8")
    assert load_config(again).model_dump(mode="json") == printed


@pytest.mark.usefixtures("quick_accompaniment")
def test_a_dry_run_names_what_is_wrong_with_the_recordings(
    config, tmp_path, solo_dir, contour_cache, capsys
) -> None:
    shutil.copytree(contour_cache, tmp_path / "runs" / "cache")
    recordings = tmp_path / "recordings"
    shutil.copytree(solo_dir, recordings)
    stroke = recordings / "mridangam" / "strokes" / "din" / "din-1.wav"
    soundfile.write(stroke, np.zeros(5000), 44100)
    piece = recordings / "violin" / "bach" / "used_1.wav"
    soundfile.write(piece, np.sign(np.sin(np.arange(90000) / 30)), 44100, subtype="FLOAT")
    wrong = ("--set", "data.rooms=[rir/*, halls/*]")
    code = run(config, "--dry-run", "--data", recordings, "--out", tmp_path / "runs", *wrong)
    assert code == 1
    problems = [
        line.removeprefix("# problem: ")
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("# problem")
    ]
    assert len(problems) == 3
    assert problems[0] == "violin/bach/used_1.wav: clipped: 100.0 % at full scale"
    assert problems[1] == "mridangam/strokes/din/din-1.wav: silent"
    assert problems[2].startswith("halls/*: no recording in ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "steps=none"], "run.yaml: steps: "),
        (["--set", "steps"], "key=value"),
        (["--data", "nowhere"], "nowhere: no such folder; name the folder of solo recordings"),
    ],
)
def test_faults_are_one_line_and_code_2(config, tmp_path, capsys, arguments, said) -> None:
    assert run(config, "--out", tmp_path / "runs", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_missing_configuration(tmp_path, capsys) -> None:
    assert run(tmp_path / "none.yaml") == 2
    assert "none.yaml: cannot be read" in capsys.readouterr().err


def test_a_missing_extra_is_named(config, monkeypatch, capsys) -> None:
    monkeypatch.setattr("carnatic_sep.cli._terminal.find_spec", lambda name: None)
    assert run(config) == 2
    assert "pip install 'carnatic-sep[train]'" in capsys.readouterr().err


@pytest.mark.usefixtures("quick_accompaniment")
def test_training_prints_plain_lines_and_a_model_that_can_be_shown(
    config, tmp_path, solo_dir, contour_cache, capfd
) -> None:
    shutil.copytree(contour_cache, tmp_path / "runs" / "cache")
    assert run(config, "--data", solo_dir, "--out", tmp_path / "runs") == 0
    out, err = capfd.readouterr()
    lines = out.splitlines()
    assert any(line.startswith("step 1 of 2: loss ") for line in lines)
    checkpoint = tmp_path / "runs" / "tiny" / "checkpoint.safetensors"
    assert lines[-1].startswith(f"{checkpoint}: done; use it with carnatic-sep separate")
    for chatter in ("Tip", "GPU available", "TPU", "max_steps", "litlogger"):
        assert chatter not in out + err

    with pytest.raises(SystemExit) as caught:
        main(["models", "show", str(checkpoint)])
    assert not caught.value.code
    assert "some/voices (CC BY 4.0)" in capfd.readouterr().out

    assert run(config, "--data", solo_dir, "--out", tmp_path / "runs") == 0
    assert "all 2 steps are done" in capfd.readouterr().out

    # The same checkpoint is scored beside the baselines.
    evaluation = tmp_path / "evaluation.yaml"
    values = yaml.safe_load(config.read_text(encoding="utf-8"))
    mix = {"seconds": 1.0, "shadow": 1.0, "piece": 0.0, "absent": {}, "room": 0.0}
    evaluation.write_text(
        yaml.safe_dump({"data": values["data"], "mix": mix, "mixtures": 2}), encoding="utf-8"
    )
    with pytest.raises(SystemExit) as caught:
        main(
            [
                *("evaluate", "mixtures", str(evaluation), "--data", str(solo_dir), "--json"),
                *("--cache", str(contour_cache), "--model", str(checkpoint), "--quiet"),
            ]
        )
    assert not caught.value.code
    out, err = capfd.readouterr()
    rows = json.loads(out)
    assert [row["system"] for row in rows][-1] == str(checkpoint)
    assert {row["cases"] for row in rows} == {2}
    by_name = {row["system"]: row["sdr_db"]["mean"] for row in rows}
    assert by_name["oracle ratio mask"] > by_name["mixture"] + 3
    assert err == ""
