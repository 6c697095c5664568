"""Cleaning recordings on disk: what is written, what is skipped, what is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio.formats import OutputFormat
from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.errors import AudioWriteError, DatasetError
from carnatic_sep.leakage.batch import clean_tracks, select_tracks
from carnatic_sep.leakage.clean import CLEANER_VERSION, CleanConfig, clean
from carnatic_sep.leakage.clean_files import RECORD, clean_multitrack

RATE = 8000
FRAMES = 3 * RATE
QUICK = CleanConfig(rounds=1)


def bursts(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    gate = np.repeat(rng.integers(0, 2, 12), RATE // 4)
    return 0.1 * gate * rng.standard_normal(FRAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A singer in stereo, and a mridangam of two microphones, each hearing the other player."""
    root = tmp_path_factory.mktemp("recordings")
    song = root / "song"
    song.mkdir()
    voice, drum = bursts(1), bursts(2)
    files = {
        "vocals": np.stack([voice + 0.2 * drum, voice - 0.2 * drum], axis=1),
        "mridangam-left": drum + 0.2 * voice,
        "mridangam-right": 0.8 * drum + 0.1 * voice,
    }
    for name, sound in files.items():
        soundfile.write(song / f"{name}.wav", sound, RATE, subtype="FLOAT")
    (song / "metadata.json").write_text(json.dumps({"raga": "Todi", "tonic_hz": 146.8}))
    return root


@pytest.fixture(scope="module")
def done(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    (track,) = load_dataset(folder).tracks()
    seen: list[tuple[int, int]] = []
    result = clean_multitrack(
        track,
        out,
        config=QUICK,
        output_format=OutputFormat("wav", "32f"),
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (FRAMES, FRAMES)
    assert result.report is not None
    assert set(result.report.stems) == {
        "vocals.1",
        "vocals.2",
        "mridangam-left",
        "mridangam-right",
    }
    return out


def test_files_hold_what_arrays_would(folder: Path, done: Path):
    files = {
        name: soundfile.read(folder / "song" / f"{name}.wav", dtype="float32")[0]
        for name in ("vocals", "mridangam-left", "mridangam-right")
    }
    stems = {
        "vocals.1": files["vocals"][:, 0],
        "vocals.2": files["vocals"][:, 1],
        "left": files["mridangam-left"],
        "right": files["mridangam-right"],
    }
    sources = {"vocals.1": "v", "vocals.2": "v", "left": "m", "right": "m"}
    wanted = clean(stems, sample_rate=RATE, config=QUICK, sources=sources).stems
    vocals, rate = soundfile.read(done / "song" / "vocals.wav", dtype="float32")
    drums, _ = soundfile.read(done / "song" / "mridangam.wav", dtype="float32")
    assert rate == RATE
    assert vocals.shape == drums.shape == (FRAMES, 2)
    assert np.allclose(vocals[:, 1], wanted["vocals.2"], atol=1e-5)
    assert np.allclose(drums[:, 0], wanted["left"] + wanted["right"], atol=1e-5)
    assert np.array_equal(drums[:, 0], drums[:, 1])


def test_the_result_is_a_dataset_again(done: Path):
    (track,) = load_dataset(done).tracks()
    assert track.stem_names == ("vocals", "mridangam")
    assert (track.raga, track.tonic_hz) == ("Todi", 146.8)
    assert track.info() == (RATE, FRAMES)


def test_record_and_confidence(done: Path):
    record = json.loads((done / "song" / RECORD).read_text())
    assert record["order"]["version"] == CLEANER_VERSION
    assert set(record["report"]["stems"]["vocals.1"]["outcome"]) <= {"1 round", "wiener"}
    with np.load(done / "song" / "confidence.npz") as kept:
        assert kept["mridangam-left"].dtype == np.uint8
        assert kept["mridangam-left"].shape[0] == len(kept["band_edges_hz"]) - 1
    assert not list(done.rglob("*.partial"))


def test_same_order_is_skipped_and_another_refused(folder: Path, done: Path):
    (track,) = load_dataset(folder).tracks()
    wav = OutputFormat("wav", "32f")
    before = (done / "song" / "vocals.wav").stat().st_mtime_ns
    again = clean_multitrack(track, done, config=QUICK, output_format=wav)
    assert again.report is None
    assert (done / "song" / "vocals.wav").stat().st_mtime_ns == before
    with pytest.raises(AudioWriteError, match="--overwrite"):
        clean_multitrack(track, done, config=CleanConfig(method="mira"), output_format=wav)


def test_another_format_takes_the_place_of_the_first(folder: Path, tmp_path: Path):
    (track,) = load_dataset(folder).tracks()
    (tmp_path / "song").mkdir()
    (tmp_path / "song" / "notes.txt").write_text("mine")
    for name in ("wav", "flac"):
        clean_multitrack(
            track, tmp_path, config=QUICK, output_format=OutputFormat(name, "24"), overwrite=True
        )
    found = {path.name for path in (tmp_path / "song").iterdir()}
    assert {"vocals.flac", "mridangam.flac", "notes.txt"} < found
    assert not any(name.endswith(".wav") for name in found)
    (again,) = load_dataset(tmp_path).tracks()
    assert [len(feeds) for feeds in again.stems.values()] == [1, 1]


def test_a_recording_that_was_made_anew_is_not_taken_for_cleaned(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "in")
    (track,) = load_dataset(tmp_path / "in").tracks()
    clean_multitrack(track, tmp_path / "out", config=QUICK)
    place = tmp_path / "in" / "song" / "vocals.wav"
    size = place.stat().st_size
    soundfile.write(place, soundfile.read(place)[0][::-1], RATE, subtype="FLOAT")
    assert place.stat().st_size == size
    with pytest.raises(AudioWriteError, match="from other files"):
        clean_multitrack(track, tmp_path / "out", config=QUICK)


def test_two_cleanings_do_not_write_the_same_files(folder: Path, tmp_path: Path):
    (track,) = load_dataset(folder).tracks()
    refused: list[str] = []

    def second(done: int, total: int) -> None:
        if not refused:
            with pytest.raises(AudioWriteError, match="another process is writing") as caught:
                clean_multitrack(track, tmp_path, config=QUICK)
            refused.append(str(caught.value))

    clean_multitrack(track, tmp_path, config=QUICK, on_progress=second)
    assert refused
    assert clean_multitrack(track, tmp_path, config=QUICK).report is None  # whole, and known to be


def test_what_was_cleaned_into_the_dataset_is_not_cleaned_again(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "in")
    out = tmp_path / "in" / "cleaned"
    for _ in range(2):
        batch = clean_tracks(select_tracks(str(tmp_path / "in")), out, config=QUICK)
        assert (list(batch.found), batch.failed) == (["song"], {})
    assert not (out / "cleaned").exists()


def test_a_broken_track_does_not_stop_the_others(folder: Path, tmp_path: Path):
    for name in ("good", "bad"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for stem in ("vocals", "violin"):
            sound = soundfile.read(folder / "song" / "mridangam-left.wav")[0]
            soundfile.write(tmp_path / "in" / name / f"{stem}.wav", sound, RATE)
    (tmp_path / "in" / "bad" / "violin.wav").write_bytes(b"no audio")
    batch = clean_tracks(
        select_tracks(str(tmp_path / "in")),
        tmp_path / "out",
        config=CleanConfig(method="mira"),
    )
    assert list(batch.found) == ["good"]
    assert "violin.wav" in batch.failed["bad"]
    assert (tmp_path / "out" / "good" / "vocals.flac").is_file()


def test_one_stem_has_no_bleed(tmp_path: Path):
    (tmp_path / "song").mkdir()
    soundfile.write(tmp_path / "song" / "vocals.wav", np.zeros(RATE), RATE)
    (track,) = load_dataset(tmp_path).tracks()
    with pytest.raises(DatasetError, match="two stems"):
        clean_multitrack(track, tmp_path / "out")


def test_recordings_are_not_replaced_by_what_was_made_of_them(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "in")
    (track,) = load_dataset(tmp_path / "in").tracks()
    before = {path: path.read_bytes() for path in track.files}
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    for out in (tmp_path / "in", tmp_path / "link"):
        for name in ("wav", "flac"):
            with pytest.raises(AudioWriteError, match="holds the recordings of .* themselves"):
                clean_multitrack(
                    track, out, config=QUICK, output_format=OutputFormat(name, "24"), overwrite=True
                )
    assert {path: path.read_bytes() for path in track.files} == before
