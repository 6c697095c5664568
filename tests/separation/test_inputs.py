from __future__ import annotations

import errno
import os

import pytest

from carnatic_sep.audio.reader import probe
from carnatic_sep.errors import AudioReadError, UsageError
from carnatic_sep.separation.inputs import find_tracks


@pytest.fixture
def season(tmp_path):
    for name in ("b.MP3", "a.wav", "notes.txt", ".hidden.wav", "disc 2/a.flac", "out/a/vocals.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def test_folders_are_searched_in_order_and_without_our_own_output(season):
    tracks = find_tracks([season], out_dir=season / "out")
    assert [track.name for track in tracks] == ["a", "b", "disc 2/a"]


def test_files_are_taken_as_named_and_once(season):
    tracks = find_tracks([season / "notes.txt", season, season / "a.wav"], out_dir=season / "out")
    assert [track.name for track in tracks] == ["notes", "a", "b", "disc 2/a"]


def test_a_missing_file_is_left_for_the_reader_to_report(tmp_path):
    assert [track.name for track in find_tracks([tmp_path / "x.wav"], out_dir=tmp_path)] == ["x"]


def test_a_folder_without_audio_is_named(tmp_path):
    with pytest.raises(UsageError, match="no audio file"):
        find_tracks([tmp_path], out_dir=tmp_path / "out")
    with pytest.raises(UsageError, match="no input"):
        find_tracks([], out_dir=tmp_path)


def test_a_folder_that_is_also_the_output_says_why_nothing_is_found(season):
    with pytest.raises(UsageError, match=r"no audio file.*lies in --out"):
        find_tracks([season], out_dir=season)


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_links_that_lead_nowhere_are_left_for_the_reader_to_report(season):
    (season / "circle.wav").symlink_to("circle.wav")
    (season / "again").symlink_to(season, target_is_directory=True)
    (season / "gone.wav").symlink_to("nowhere.wav")
    (season / "folder.wav").mkdir()
    os.mkfifo(season / "pipe.wav")
    found = find_tracks([season], out_dir=season / "out")
    assert [track.name for track in found] == ["a", "b", "circle", "disc 2/a", "gone"]
    assert [t.name for t in find_tracks([season / "circle.wav"], out_dir=season)] == ["circle"]
    with pytest.raises(AudioReadError, match=r"circle\.wav: the file cannot be opened"):
        probe(season / "circle.wav")


def test_what_may_not_be_looked_at_is_left_for_the_reader_to_report(season, monkeypatch):
    usual = os.stat

    def locked(path, **options):
        if "disc 2/" in os.fspath(path):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return usual(path, **options)

    monkeypatch.setattr(os, "stat", locked)
    found = find_tracks([season, season / ("x" * 300)], out_dir=season / "out")
    assert [track.name for track in found] == ["a", "b", "disc 2/a", "x" * 300]
    for track in found[2:]:
        with pytest.raises(AudioReadError, match="the file cannot be opened"):
            probe(track.path)
