"""One recording from file to files."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest
import soundfile
import torch

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.errors import AudioReadError, AudioWriteError, CarnaticSepError, UsageError
from carnatic_sep.separation import tracks
from carnatic_sep.separation.batch import separate_tracks, unfinished
from carnatic_sep.separation.inputs import find_tracks
from carnatic_sep.separation.naming import FilenameTemplate
from carnatic_sep.separation.progress import Silent
from carnatic_sep.separation.separator import Separator
from carnatic_sep.separation.tracks import TrackOptions
from carnatic_sep.transfer.lock import only_one

FLOAT = OutputFormat("wav", "32f")


def noise(frames, channels=2, level=0.5):
    return np.random.default_rng(0).uniform(-level, level, (frames, channels))


def thirds(mixture):
    return torch.stack([mixture / 3, mixture.flip(-1) / 4, mixture.roll(5, -1) / 5], dim=1)


@pytest.fixture
def separator(known_model):
    model = known_model(thirds, stems=("vocals", "violin", "other"), sample_rate=16000)
    return Separator(model, device="cpu")


def read(path):
    return soundfile.read(path, always_2d=True)


@pytest.mark.parametrize("sample_rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_rate_channels_length_and_sum_are_the_inputs(separator, tmp_path, sample_rate, channels):
    audio = noise(sample_rate // 4 + 7, channels)
    soundfile.write(tmp_path / "a.wav", audio, sample_rate, subtype="FLOAT")
    options = TrackOptions(output_format=FLOAT, verify=True)
    result = separator.separate_file(tmp_path / "a.wav", tmp_path / "out", options=options)
    stems = {name: read(path) for name, path in result.outputs.items()}
    assert list(stems) == ["vocals", "violin", "other"]
    assert all(rate == sample_rate for _, rate in stems.values())
    residual = np.abs(sum(stem for stem, _ in stems.values()) - audio).max()
    assert 20 * np.log10(residual) < -90
    assert result.null_depth_db < -90
    assert result.seconds == pytest.approx(len(audio) / sample_rate)


def test_the_default_is_24_bit_flac_in_a_folder_of_the_tracks_name(separator, tmp_path):
    source = tmp_path / "காவேரி 'one' \"two\" రాగం राग.wav"
    soundfile.write(source, noise(4000), 16000)
    result = separator.separate_file(source, tmp_path / "out dir")
    assert result.outputs["vocals"] == tmp_path / "out dir" / source.stem / "vocals.flac"
    assert soundfile.info(result.outputs["vocals"]).subtype == "PCM_24"
    assert sorted(path.name for path in result.sidecar.parent.iterdir()) == [
        "other.flac",
        "separation.json",
        "violin.flac",
        "vocals.flac",
    ]


def test_the_record_says_what_was_done(separator, tmp_path):
    source = tmp_path / "a.wav"
    soundfile.write(source, noise(4000), 8000)
    result = separator.separate_file(source, tmp_path, options=TrackOptions(verify=True))
    record = json.loads(result.sidecar.read_text(encoding="utf-8"))
    assert record["format"] == "carnatic-sep-separation-1"
    assert record["status"] == "complete"
    assert record["input"]["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record["input"]["frames"] == 4000
    assert record["model"]["architecture"] == "known"
    assert record["options"]["overlap"] == 0.25
    assert record["outputs"] == {f"{name}.flac": name for name in ("vocals", "violin", "other")}
    assert record["gain"] == 1.0
    assert record["null_depth_db"] == pytest.approx(result.null_depth_db)


def test_the_same_bytes_every_time(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(30000), 44100)
    runs = [separator.separate_file(tmp_path / "a.wav", tmp_path / run) for run in ("1", "2")]
    for name in separator.stems:
        assert runs[0].outputs[name].read_bytes() == runs[1].outputs[name].read_bytes()


def test_some_stems_and_minus_one(separator, tmp_path):
    audio = noise(5000, level=0.3)
    soundfile.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    options = TrackOptions(
        stems=("vocals",), mix_minus=("vocals",), output_format=FLOAT, verify=True
    )
    result = separator.separate_file(tmp_path / "a.wav", tmp_path, options=options)
    assert set(result.outputs) == {"vocals", "mix-minus-vocals"}
    assert result.outputs["mix-minus-vocals"].name == "mix-minus-vocals.wav"
    parts = [read(path)[0] for path in result.outputs.values()]
    np.testing.assert_allclose(sum(parts), audio, atol=1e-6)
    assert result.null_depth_db < -120


def test_stems_that_cannot_be_verified_are_not_and_a_warning_says_so(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(500), 16000)
    options = TrackOptions(stems=("vocals",), verify=True)
    result = separator.separate_file(tmp_path / "a.wav", tmp_path, options=options)
    assert result.null_depth_db is None
    assert "not verified" in result.warnings[0]


def test_a_second_run_for_another_stem_keeps_the_first_ones_record(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(500), 16000)
    for stem in ("vocals", "violin", "other"):
        result = separator.separate_file(
            tmp_path / "a.wav", tmp_path, options=TrackOptions(stems=(stem,))
        )
    record = json.loads(result.sidecar.read_text(encoding="utf-8"))
    assert [list(r["outputs"]) for r in [record, *record["earlier"]]] == [
        ["other.flac"],
        ["violin.flac"],
        ["vocals.flac"],
    ]


@pytest.mark.parametrize("output_format", [OutputFormat("wav", "16"), OutputFormat("flac", "24")])
def test_a_loud_input_gets_one_gain_for_all_stems(separator, tmp_path, output_format):
    audio = noise(6000, level=2.0)
    soundfile.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    options = TrackOptions(output_format=output_format, verify=True)
    result = separator.separate_file(tmp_path / "a.wav", tmp_path, options=options)
    assert result.gain == pytest.approx(1 / np.abs(audio).max(), rel=1e-4)
    total = sum(read(path)[0] for path in result.outputs.values())
    np.testing.assert_allclose(total, audio * result.gain, atol=4 / 32768)
    assert result.null_depth_db < -70
    record = json.loads(result.sidecar.read_text(encoding="utf-8"))
    assert record["gain"] == result.gain


def test_floating_point_needs_no_gain(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(6000, level=3.0), 16000, subtype="FLOAT")
    options = TrackOptions(output_format=FLOAT)
    assert separator.separate_file(tmp_path / "a.wav", tmp_path, options=options).gain == 1.0


def test_a_loud_stem_of_a_quiet_input_gets_a_common_gain_too(known_model, tmp_path):
    def opposed(mixture):
        return torch.stack([mixture * 4, mixture * -3], dim=1)

    separator = Separator(known_model(opposed, stems=("vocals", "other")), device="cpu")
    audio = noise(6000, level=0.5)
    soundfile.write(tmp_path / "a.wav", audio, 8000)
    result = separator.separate_file(
        tmp_path / "a.wav", tmp_path, options=TrackOptions(verify=True)
    )
    assert result.gain == pytest.approx(0.5, rel=1e-2)
    assert result.null_depth_db < -110


def test_existing_outputs_are_kept_unless_told_otherwise(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(500), 16000)
    separator.separate_file(tmp_path / "a.wav", tmp_path)
    kept = tmp_path / "a" / "vocals.flac"
    kept.write_bytes(b"precious")
    with pytest.raises(AudioWriteError, match="--overwrite"):
        separator.separate_file(tmp_path / "a.wav", tmp_path)
    assert kept.read_bytes() == b"precious"
    separator.separate_file(tmp_path / "a.wav", tmp_path, options=TrackOptions(overwrite=True))
    assert kept.read_bytes() != b"precious"


def test_no_output_replaces_the_input_even_with_overwrite(separator, tmp_path):
    source = tmp_path / "vocals.wav"
    soundfile.write(source, noise(500), 16000)
    before = source.read_bytes()
    options = TrackOptions(
        overwrite=True,
        output_format=OutputFormat("wav", "16"),
        filename=FilenameTemplate("{stem}.{ext}"),
    )
    with pytest.raises(AudioWriteError, match="its own input"):
        separator.separate_file(source, tmp_path, options=options)
    assert source.read_bytes() == before


@pytest.mark.parametrize("suffix", ["flac", "wav", "mp3"])
def test_a_truncated_file_is_separated_up_to_the_break(separator, tmp_path, suffix):
    whole, source = tmp_path / f"whole.{suffix}", tmp_path / f"a.{suffix}"
    soundfile.write(whole, noise(160_000, level=0.2), 16000)
    data = whole.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioReadError, match=r"stops at 00:00:0\d.*kept as \*\.partial") as caught:
        separator.separate_file(source, tmp_path / "out")
    assert caught.value.exit_code == 1
    names = sorted(path.name for path in (tmp_path / "out" / "a").iterdir())
    partials = [f"{name}.flac.partial" for name in ("other", "violin", "vocals")]
    assert names == sorted([*partials, "separation.json"])
    stem, rate = read(tmp_path / "out" / "a" / "vocals.flac.partial")
    assert 3.5 < len(stem) / rate < 6.5
    record = json.loads((tmp_path / "out" / "a" / "separation.json").read_text(encoding="utf-8"))
    assert record["status"] == "damaged"
    assert "stops at" in record["damage"]
    assert set(record["outputs"]) == set(partials)


def test_nan_is_refused_before_anything_is_written(separator, tmp_path):
    audio = noise(32000)
    audio[24000, 1] = np.nan
    soundfile.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    with pytest.raises(AudioReadError, match=r"00:00:01\.5"):
        separator.separate_file(tmp_path / "a.wav", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_more_than_two_channels_need_a_downmix(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(2000, channels=6), 16000)
    with pytest.raises(AudioReadError, match="--downmix"):
        separator.separate_file(tmp_path / "a.wav", tmp_path / "out")
    options = TrackOptions(downmix="mono", verify=True)
    result = separator.separate_file(tmp_path / "a.wav", tmp_path / "out", options=options)
    assert soundfile.info(result.outputs["vocals"]).channels == 1
    assert result.null_depth_db < -110


def test_a_rate_that_a_format_does_not_have_leaves_nothing(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(2000), 44100)
    options = TrackOptions(output_format=OutputFormat("opus"))
    with pytest.raises(UsageError, match="44100"):
        separator.separate_file(tmp_path / "a.wav", tmp_path / "out", options=options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["ogg", "mp3", "opus"])
def test_lossy_formats_keep_the_length(separator, tmp_path, name):
    soundfile.write(tmp_path / "a.wav", noise(30000, level=0.2), 16000)
    options = TrackOptions(output_format=OutputFormat(name), verify=True)
    result = separator.separate_file(tmp_path / "a.wav", tmp_path, options=options)
    assert soundfile.info(result.outputs["violin"]).frames == 30000
    assert result.null_depth_db < 0


def test_stems_that_do_not_sum_up_are_an_error(separator, tmp_path, monkeypatch):
    monkeypatch.setattr(tracks, "null_depth", lambda *_, **__: -60.0)
    soundfile.write(tmp_path / "a.wav", noise(500), 16000)
    with pytest.raises(CarnaticSepError, match=r"-60\.0 dBFS"):
        separator.separate_file(tmp_path / "a.wav", tmp_path, options=TrackOptions(verify=True))
    assert (tmp_path / "a" / "separation.json").exists()


def test_what_is_far_beyond_full_scale_is_measured_against_its_own_peak(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", 32768 * noise(5000), 16000, subtype="FLOAT")
    options = TrackOptions(output_format=FLOAT, verify=True)
    result = separator.separate_file(tmp_path / "a.wav", tmp_path, options=options)
    assert -90 < result.null_depth_db < -90 + 20 * np.log10(16384)


def test_progress_goes_by_audio_time_to_the_end(separator, tmp_path):
    class Watcher:
        def __init__(self):
            self.times = []

        def update(self, *, done_seconds, total_seconds):
            self.times.append((done_seconds, total_seconds))

        def warn(self, message):
            raise AssertionError(message)

    soundfile.write(tmp_path / "a.wav", noise(16000), 16000)
    watcher = Watcher()
    separator.separate_file(tmp_path / "a.wav", tmp_path, progress=watcher)
    done = [time for time, _ in watcher.times]
    assert done == sorted(done)
    assert watcher.times[-1] == (1.0, 1.0)


def test_an_interrupt_keeps_partials_and_no_final_name(separator, tmp_path):
    class Impatient:
        def update(self, *, done_seconds, total_seconds):
            if done_seconds > 0.5:
                raise KeyboardInterrupt

        def warn(self, message):
            raise AssertionError(message)

    soundfile.write(tmp_path / "a.wav", noise(32000), 16000)
    with pytest.raises(KeyboardInterrupt):
        separator.separate_file(tmp_path / "a.wav", tmp_path / "out", progress=Impatient())
    names = {path.name for path in (tmp_path / "out" / "a").iterdir()}
    assert names == {f"{name}.flac.partial" for name in ("vocals", "violin", "other")}


def test_a_disk_that_is_full_is_reported_and_leaves_no_final_name(separator, tmp_path, monkeypatch):
    from carnatic_sep.audio.encoder import EncodedFile

    def full(self, block):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EncodedFile, "write", full)
    soundfile.write(tmp_path / "a.wav", noise(32000), 16000)
    with pytest.raises(AudioWriteError, match="No space left"):
        separator.separate_file(tmp_path / "a.wav", tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.flac"))


@pytest.mark.skipif(os.name != "posix", reason="names of up to 255 bytes")
def test_a_name_too_long_stops_one_recording_and_not_the_others(separator, tmp_path):
    for name in ("a", "b" * 250, "c"):
        soundfile.write(tmp_path / f"{name}.wav", noise(900), 8000)
    found = find_tracks([tmp_path], out_dir=tmp_path / "out")
    options = TrackOptions(filename=FilenameTemplate("{track} - {stem}.{ext}"))
    reports = separate_tracks(
        separator, found, tmp_path / "out", options=options, observer=Watcher(), resume=True
    )
    assert [report.error is None for report in reports] == [True, False, True]
    assert "cannot be a file here (File name too long); choose another --filename" in str(
        reports[1].error
    )
    assert unfinished(separator, found, tmp_path / "out", options=options) == []


class Watcher(Silent):
    def begin_track(self, track):
        pass

    def end_track(self, report):
        pass


def test_two_processes_do_not_write_the_same_stems(separator, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(900), 8000)
    (tmp_path / "out" / "a").mkdir(parents=True)
    with (
        only_one(tmp_path / "out" / "a" / ".separation.json.lock", waiting=lambda: None),
        pytest.raises(AudioWriteError, match="another process is writing these stems; let it"),
    ):
        separator.separate_file(tmp_path / "a.wav", tmp_path / "out")
    separator.separate_file(tmp_path / "a.wav", tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.lock"))
