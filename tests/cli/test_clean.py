"""The verbs `inspect` and `clean`, run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from carnatic_sep.cli.main import app

RATE = 8000


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    song = tmp_path / "recordings" / "song"
    song.mkdir(parents=True)
    voice, violin = 0.1 * rng.standard_normal((2, 2 * RATE))
    voice[:RATE] = 0.0
    soundfile.write(song / "vocals.wav", voice + 0.3 * violin, RATE, subtype="FLOAT")
    soundfile.write(song / "violin.wav", violin, RATE, subtype="FLOAT")
    return tmp_path / "recordings"


def test_inspect_prints_and_writes(folder: Path, tmp_path: Path):
    result = run("inspect", folder, "--out", tmp_path / "seen", "--json", "--quiet")
    assert result.exit_code == 0, result.output
    (track,) = json.loads(result.stdout)["tracks"]
    assert track["stems"] == ["vocals", "violin"]
    assert (tmp_path / "seen" / "song.png").is_file()
    assert json.loads((tmp_path / "seen" / "song.json").read_text()) == track
    assert "signal to bleed" in run("inspect", folder, "--quiet").stdout


def test_clean_writes_then_skips(folder: Path, tmp_path: Path):
    options = ("clean", folder, "--out", tmp_path / "out", "--rounds", "1", "--quiet")
    first = run(*options, "--json")
    assert first.exit_code == 0, first.output
    facts = json.loads(first.stdout)["tracks"]["song"]
    assert not facts["skipped"]
    assert Path(facts["stems"]["vocals"]).is_file()
    assert json.loads(run(*options, "--json").stdout)["tracks"]["song"]["skipped"]
    refused = run(*options, "--linear")
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    assert run(*options, "--linear", "--overwrite").exit_code == 0


def test_a_track_that_is_not_there_is_named(folder: Path):
    result = run("clean", folder, "--track", "sung", "--quiet")
    assert result.exit_code != 0
    assert "song" in str(result.exception)


def test_recordings_without_stems_are_left_out(folder: Path, tmp_path: Path):
    (folder / "mixed").mkdir()
    soundfile.write(folder / "mixed" / "mixture.wav", 0.1 * np.ones(2 * RATE), RATE)
    cleaned = run("clean", folder, "--out", tmp_path / "out", "--rounds", "1")
    assert cleaned.exit_code == 0, cleaned.output
    assert "left out" in cleaned.stderr
    seen = run("inspect", folder, "--json", "--quiet")
    assert seen.exit_code == 0, seen.output
    assert json.loads(seen.stdout)["left_out"] == ["mixed"]
    nothing = run("clean", folder, "--out", tmp_path / "out", "--track", "mixed", "--quiet")
    assert nothing.exit_code == 1
    assert "no track has stems" in nothing.stderr


def test_ctrl_c_says_that_the_same_command_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("carnatic_sep.leakage.batch.clean_tracks", interrupted)
    result = run("clean", folder, "--out", tmp_path / "out", "--quiet")
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


def test_a_file_in_place_of_a_folder_is_told(folder: Path):
    result = run("clean", folder / "song" / "vocals.wav", "--quiet")
    assert result.exit_code != 0
    assert "this is a file" in str(result.exception)


def test_a_file_that_ends_early_is_told(folder: Path, tmp_path: Path):
    audio, rate = soundfile.read(folder / "song" / "violin.wav")
    soundfile.write(folder / "song" / "violin.wav", audio[: rate * 3 // 2], rate, subtype="FLOAT")
    seen = run("inspect", folder, "--json", "--quiet")
    assert seen.exit_code == 0, seen.output
    (note,) = json.loads(seen.stdout)["notes"]
    assert "violin.wav: ends 0.50 s before" in note
    cleaned = run("clean", folder, "--out", tmp_path / "out", "--rounds", "1", "--quiet")
    assert "violin.wav: ends 0.50 s before" in " ".join(cleaned.stderr.split())


@pytest.mark.parametrize("verb", ["inspect", "clean"])
def test_a_file_in_place_of_the_output_folder_is_told_at_once(verb: str, folder: Path):
    result = run(verb, folder, "--out", folder / "song" / "vocals.wav", "--quiet")
    assert result.exit_code == 2
    assert "is a file" in result.stderr
    assert soundfile.info(folder / "song" / "vocals.wav").frames == 2 * RATE


def test_an_empty_name_is_no_dataset():
    result = run("inspect", "", "--quiet")
    assert "name of a dataset is empty" in str(result.exception)
