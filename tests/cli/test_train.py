"""The verb `train`, as a user runs it."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from pathlib import Path

import pytest
import yaml

from carnatic_sep.cli.main import main

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


def test_a_dry_run_prints_the_whole_configuration(config, tmp_path, capsys) -> None:
    code = run(config, "--dry-run", "--data", tmp_path / "none", "--set", "mix.seconds=2")
    assert code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["mix"]["seconds"] == 2.0
    assert printed["learning_rate"] == 0.001
    # What is printed is a configuration again.
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(printed), encoding="utf-8")
    assert run(again, "--dry-run") == 0
    assert yaml.safe_load(capsys.readouterr().out) == printed


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
