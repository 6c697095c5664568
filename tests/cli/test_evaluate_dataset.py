"""`evaluate --dataset` and `compare`: what they print, exit codes, and what bad input gets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.cli.main import main

RATE = 8000
STEMS = ("vocals", "violin")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(map(str, arguments)))
    return int(caught.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Renders of three concerts; estimates called good (20 dB) and fair (14 dB)."""
    root = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(0)
    for track in range(3):
        for stem in STEMS:
            sound = 0.1 * rng.standard_normal(2 * RATE)
            error = rng.standard_normal(2 * RATE)
            error *= np.linalg.norm(sound) / np.linalg.norm(error)
            for name, audio in (
                ("renders", sound),
                ("good", sound + 0.1 * error),
                ("fair", sound + 0.2 * error),
            ):
                path = root / name / f"track-{track}" / f"{stem}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, audio, RATE, subtype="FLOAT")
    return root


def evaluate(folder: Path, name: str, out: Path, *more: object) -> int:
    return run(
        *("evaluate", "--estimates", folder / name, "--dataset", folder / "renders"),
        *("--references", "clean", "--metrics", "sdr,si_sdr", "--baselines", "mixture"),
        *("--excerpt", 0, "--out", out, *more),
    )


def test_bare_options_are_those_of_dataset(folder, tmp_path, capsys) -> None:
    assert evaluate(folder, "good", tmp_path / "out") == 0
    out, err = capsys.readouterr()
    row = next(line for line in out.splitlines() if line.startswith("│ good"))
    assert [cell.strip() for cell in row.split("│")[2:-1]] == ["20.00 [20.00, 20.00]"] * 3
    assert "good against mixture: better: vocals, violin, mean" in out
    assert str(tmp_path / "out" / "report.html") in out
    assert "[3/3] track-2" in err
    assert evaluate(folder, "good", tmp_path / "out") == 2
    assert "give --overwrite" in capsys.readouterr().err
    assert evaluate(folder, "good", tmp_path / "out", "--overwrite", "--json", "--quiet") == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out, parse_constant=pytest.fail)
    assert found["summary"]["good"]["vocals"]["sdr"]["mean"] == pytest.approx(20.0, abs=1e-3)
    assert found == json.loads((tmp_path / "out" / "summary.json").read_text())


def test_two_runs_are_compared(folder, tmp_path, capsys) -> None:
    for name in ("good", "fair"):
        evaluate(folder, name, tmp_path / name, "--quiet")
    capsys.readouterr()
    assert run("compare", tmp_path / "good" / "summary.json", tmp_path / "fair", "--all") == 0
    out = capsys.readouterr().out
    assert "good minus fair, 3 tracks" in out
    assert "good is better" in out
    assert out.count("+6.02 dB") >= 3
    assert "si_sdr" in out
    assert run("compare", tmp_path / "fair", tmp_path / "good", "--json") == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert {claim["better"] for claim in found["claims"]} == {"b"}
    options = ("--system-a", "mixture", "--system-b", "good", "--json")
    assert run("compare", tmp_path / "good", tmp_path / "good", *options) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["a"], found["claims"][0]["better"]) == ("mixture", "b")


def test_one_failed_track_gives_exit_code_1(folder, tmp_path, capsys) -> None:
    for track in range(2):
        path = tmp_path / "some" / f"track-{track}" / "vocals.wav"
        path.parent.mkdir(parents=True)
        path.write_bytes((folder / "good" / f"track-{track}" / "vocals.wav").read_bytes())
    assert (
        run(
            *("evaluate", "dataset", "--estimates", tmp_path / "some"),
            *("--dataset", folder / "renders", "--references", "clean", "--metrics", "sdr"),
            *("--baselines", "none", "--excerpt", 0, "--out", tmp_path / "out"),
        )
        == 1
    )
    out, err = capsys.readouterr()
    assert "failed: " in err
    assert "no estimate of violin, so it has no score" in err
    assert "over 2 of 3 tracks" in " ".join(out.split())
    assert "no estimates of track-2" in (tmp_path / "out" / "report.html").read_text()


def test_wrong_usage(folder, tmp_path, capsys) -> None:
    assert run("evaluate", "--model", "no-such", "--dataset", folder / "renders") == 2
    assert "unknown model 'no-such'" in capsys.readouterr().err
    assert run("evaluate", "--model", "default", "--dataset", "no-such-set") == 2
    assert "unknown dataset or folder 'no-such-set'" in capsys.readouterr().err
    assert run("evaluate", "--dataset", folder / "renders", "--metrics", "sdrr") == 2
    assert "unknown metric 'sdrr'; did you mean" in capsys.readouterr().err
    (tmp_path / "a.json").write_text("{}")
    assert run("compare", tmp_path / "a.json", tmp_path / "none.json") == 1
    assert "a.json: is no summary" in capsys.readouterr().err


def test_the_group_still_has_its_other_commands(capsys) -> None:
    run("evaluate", "--help")
    text = capsys.readouterr().out
    assert all(name in text for name in ("dataset", "mixtures", "concert"))
    run("evaluate", "dataset", "--help")
    assert "--estimates" in capsys.readouterr().out


def test_what_failed_is_told_though_progress_is_not(folder, tmp_path, capsys) -> None:
    mine = tmp_path / "mine" / "track-0"
    mine.mkdir(parents=True)
    for stem in STEMS:
        soundfile.write(mine / f"{stem}.wav", np.full(2 * RATE, 0.1), RATE)
    assert (
        evaluate(tmp_path, "mine", tmp_path / "out", "--quiet", "--dataset", folder / "renders")
        == 1
    )
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(":")[1].strip() for error in errors] == ["track-1", "track-2"]
    assert all("no estimates of" in error for error in errors)
