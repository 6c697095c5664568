"""An interrupted batch goes on, and never takes something else for what is asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.errors import CarnaticSepError
from carnatic_sep.separation.finished import is_finished
from carnatic_sep.separation.inputs import Track
from carnatic_sep.separation.separator import Separator
from carnatic_sep.separation.tracks import TrackOptions


@pytest.fixture
def track(tmp_path):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (2000, 1))
    soundfile.write(tmp_path / "பாட்டு.wav", audio, 8000)
    return Track(tmp_path / "பாட்டு.wav", "பாட்டு")


@pytest.fixture
def separator(known_model):
    return Separator(known_model(), device="cpu")


@pytest.fixture
def done(separator, track, tmp_path):
    options = TrackOptions()
    separator.separate_file(track.path, tmp_path / "out", options=options, track=track.name)

    def ask(*, separator=separator, options=options):
        return is_finished(separator, track, tmp_path / "out", options=options)

    assert ask()
    return ask


def test_nothing_is_finished_before_it_is_begun(separator, track, tmp_path):
    assert not is_finished(separator, track, tmp_path / "out", options=TrackOptions())


def test_batches_of_another_size_are_the_same_separation(done, known_model):
    assert done(separator=Separator(known_model(), device="cpu", batch_size=3))


def test_other_settings_are_another_separation(done, known_model):
    model = known_model()
    assert not done(separator=Separator(model, device="cpu", overlap=0.5))
    assert not done(separator=Separator(model, device="cpu", segment_seconds=0.2))
    assert not done(separator=_twice(model))
    assert not done(options=TrackOptions(downmix="mono"))
    assert not done(options=TrackOptions(output_format=OutputFormat("flac", "16")))
    model.architecture = "another"
    assert not done(separator=Separator(model, device="cpu"))


def _twice(model):
    separator = Separator(model, device="cpu")
    separator.views = 2
    return separator


def test_a_record_from_before_there_were_views_still_counts(done, tmp_path):
    (record,) = (tmp_path / "out").rglob("*.json")
    document = json.loads(record.read_text(encoding="utf-8"))
    assert document["options"].pop("views") == 1
    record.write_text(json.dumps(document), encoding="utf-8")
    assert done()


def test_another_recording_of_that_name_is_not_done(done, track):
    audio, rate = soundfile.read(track.path)
    soundfile.write(track.path, audio[::-1], rate)
    assert not done()
    track.path.unlink()
    assert not done()


def test_a_stem_that_is_gone_is_not_done(done, tmp_path):
    (tmp_path / "out" / "பாட்டு" / "violin.flac").unlink()
    assert not done()


def test_an_earlier_record_counts_too(done, separator, track, tmp_path):
    minus = TrackOptions(mix_minus=("violin",))
    separator.separate_file(track.path, tmp_path / "out", options=minus, track=track.name)
    assert done()
    assert done(options=minus)
    assert not done(options=replace(minus, mix_minus=("vocals",)))


@pytest.mark.parametrize("spoilt", ["", "[]", "3", '{"outputs": 3}', '{"earlier": 5}', "null"])
def test_a_record_that_is_none_is_not_done(done, tmp_path, spoilt):
    (tmp_path / "out" / "பாட்டு" / "separation.json").write_text(spoilt)
    assert not done()


def test_an_interrupt_while_it_is_verified_leaves_it_done(separator, track, tmp_path, monkeypatch):
    def interrupt(*ignored, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("carnatic_sep.separation.tracks.null_depth", interrupt)
    options = TrackOptions(verify=True)
    with pytest.raises(KeyboardInterrupt):
        separator.separate_file(track.path, tmp_path / "out", options=options, track=track.name)
    assert is_finished(separator, track, tmp_path / "out", options=options)


def test_an_old_record_does_not_speak_for_what_replaces_its_files(
    done, separator, track, tmp_path, monkeypatch
):
    other = TrackOptions(downmix="mono", overwrite=True, verify=True)
    monkeypatch.setattr("carnatic_sep.separation.tracks.null_depth", lambda *a, **k: -20.0)
    with pytest.raises(CarnaticSepError, match="do not rely on them"):
        separator.separate_file(track.path, tmp_path / "out", options=other, track=track.name)
    assert not done()
    assert not done(options=other)  # what does not sum up is not done

    def interrupt(self):
        raise KeyboardInterrupt

    separator.separate_file(
        track.path, tmp_path / "out", options=TrackOptions(overwrite=True), track=track.name
    )
    assert done()
    monkeypatch.setattr("carnatic_sep.audio.writer.StemWriter.commit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        separator.separate_file(track.path, tmp_path / "out", options=other, track=track.name)
    assert not done(options=other)


def test_a_damaged_separation_is_not_done(done, tmp_path):
    sidecar = tmp_path / "out" / "பாட்டு" / "separation.json"
    record = json.loads(sidecar.read_text(encoding="utf-8"))
    sidecar.write_text(json.dumps({**record, "status": "damaged"}))
    assert not done()
