"""The bank of solos: which files are used, on which side of the split, and what is read of them."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets.bank import (
    SAMPLE_RATE,
    load_bank,
    load_voice,
    note_frequency,
    require_folder,
    select,
    voice_tonics,
)
from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.errors import ConfigError


def files(bank) -> set[str]:
    groups = (bank.voices, bank.notes, bank.pieces, bank.strokes)
    return {take.path for group in groups for take in group}


@pytest.fixture
def split(solo_split) -> DataConfig:
    return DataConfig(**solo_split)


def test_the_two_sides_share_no_file_but_the_rooms(solo_dir, split, contour_cache) -> None:
    train = load_bank(solo_dir, split, cache=contour_cache)
    test = load_bank(solo_dir, split, test=True, cache=contour_cache)
    assert not files(train) & files(test)
    on_disk = {p.relative_to(solo_dir).as_posix() for p in solo_dir.rglob("*.wav")}
    assert files(train) | files(test) == on_disk - {"rir/hall.wav"}
    assert {voice.performance for voice in train.voices} == {"Performer2_Todi"}
    assert {voice.performance for voice in test.voices} == {"Performer1_Todi"}
    assert [room.path for room in train.rooms] == [room.path for room in test.rooms]


def test_tonics_and_kinds_come_with_the_takes(solo_dir, split, contour_cache) -> None:
    train = load_bank(solo_dir, split, cache=contour_cache)
    assert [voice.tonic for voice in train.voices] == [120.5, 120.5]
    assert {take.kind for take in train.strokes} == {"tha", "din", "thom"}
    test = load_bank(solo_dir, split, test=True, cache=contour_cache)
    assert {voice.tonic for voice in test.voices} == {None}  # written down as "unknown"


def test_tonics_come_from_every_table_beside_the_voices(tmp_path) -> None:
    folder = tmp_path / "voice"
    folder.mkdir()
    (folder / "one_metadata.csv").write_text("display_name,Tonic\nx,100\nbroken\n,\n", "utf-8")
    (folder / "two_metadata.csv").write_text(
        "a,display_name,Tonic\n1,y,200.5\n2,z,unknown\n", "utf-8"
    )
    (folder / "other.csv").write_text("display_name,Tonic\nw,300\n", "utf-8")
    assert voice_tonics(tmp_path) == {"x": 100.0, "y": 200.5}
    assert voice_tonics(tmp_path / "none") == {}


def test_a_note_is_cut_to_where_it_sounds(solo_dir, split, contour_cache) -> None:
    train = load_bank(solo_dir, split, cache=contour_cache)
    note = next(note for note in train.notes if note.path.endswith("A4.wav"))
    assert note.f0 == pytest.approx(440.0)
    assert len(note.audio) == pytest.approx(0.7 * SAMPLE_RATE, abs=2 * SAMPLE_RATE // 20)
    blocks = note.audio[: len(note.audio) // 2205 * 2205].reshape(-1, 2205)
    assert np.sqrt(np.square(blocks).mean(axis=1)).min() > 0.01


@pytest.mark.parametrize("name", ["A4", "C4", "C#5", "G3", "B7", "F#2"])
def test_note_frequencies_are_those_of_librosa(name) -> None:
    librosa = pytest.importorskip("librosa")
    assert note_frequency(name) == pytest.approx(float(librosa.note_to_hz(name)))


@pytest.mark.parametrize("name", ["H4", "A", "Bb4", "", "a4"])
def test_other_note_names_are_refused(name) -> None:
    with pytest.raises(ConfigError, match="A4 or C#5"):
        note_frequency(name)


def test_patterns_match_audio_files_in_any_depth(solo_dir) -> None:
    assert select(solo_dir, ["rir/*"]) == ["rir/hall.wav"]
    assert select(solo_dir, ["mridangam/strokes/*-2.wav", "mridangam/*/tha-*"]) == [
        "mridangam/strokes/din/din-2.wav",
        "mridangam/strokes/tha/tha-1.wav",
        "mridangam/strokes/tha/tha-2.wav",
        "mridangam/strokes/thom/thom-2.wav",
    ]
    assert select(solo_dir, ["voice/*.csv", "nothing/*"]) == []


def test_files_are_known_by_any_usual_name_and_behind_links(tmp_path) -> None:
    disk = tmp_path / "disk" / "2024"
    disk.mkdir(parents=True)
    for name in ("A.WAV", "b.m4a", "._b.m4a", "notes.txt"):
        (disk / name).write_bytes(b"")
    (tmp_path / "solos" / "voice").mkdir(parents=True)
    (tmp_path / "solos" / "voice" / "new").symlink_to(disk)
    found = select(tmp_path / "solos", ["voice/*"])
    assert found == ["voice/new/A.WAV", "voice/new/b.m4a"]


def test_a_file_is_read_as_mono_at_the_rate_of_the_bank(tmp_path, contour_cache) -> None:
    time = np.arange(8000) / 16000
    both = np.stack([np.sin(2 * np.pi * 440 * time), np.zeros_like(time)], axis=1)
    soundfile.write(tmp_path / "Singer_1.0.wav", 0.5 * both, 16000)
    voice = load_voice(tmp_path, "Singer_1.0.wav", cache=contour_cache)
    assert voice.performance == "Singer"
    assert len(voice.audio) == pytest.approx(SAMPLE_RATE / 2, abs=1)
    assert np.sqrt(np.mean(np.square(voice.audio))) == pytest.approx(0.25 / 2**0.5, rel=0.01)
    middle = voice.contour.f0[10:40]
    assert np.abs(1200 * np.log2(middle / 440)).max() < 25


def test_a_cached_contour_is_read_and_not_tracked(solo_dir, split, contour_cache, monkeypatch):
    before = load_bank(solo_dir, split, cache=contour_cache).voices[0].contour
    monkeypatch.setattr("carnatic_sep.datasets.bank.track_pitch", None)
    after = load_bank(solo_dir, split, cache=contour_cache).voices[0].contour
    assert np.array_equal(before.f0, after.f0)
    assert np.array_equal(before.voiced, after.voiced)
    assert not list(contour_cache.glob("*partial*"))


def test_a_missing_folder_is_named_with_the_remedy(tmp_path, split) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: no such folder.*--data"):
        require_folder(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"nowhere: no such folder.*CARNATIC_SEP_DATA"):
        load_bank(tmp_path / "nowhere", split)


def test_patterns_that_match_nothing_are_named(solo_dir, split) -> None:
    with pytest.raises(ConfigError, match=r"nothing matches voice/other/\* for training"):
        load_bank(solo_dir, split.model_copy(update={"voice": ["voice/other/*"]}))
    with pytest.raises(ConfigError, match=r"for testing.*data\.test"):
        load_bank(solo_dir, split.model_copy(update={"test": []}), test=True)


def test_a_silent_note_is_refused_by_name(solo_dir, split, contour_cache, tmp_path) -> None:
    for kind in ("voice", "violin", "mridangam", "rir"):
        (tmp_path / kind).symlink_to(solo_dir / kind)
    (tmp_path / "silence").mkdir()
    soundfile.write(tmp_path / "silence" / "A4.wav", np.zeros(9000), SAMPLE_RATE)
    data = split.model_copy(update={"violin_notes": ["silence/*"]})
    with pytest.raises(ConfigError, match=r"A4\.wav: silent"):
        load_bank(tmp_path, data, cache=contour_cache)


def test_groups_that_are_not_needed_may_be_empty(solo_dir, split, contour_cache) -> None:
    none = {"violin_pieces": ["violin/none/*"], "rooms": ["none/*"]}
    bare = split.model_copy(update=none)
    with pytest.raises(ConfigError, match=r"nothing matches violin/none/\*"):
        load_bank(solo_dir, bare, cache=contour_cache)
    bank = load_bank(
        solo_dir, bare, cache=contour_cache, needs=("voice", "violin_notes", "strokes")
    )
    assert bank.pieces == bank.rooms == []
    assert all((bank.voices, bank.notes, bank.strokes))
