"""Files that get their name when they are whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carnatic_sep.files import below, growing, partial


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


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    shelf, disk = tmp_path / "shelf", tmp_path / "disk"
    (shelf / "1998" / "season").mkdir(parents=True)
    (disk / "1999").mkdir(parents=True)
    for path in (shelf / "1998" / "season" / "a.wav", disk / "1999" / "b.wav", shelf / "c.wav"):
        path.write_bytes(b"")
    (shelf / "1999").symlink_to(disk / "1999")
    (shelf / "a link, first by name").symlink_to(shelf / "1998")
    (shelf / "1998" / "circle").symlink_to(shelf)
    (disk / "1999" / "back").symlink_to(tmp_path)
    (shelf / "gone").symlink_to(tmp_path / "nowhere")
    found = [path.relative_to(shelf).as_posix() for path in below(shelf)]
    assert len(found) == len(set(found))
    sounds = [name for name in found if name.endswith(".wav")]
    assert sorted(sounds) == ["1998/season/a.wav", "1999/b.wav", "c.wav"]
    assert {"gone", "1998", "1998/season", "1999", "1999/back"} <= set(found)
