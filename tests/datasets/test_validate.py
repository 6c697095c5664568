"""A folder with every fault there is: each is named once, and the sound track stays usable."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets.registry import Dataset, load_dataset
from carnatic_sep.datasets.validate import validate
from carnatic_sep.errors import DatasetError

RATE = 8000
LAYOUT = """
name: mine
title: Mine
licence: ours
checked: true
stems: ["{track}/{stem}.{ext}"]
mixture: ["{track}/{mixture}.{ext}"]
metadata: {files: ["{track}/metadata.json"]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tracks of four whole files each."""
    rng = np.random.default_rng(0)
    for track in ("good", "poor"):
        (tmp_path / "set" / track).mkdir(parents=True)
        for stem in ("vocals", "violin", "mridangam"):
            noise = 0.1 * rng.standard_normal(2 * RATE)
            soundfile.write(tmp_path / "set" / track / f"{stem}.mp3", noise, RATE)
    return tmp_path / "set"


def dataset(folder: Path) -> Dataset:
    layout = folder.parent / "mine.yaml"
    layout.write_text(LAYOUT)
    return load_dataset(layout, root=folder)


def found(folder: Path, *, decode: bool = True) -> list[tuple[str, str, str | None]]:
    report = validate(dataset(folder), decode=decode)
    return [(p.kind, p.track, p.file.name if p.file else None) for p in report.problems]


def test_a_sound_dataset_has_no_faults(folder: Path) -> None:
    told: list[int] = []
    report = validate(dataset(folder), on_progress=lambda step, done, total: told.append(done))
    assert report.problems == []
    assert report.usable == ["good", "poor"]
    assert (report.files, report.seconds) == (6, pytest.approx(12.0, abs=1e-9))
    assert told == [1, 2, 3, 4, 5, 6]


def test_a_missing_stem(folder: Path) -> None:
    (folder / "poor" / "violin.mp3").unlink()
    assert found(folder) == [("missing stem", "poor", None)]


def test_a_truncated_mp3(folder: Path) -> None:
    path = folder / "poor" / "vocals.mp3"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    report = validate(dataset(folder))
    (problem,) = report.problems
    assert (problem.kind, problem.file) == ("truncated", path)
    assert "decoding stops at" in problem.message
    assert report.usable == ["good"]


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>" * 30])
def test_a_file_that_is_no_audio(folder: Path, content: bytes) -> None:
    (folder / "poor" / "vocals.mp3").write_bytes(content)
    for decode in (True, False):
        assert found(folder, decode=decode) == [("unreadable", "poor", "vocals.mp3")]


@pytest.mark.parametrize("decode", [True, False])
def test_unequal_lengths(folder: Path, decode: bool) -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(RATE)
    soundfile.write(folder / "poor" / "violin.mp3", noise, RATE)
    assert found(folder, decode=decode) == [("unequal length", "poor", "violin.mp3")]


@pytest.mark.parametrize("level", [0.0, 5e-4])
def test_a_silent_stem(folder: Path, level: float) -> None:
    (folder / "poor" / "violin.mp3").unlink()
    hum = level * np.sin(np.arange(2 * RATE))
    soundfile.write(folder / "poor" / "violin.wav", hum, RATE, subtype="FLOAT")
    assert found(folder) == [("silent", "poor", "violin.wav")]


def test_a_duplicated_file_names_its_twin(folder: Path) -> None:
    shutil.copy(folder / "good" / "violin.mp3", folder / "poor" / "violin.mp3")
    (problem,) = validate(dataset(folder)).problems
    assert problem.kind == "duplicate"
    assert str(folder / "good" / "violin.mp3") in problem.message
    assert str(folder / "poor" / "violin.mp3") in problem.message


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_wrong_checksums_and_missing_files(folder: Path, algorithm: str) -> None:
    lines = [
        f"{hashlib.new(algorithm, path.read_bytes()).hexdigest()}  {path.relative_to(folder)}"
        for path in sorted(folder.rglob("*.mp3"))
    ]
    wrong = hashlib.new(algorithm, b"another").hexdigest()
    (folder / f"{algorithm.upper()}SUMS").write_text(
        "\n".join([*lines[:-1], f"{wrong}  {lines[-1].split('  ')[1]}", f"{wrong}  poor/other.mp3"])
    )
    report = validate(dataset(folder))
    assert sorted((p.kind, p.file and p.file.name) for p in report.problems) == [
        ("missing file", "other.mp3"),
        ("wrong checksum", "vocals.mp3"),
    ]
    assert report.checksums_from.endswith("SUMS")


def test_a_checksum_list_that_is_none(folder: Path) -> None:
    (folder / "MD5SUMS").write_text("hello\n")
    assert found(folder) == [("bad metadata", "", None)]


def test_damaged_metadata_and_names_nobody_knows(folder: Path) -> None:
    (folder / "poor" / "metadata.json").write_text("{")
    soundfile.write(folder / "poor" / "take5.wav", np.ones(9), RATE)
    report = validate(dataset(folder))
    assert [(p.kind, p.track) for p in report.problems] == [
        ("bad metadata", "poor"),
        ("unused file", "poor"),
    ]
    assert [p.kind for p in report.faults] == ["bad metadata"]
    assert report.usable == ["good", "poor"]


def test_people_on_both_sides_of_the_split(folder: Path) -> None:
    for track in ("good", "poor"):
        (folder / track / "metadata.json").write_text('{"artists": [{"name": "Lalgudi"}]}')
    (folder.parent / "mine.yaml").write_text("")
    (folder / "split.yaml").write_text(
        "dataset: mine\nby: accompanist\nparts: {train: [good], test: [poor]}\n"
    )
    layout = folder.parent / "artists.yaml"
    layout.write_text(
        LAYOUT.replace('metadata.json"]', 'metadata.json"], artists: artists').strip() + "\n"
    )
    report = validate(load_dataset(layout, root=folder))
    (problem,) = report.problems
    assert problem.kind == "split"
    assert "Lalgudi is in both train and test" in problem.message
    (folder / "split.yaml").write_text("dataset: mine\nby: concert\nparts: {train: [good]}\n")
    report = validate(load_dataset(layout, root=folder))
    assert [(p.kind, p.track) for p in report.problems] == [("in no part", "poor")]
    assert report.faults == []


def test_a_dataset_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        validate(dataset(tmp_path / "nowhere"))
