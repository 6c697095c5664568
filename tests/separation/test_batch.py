from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.separation.batch import check_batch, separate_tracks, unfinished
from carnatic_sep.separation.inputs import Track, find_tracks
from carnatic_sep.separation.separator import Separator
from carnatic_sep.separation.tracks import TrackOptions


class Observer:
    def __init__(self):
        self.events = []

    def begin_track(self, track):
        self.events.append(("begin", track.name))

    def end_track(self, report):
        self.events.append(("end", report.track.name, report.error is None))

    def update(self, *, done_seconds, total_seconds):
        self.events.append("update")

    def warn(self, message):
        self.events.append(("warn", message))


@pytest.fixture
def folder(tmp_path):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (2000, 1))
    for name in ("a", "b", "c"):
        soundfile.write(tmp_path / f"{name}.wav", audio, 8000)
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    return tmp_path


def test_a_bad_file_does_not_stop_the_rest(known_model, folder):
    observer = Observer()
    reports = separate_tracks(
        Separator(known_model(), device="cpu"),
        find_tracks([folder], out_dir=folder / "out"),
        folder / "out",
        options=TrackOptions(),
        observer=observer,
    )
    assert [report.error is None for report in reports] == [True, False, True]
    assert "b.wav" in str(reports[1].error)
    assert reports[2].result.outputs["vocals"].exists()
    ends = [event for event in observer.events if event[0] == "end"]
    assert ends == [("end", "a", True), ("end", "b", False), ("end", "c", True)]


def test_a_mistake_in_a_model_does_not_stop_the_rest_and_is_logged(known_model, folder, caplog):
    calls = []

    def fails_once(mixture):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("oops")
        return model.first_takes_all(mixture)

    model = known_model(fails_once)
    reports = separate_tracks(
        Separator(model, device="cpu"),
        [Track(folder / "a.wav", "a"), Track(folder / "c.wav", "c")],
        folder / "out",
        options=TrackOptions(),
        observer=Observer(),
    )
    assert "unexpected ZeroDivisionError: oops" in str(reports[0].error)
    assert reports[1].error is None
    assert "Traceback" in caplog.text


def test_a_reader_of_the_progress_who_leaves_is_no_fault_of_the_track(known_model, folder):
    class Gone(Observer):
        def update(self, *, done_seconds, total_seconds):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        separate_tracks(
            Separator(known_model(), device="cpu"),
            [Track(folder / "a.wav", "a")],
            folder / "out",
            options=TrackOptions(),
            observer=Gone(),
        )


def test_an_error_of_the_model_names_the_file(known_model, folder):
    model = known_model(lambda mixture: torch.full((len(mixture), 4, *mixture.shape[1:]), np.nan))
    reports = separate_tracks(
        Separator(model, device="cpu"),
        [Track(folder / "a.wav", "a")],
        folder / "out",
        options=TrackOptions(),
        observer=Observer(),
    )
    assert str(reports[0].error).startswith(f"{folder / 'a.wav'}: the model known answered")


def test_usage_is_checked_before_any_work(known_model, folder):
    separator = Separator(known_model(), device="cpu")
    twins = [Track(folder / "a.wav", "a"), Track(folder / "x" / "a.mp3", "a")]
    with pytest.raises(UsageError, match="would both write"):
        check_batch(separator, twins, folder / "out", options=TrackOptions())
    with pytest.raises(UnknownNameError, match="violin"):
        check_batch(separator, twins[:1], folder, options=TrackOptions(stems=("violine",)))
    assert not (folder / "out").exists()


def test_unfinished_files_are_found(known_model, folder):
    separator = Separator(known_model(), device="cpu")
    tracks = [Track(folder / "a.wav", "a")]
    assert unfinished(separator, tracks, folder, options=TrackOptions()) == []
    left = folder / "a" / "vocals.flac.partial"
    left.parent.mkdir()
    left.touch()
    assert unfinished(separator, tracks, folder, options=TrackOptions()) == [left]
