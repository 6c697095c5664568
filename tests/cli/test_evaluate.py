"""The verb `evaluate`: its table, its description of a concert, and what bad input gets."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from carnatic_sep.cli.main import main
from carnatic_sep.evaluation.scores import Row

RATE = 8000


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", *map(str, arguments)])
    return int(caught.value.code or 0)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "evaluation.yaml"
    path.write_text("data: {}\nmix: {}\n", encoding="utf-8")
    return path


@pytest.fixture
def rows(monkeypatch) -> None:
    made = [
        Row("20 kept-out mixtures", "mixture", {"vocals": -3.0, "violin": -4.5}, 20),
        Row("20 kept-out mixtures", "default", {"vocals": 6.0, "violin": 3.0}, 20),
        Row("real multitrack", "mixture", {"vocals": 1.0, "violin": float("nan")}, 1),
    ]

    def score_sets(config, data_dir, *, models, views, cache, report):
        assert views == 1
        report("mixture 1")
        return made

    monkeypatch.setattr("carnatic_sep.evaluation.scores.score_sets", score_sets)


@pytest.mark.usefixtures("rows")
def test_scores_are_a_table_on_stdout_and_progress_is_on_stderr(config, capsys) -> None:
    assert run("mixtures", config) == 0
    out, err = capsys.readouterr()
    lines = [line for line in out.splitlines() if "mixture" in line or "default" in line]
    assert len(lines) == 3
    assert [cell.strip() for cell in lines[1].split("│")[1:-1]] == [
        *("20 kept-out mixtures", "default", "6.00", "3.00", "4.50")
    ]
    assert err == "mixture 1\n"
    assert run("mixtures", config, "--quiet") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("rows")
def test_json_has_no_nan(config, capsys) -> None:
    assert run("mixtures", config, "--json") == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found[1] == {
        "set": "20 kept-out mixtures",
        "cases": 20,
        "system": "default",
        "sdr_db": {"vocals": 6.0, "violin": 3.0, "mean": 4.5},
    }
    assert found[2]["sdr_db"] == {"vocals": 1.0, "violin": None, "mean": None}


def test_a_missing_folder_or_configuration(config, tmp_path, capsys) -> None:
    assert run("mixtures", config, "--data", tmp_path / "nowhere") == 2
    assert "nowhere: no such folder" in capsys.readouterr().err
    assert run("mixtures", tmp_path / "none.yaml") == 2
    assert "none.yaml: cannot be read" in capsys.readouterr().err


@pytest.fixture
def concert(tmp_path):
    time = np.arange(RATE) / RATE
    voice, violin = 0.25 * np.sin(2 * np.pi * 220 * time), 0.05 * np.sin(2 * np.pi * 1500 * time)
    (tmp_path / "stems").mkdir()
    for name, audio in (
        ("concert.wav", voice + violin),
        ("stems/vocals.wav", voice),
        ("stems/violin.wav", violin),
    ):
        soundfile.write(tmp_path / name, audio, RATE, subtype="FLOAT")
    return tmp_path


def test_a_concert_is_described(concert, capsys) -> None:
    assert run("concert", concert / "concert.wav", concert / "stems") == 0
    out, err = capsys.readouterr()
    cells = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]]
        for line in out.splitlines()
        if line.startswith("│")
    }
    assert list(cells) == ["mixture", "vocals", "violin"]
    assert cells["vocals"][0] == "-15.1"  # 20 log10(0.25 / sqrt 2)
    assert cells["vocals"][2] in ("99%", "100%")
    assert cells["violin"][4] in ("99%", "100%")
    assert "sum of the stems minus mixture: peak -1" in out
    assert "raw pitch accuracy" not in out
    assert "summing the stems" in err


def test_a_concert_as_json_with_its_pitch(concert, capsys) -> None:
    pytest.importorskip("mir_eval")
    pitch = concert / "pitch.txt"
    lines = (f"{k * 0.01:.2f}\t{220.0 if 10 < k < 90 else 0.0}" for k in range(100))
    pitch.write_text("\n".join(lines), encoding="utf-8")
    options = ("--pitch", pitch, "--json", "--quiet")
    assert run("concert", concert / "concert.wav", concert / "stems", *options) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == ""
    assert found["raw_pitch_accuracy"]["vocals"] == 1.0
    assert found["null_db"] < -100
    assert found["sounds"]["vocals"]["centroid_hz"] == pytest.approx(220, abs=10)


def test_what_a_bad_concert_gets(concert, capsys) -> None:
    assert run("concert", concert / "none.wav", concert / "stems") == 1
    assert "none.wav" in capsys.readouterr().err
    assert run("concert", concert / "concert.wav", concert / "none") == 2
    assert "no such folder" in capsys.readouterr().err


def test_the_group_lists_both(capsys) -> None:
    run("--help")
    text = capsys.readouterr().out
    assert "mixtures" in text
    assert "concert" in text
