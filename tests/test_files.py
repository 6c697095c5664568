"""Files that get their name when they are whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carnatic_sep.files import growing, partial


@pytest.mark.parametrize("shared", [False, True])
def test_a_whole_file_gets_its_name(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "new" / "a.json"
    with growing(path, shared=shared) as place:
        assert place.parent == path.parent
        assert (str(os.getpid()) in place.name) is shared
        place.write_text("1")
        assert not path.exists()
    assert path.read_text() == "1"
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_what_breaks_off_leaves_what_was_there(tmp_path: Path, error: type) -> None:
    path = tmp_path / "a.json"
    path.write_text("before")

    def write() -> None:
        with growing(path) as place:
            place.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_nothing_written_is_an_error_and_names_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("before")
    with pytest.raises(FileNotFoundError), growing(path):
        pass
    assert path.read_text() == "before"


def test_a_place_that_cannot_be_is_the_systems_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), growing(tmp_path / "file" / "a.json"):
        pytest.fail("no place")
    assert partial(tmp_path / "a.mp3", "wav").name == "a.mp3.wav.partial"
