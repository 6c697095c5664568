"""The verb `datasets`, run as a user runs it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from carnatic_sep.cli.datasets import datasets_app
from carnatic_sep.errors import DatasetError, UnknownNameError, UsageError

RATE = 8000


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(datasets_app, [str(argument) for argument in arguments])


def parsed(*arguments: str | Path) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four songs of one second by four singers."""
    rng = np.random.default_rng(0)
    for number in range(4):
        song = tmp_path / "set" / f"song{number}"
        song.mkdir(parents=True)
        for stem in ("vocals", "mridangam-left", "mridangam-right"):
            soundfile.write(song / f"{stem}.wav", 0.1 * rng.standard_normal(RATE), RATE)
        facts = {"raga": "Todi", "artists": [{"name": f"Singer {number}", "role": "lead"}]}
        (song / "metadata.json").write_text(json.dumps(facts))
    return tmp_path / "set"


def test_list_says_what_was_checked_and_what_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARNATIC_SEP_DATASETS", str(tmp_path))
    (tmp_path / "sanidha").mkdir()
    entries = {entry["name"]: entry for entry in parsed("list")}
    assert entries["sanidha"] == {
        "name": "sanidha",
        "title": "Sanidha",
        "licence": "CC BY 4.0",
        "checked": False,
        "public": False,
        "here": True,
    }
    assert entries["saraga_carnatic"]["public"]
    assert "plain" not in entries
    row = next(line for line in run("list").output.splitlines() if "sanidha" in line)
    assert row.split()[-3:] == ["by", "hand", "yes"]


def test_show_marks_what_could_not_be_checked() -> None:
    output = run("show", "sanidha").output
    assert "NOT CHECKED" in output
    assert "CC BY 4.0" in output
    assert "natcs@gatech.edu" in output
    assert "{stem}" in output


def test_show_lists_tracks(folder: Path) -> None:
    facts = parsed("show", folder, "--tracks")
    assert [track["id"] for track in facts["tracks"]] == [f"song{n}" for n in range(4)]
    assert facts["tracks"][0]["stems"]["mridangam"] == "mridangam-left, mridangam-right"
    assert "Singer 3 (lead)" in run("show", folder, "--tracks").output


def test_validate_exits_with_one_if_anything_is_wrong(folder: Path) -> None:
    sound = run("validate", folder)
    assert sound.exit_code == 0
    assert "4 tracks, 12 files, 0 faults, 4 usable tracks" in sound.output
    (folder / "song1" / "vocals.wav").write_bytes(b"")
    poor = run("validate", folder)
    assert poor.exit_code == 1
    assert "unreadable: " in poor.output
    report = parsed("validate", folder, "--headers-only")
    assert report["faults"] == 1
    assert report["usable"] == ["song0", "song2", "song3"]
    assert report["problems"][0]["track"] == "song1"


def test_stats_count_hours(folder: Path) -> None:
    stats = parsed("stats", folder)
    assert stats["hours"] == pytest.approx(4 / 3600)
    assert stats["stems"]["mridangam"] == {"tracks": 4, "hours": pytest.approx(4 / 3600)}
    assert stats["microphones"] == {"mridangam-left": 4, "mridangam-right": 4, "vocals": 4}
    assert stats["ragas"] == {"Todi": 4}
    output = run("stats", folder).output
    assert "multitracks:          4" in output
    assert "Singer 0 (1)" in output


def test_split_writes_a_file_that_is_then_used(folder: Path) -> None:
    made = parsed("split", folder, "--parts", "train=0.5,test=0.5", "--seed", "3")
    assert sorted(i for part in made["parts"].values() for i in part["tracks"]) == [
        f"song{n}" for n in range(4)
    ]
    assert made["parts"]["test"]["hours"] == pytest.approx(2 / 3600)
    assert parsed("stats", folder)["parts"]["test"]["tracks"] == 2
    again = run("split", folder)
    assert isinstance(again.exception, UsageError)
    assert "--overwrite" in str(again.exception)
    out = folder.parent / "other.yaml"
    assert run("split", folder, "--by", "concert", "--out", out).exit_code == 0
    assert "by: concert" in out.read_text()


def test_split_names_what_cannot_be_opened(folder: Path) -> None:
    for path in (folder / "song0").glob("*.wav"):
        path.write_text("no audio")
    result = run("split", folder, "--quiet")
    assert result.exit_code == 0, result.output
    assert "in no part, since it cannot be opened: song0" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (["show", "sanidah"], UnknownNameError, "sanidha"),
        (["split", "FOLDER", "--by", "guru"], UnknownNameError, "accompanist"),
        (["split", "FOLDER", "--parts", "train"], UsageError, "train=0.8"),
        (["split", "FOLDER", "--parts", "train=1,test=0"], UsageError, "'test=0'"),
        (["download", "FOLDER"], UsageError, "your own folder"),
        (["stats", "scms", "--root", "FOLDER/none"], DatasetError, "no such folder"),
    ],
)
def test_mistakes_are_named(
    folder: Path, arguments: list[str], kind: type[Exception], said: str
) -> None:
    error = run(*(argument.replace("FOLDER", str(folder)) for argument in arguments)).exception
    assert isinstance(error, kind)
    assert said in str(error)


def test_progress_goes_to_stderr_unless_quiet(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carnatic_sep.cli import _steps

    monkeypatch.setattr(_steps, "_SECONDS_BETWEEN_LINES", 0.0)
    loud = run("validate", folder)
    assert "checking song0: 25 %" in loud.stderr
    assert "checking song0" not in loud.stdout
    assert run("validate", folder, "--quiet").stderr == ""


def test_a_terminal_sees_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    from carnatic_sep.cli._steps import Steps

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with Steps(quiet=False) as steps:
        steps("unpacking", 7, None)
        steps("checking [a] song", 1, 2)
    assert "checking [a] song" in screen.getvalue()
    assert "50%" in screen.getvalue()
