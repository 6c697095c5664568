"""Batches of excerpts: sums, references, hints, and the same ones for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.errors import ConfigError, DatasetError
from carnatic_sep.training.finetune_config import TracksConfig
from carnatic_sep.training.multitracks import (
    Excerpts,
    MultitrackBatches,
    TrackBatch,
    chosen,
    stem_feeds,
)
from carnatic_sep.training.track_activity import TrackActivity, confidence, track_activity

RATE = 8000
STILL = {"gain_db": (0.0, 0.0), "semitones": (0.0, 0.0)}


def write(folder: Path, **stems: np.ndarray) -> None:
    write_at(folder, RATE, **stems)


def write_at(folder: Path, rate: int, **stems: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for name, audio in stems.items():
        path = folder / f"{name.replace('_', '-')}.wav"
        soundfile.write(path, audio, rate, subtype="FLOAT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tracks; each stem is a constant of its own, so that sums tell what went in."""
    ones = np.ones(4 * RATE, dtype=np.float32)
    write(tmp_path / "a", vocals=0.1 * ones, violin=0.01 * ones, ghatam=0.001 * ones)
    write(tmp_path / "b", vocals=0.2 * ones, mridangam=0.02 * ones, tanpura=0.002 * ones)
    return tmp_path


def excerpts(folder: Path, *, stems: tuple[str, ...], **config: object) -> Excerpts:
    options = TracksConfig(**{**STILL, **config})
    return Excerpts(
        chosen(load_dataset(folder).tracks(), options),
        options,
        stems=stems,
        sample_rate=RATE,
        channels=1,
        frames=RATE,
        activity={},
    )


def levels(item: TrackBatch) -> list[float]:
    return [round(float(level), 4) for level in item.stems[0].mean(dim=(1, 2))]


def test_stems_that_sound_together_are_of_one_track(folder: Path) -> None:
    source = excerpts(folder, stems=("vocals", "violin", "mridangam", "other"), coherent=1.0)
    seen = set()
    for seed in range(12):
        item = source.item(np.random.default_rng(seed))
        seen.add(tuple(levels(item)))
        assert item.mixture.shape == (1, 1, RATE)
        assert torch.allclose(item.mixture, item.stems.sum(dim=1), atol=1e-6)
        assert bool(item.known.all())
    assert seen == {(0.1, 0.01, 0.0, 0.001), (0.2, 0.0, 0.02, 0.002)}


def test_stems_of_several_tracks_are_mixed(folder: Path) -> None:
    source = excerpts(folder, stems=("vocals", "violin", "mridangam", "other"), coherent=0.0)
    seen = {tuple(levels(source.item(np.random.default_rng(seed)))) for seed in range(30)}
    assert (0.2, 0.01, 0.02, 0.001) in seen  # never together on a stage
    assert {violin for _, violin, _, _ in seen} == {0.01}  # only the tracks that have one


def test_accompaniment_is_all_the_rest(folder: Path) -> None:
    source = excerpts(folder, stems=("vocals", "accompaniment"), coherent=1.0)
    seen = {tuple(levels(source.item(np.random.default_rng(seed)))) for seed in range(12)}
    assert seen == {(0.1, 0.011), (0.2, 0.022)}
    track = load_dataset(folder).tracks()[0]
    assert stem_feeds(track, ("violin",)) == {"violin": ("violin",)}


def test_a_shift_moves_the_whole_track(tmp_path: Path) -> None:
    time = np.arange(8 * RATE) / RATE
    write(
        tmp_path / "a",
        vocals=np.sin(2 * np.pi * 500 * time).astype(np.float32),
        violin=np.sin(2 * np.pi * 750 * time).astype(np.float32),
    )
    stems = ("vocals", "violin")
    source = excerpts(tmp_path, stems=stems, semitones=(12.0, 12.0), coherent=1.0)
    spectra = np.abs(np.fft.rfft(source.draw(np.random.default_rng(0)) * np.hanning(RATE)))
    assert spectra.argmax(axis=1).tolist() == [1000, 1500]  # bins are 1 Hz wide


def test_gains_keep_mixture_and_stems_together(folder: Path) -> None:
    source = excerpts(folder, stems=("vocals", "other"), gain_db=(-6.0, 6.0), coherent=1.0)
    items = [source.item(np.random.default_rng(seed)) for seed in range(20)]
    vocals = [levels(item)[0] for item in items]
    assert len(set(vocals)) > 15
    assert all(0.1 / 2 < level < 0.2 * 2 for level in vocals)
    for item in items:
        assert torch.allclose(item.mixture, item.stems.sum(dim=1), atol=1e-6)


def test_a_mixdown_of_its_own_is_no_sum_and_its_stems_no_reference(folder: Path) -> None:
    mixdown = np.full(4 * RATE, 0.5, dtype=np.float32)
    for name in "ab":
        soundfile.write(folder / name / "mixture.wav", mixdown, RATE, subtype="FLOAT")
    item = excerpts(folder, stems=("vocals", "other"), mixdown=1.0, coherent=1.0).item(
        np.random.default_rng(0)
    )
    assert float(item.mixture.mean()) == pytest.approx(0.5, abs=1e-4)
    assert not bool(item.known.any())


def test_a_recording_without_stems_is_its_mixdown(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    level = np.full(4 * RATE, 0.25, dtype=np.float32)
    soundfile.write(tmp_path / "a" / "mixture.wav", level, RATE, subtype="FLOAT")
    write(tmp_path / "b", vocals=0.1 * np.ones(RATE // 10, dtype=np.float32))
    tracks = {track.id: track for track in load_dataset(tmp_path).tracks()}
    known = track_activity(tracks["a"], {"vocals": (), "other": ()})
    assert not known.silent.any()
    source = excerpts(tmp_path, stems=("vocals", "other"), coherent=1.0)
    items = [source.item(np.random.default_rng(seed)) for seed in range(10)]
    bare = [item for item in items if float(item.mixture.mean()) == pytest.approx(0.25, abs=1e-4)]
    assert len(bare) > 5
    assert not any(bool(item.known.any()) for item in bare)


def test_what_is_pictured_and_validated_has_stems_and_sounds(tmp_path: Path) -> None:
    """Long recordings without stems, and long rests, would give silence to be held against."""
    for name in ("bare", "also bare"):
        (tmp_path / name).mkdir()
        level = np.full(40 * RATE, 0.25, dtype=np.float32)
        soundfile.write(tmp_path / name / "mixture.wav", level, RATE, subtype="FLOAT")
    halting = np.zeros(8 * RATE, dtype=np.float32)
    halting[: 6 * RATE] = 0.1
    write(tmp_path / "whole", vocals=halting, violin=halting)
    source = excerpts(tmp_path, stems=("vocals", "violin"))
    drawn = [source.draw(np.random.default_rng(seed)) for seed in range(30)]
    assert all(stems.any() for stems in drawn)


def test_hops_of_a_long_recording_do_not_drift(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("carnatic_sep.training.track_activity._STRETCH_SECONDS", 7.01)
    rate, hop = 22050, 1102
    sound = 0.1 * np.random.default_rng(0).standard_normal((2, 60 * rate)).astype(np.float32)
    write_at(tmp_path / "a", rate, vocals=sound[0], violin=sound[1])
    (track,) = load_dataset(tmp_path).tracks()
    feeds = {"vocals": ("vocals",), "violin": ("violin",)}
    found = track_activity(track, feeds)
    assert found.hop_seconds == hop / rate
    assert found.silent.shape[1] == 60 * rate // hop + 1  # as of one piece


def test_batches_depend_on_seed_and_step_alone(folder: Path) -> None:
    def batches(first_step: int, count: int, *, seed: int = 1) -> list[TrackBatch]:
        source = excerpts(folder, stems=("vocals", "other"), gain_db=(-6.0, 6.0))
        run = iter(MultitrackBatches(source, batch_size=2, seed=seed, first_step=first_step))
        return [next(run) for _ in range(count)]

    whole, resumed = batches(0, 4), batches(2, 2)
    assert whole[0].mixture.shape == (2, 1, RATE)
    for one, other in zip(whole[2:], resumed, strict=True):
        assert torch.equal(one.mixture, other.mixture)
        assert torch.equal(one.halves, other.halves)
    assert not torch.equal(whole[0].mixture, whole[1].mixture)
    assert not torch.equal(batches(0, 1, seed=2)[0].mixture, whole[0].mixture)


def test_hints_follow_the_recordings_time(folder: Path) -> None:
    hops = np.arange(81)  # 4 s at 0.05 s; vocals rest from 2 s on
    silent = np.stack([hops >= 40, np.zeros(81, dtype=bool)])
    known = TrackActivity(silent, np.tile(hops / 80, (2, 1)).astype(np.float32), 0.05)
    options = TracksConfig(**{**STILL, "semitones": (12.0, 12.0)}, coherent=1.0, include=["a"])
    source = Excerpts(
        chosen(load_dataset(folder).tracks(), options),
        options,
        stems=("vocals", "other"),
        sample_rate=RATE,
        channels=2,
        frames=2 * RATE,  # an octave up, so all 4 s of the recording
        activity={"a": known},
    )
    item = source.item(np.random.default_rng(0))
    assert item.stems.shape == (1, 2, 2, 2 * RATE)
    first = int(item.silent[0, 0].int().argmax())
    assert abs(first - RATE) <= 0.05 * RATE
    assert not bool(item.silent[0, 1].any())
    assert item.confidence[0, 0].tolist() == pytest.approx(np.linspace(0, 1, 41), abs=0.02)


def test_tracks_are_chosen_by_id_and_concert(folder: Path) -> None:
    tracks = load_dataset(folder).tracks()
    assert [t.id for t in chosen(tracks, TracksConfig(exclude=["a*"]))] == ["b"]
    with pytest.raises(ConfigError, match=r"nothing is left of 2 tracks \(a, b"):
        chosen(tracks, TracksConfig(include=["c"]))
    with pytest.raises(ConfigError, match=r"no track has flute; the dataset has .*violin"):
        excerpts(folder, stems=("vocals", "flute"))


def test_confidence_is_what_exceeds_the_bleed() -> None:
    level_db = np.array([[-20.0, -10.0, -20.0, 0.0]])
    active = np.array([[False, True, False, True]])
    shares = confidence(level_db, active)[0]
    assert shares.tolist() == pytest.approx([0.0, 0.9, 0.0, 0.99])
    always = confidence(np.array([[0.0] * 80 + [-20.0] * 20]), np.ones((1, 100), dtype=bool))[0]
    assert always[0] == pytest.approx(0.99)


def test_activity_is_measured_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    voice, drum = (0.1 * rng.standard_normal(12 * 22050).astype(np.float32) for _ in "ab")
    voice[6 * 22050 :] = 0
    folder = tmp_path / "set" / "a"
    folder.mkdir(parents=True)
    for name, audio in {"vocals": voice + 0.2 * drum, "mridangam": drum + 0.1 * voice}.items():
        soundfile.write(folder / f"{name}.wav", audio, 22050, subtype="FLOAT")
    track = load_dataset(tmp_path / "set").tracks()[0]
    feeds = {"vocals": ("vocals",), "violin": (), "mridangam": ("mridangam",)}
    found = track_activity(track, feeds, cache=tmp_path / "cache")
    time = np.arange(found.silent.shape[1]) * found.hop_seconds
    assert not found.silent[0, time < 5.9].any()
    assert found.silent[0, (time > 6.6) & (time < 11.5)].mean() > 0.9
    assert found.silent[1].all()
    assert found.confidence[0, time < 5.9].mean() > 0.8
    assert found.confidence[0, time > 6.6].mean() < 0.4
    kept = sorted((tmp_path / "cache").iterdir())
    assert len(kept) == 1
    again = track_activity(track, feeds, cache=tmp_path / "cache")
    assert np.array_equal(again.silent, found.silent)
    assert sorted((tmp_path / "cache").iterdir()) == kept


def test_a_cleaners_confidence_goes_before_levels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "cleaned" / "a"
    audio = 0.1 * rng.standard_normal((2, 4 * RATE)).astype(np.float32)
    write(folder, vocals=audio[0], mridangam=audio[1])
    columns = np.linspace(0, 255, 81).astype(np.uint8)
    np.savez(
        folder / "confidence.npz",
        **{"vocal": np.tile(columns, (3, 1)), "mridangam-left": np.full((3, 81), 51, np.uint8)},
        **{"mridangam-right": np.full((3, 81), 153, np.uint8), "ghatam": np.zeros((3, 81))},
        band_edges_hz=np.array([0, 100, 1000, 4000]),
        column_seconds=np.array(0.05),
    )
    track = load_dataset(tmp_path / "cleaned").tracks()[0]
    feeds = {"vocals": ("vocals",), "mridangam": ("mridangam",)}
    found = track_activity(track, feeds)
    times = np.arange(found.confidence.shape[1]) * found.hop_seconds
    assert found.confidence[0] == pytest.approx(np.minimum(times / 4, 1), abs=0.01)
    assert found.confidence[1] == pytest.approx(np.full(len(times), 0.4), abs=0.01)
    (folder / "confidence.npz").write_bytes(b"PK damaged")
    with pytest.raises(DatasetError, match=r"confidence\.npz: damaged.*--overwrite"):
        track_activity(track, feeds)
