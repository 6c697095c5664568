"""Folders laid out as each dataset documents it, of empty files: reading opens no audio."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carnatic_sep.datasets.acquire import download
from carnatic_sep.datasets.layout import read_layout
from carnatic_sep.datasets.multitrack import Artist, Multitrack
from carnatic_sep.datasets.registry import Dataset, load_dataset
from carnatic_sep.errors import DatasetError, UnknownNameError, UsageError

MEDLEY = """
artist: Liz Nelson
stems:
  S01: {filename: A_B_STEM_01.wav, instrument: female singer, component: melody}
  S02: {filename: A_B_STEM_02.wav, instrument: violin}
  S03: {filename: A_B_STEM_03.wav, instrument: acoustic guitar}
"""
SLAKH = """
stems:
  S00: {inst_class: Strings, midi_program_name: Violin, is_drum: false}
  S01: {inst_class: Drums, midi_program_name: Drums, is_drum: true}
"""


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def feeds(track: Multitrack) -> dict[str, list[str]]:
    return {stem: [m.name for m in microphones] for stem, microphones in track.stems.items()}


def test_a_plain_folder(tmp_path: Path) -> None:
    facts = {
        "tonic_hz": 146.8,
        "raga": "Todi",
        "tala": {"name": "Adi"},
        "concert": "First",
        "artists": [{"name": "A. Singer", "role": "lead"}, {"name": "B", "role": "Violin"}],
    }
    root = plant(
        tmp_path / "renders",
        {
            "b/Vocals.flac": "",
            "b/mridangam-right.wav": "",
            "b/Mridangam_Left.mp3": "",
            "b/tanpura.wav": "",
            "b/ghatam 2.wav": "",
            "b/take five.wav": "",
            "b/mixture.wav": "",
            "b/score.json": json.dumps(facts),
            "b/pitch.txt": "",
            "a/violin.wav": "",
            ".hidden/vocals.wav": "",
            "notes/readme.txt": "",
        },
    )
    dataset = load_dataset(root)
    assert dataset.name == "renders"
    first, second = dataset.tracks()
    assert (first.id, first.concert, first.mixture_is_sum_of_stems) == ("a", "a", True)
    assert feeds(second) == {
        "vocals": ["Vocals"],
        "mridangam": ["Mridangam_Left", "mridangam-right"],
        "other": ["ghatam 2", "tanpura"],
    }
    assert second.mixture == root / "b" / "mixture.wav"
    assert not second.mixture_is_sum_of_stems
    assert (second.tonic_hz, second.raga, second.tala) == (146.8, "Todi", "Adi")
    assert second.concert == "First"
    assert second.artists == (Artist("A. Singer", "lead"), Artist("B", "violin"))
    assert list(second.annotations) == ["pitch"]
    assert dataset.found[1].unused == (root / "b" / "take five.wav",)


def test_one_track_by_itself_and_concerts_of_tracks(tmp_path: Path) -> None:
    alone = plant(tmp_path / "song", {"vocal.wav": "", "mix.wav": ""})
    (track,) = load_dataset(alone).tracks()
    assert (track.id, track.concert, feeds(track)) == ("song", "song", {"vocals": ["vocal"]})
    nested = plant(tmp_path / "all", {"Arkay/Song/violin.wav": "", "Arkay/Other/violin.wav": ""})
    tracks = load_dataset(str(nested)).tracks()
    assert [track.id for track in tracks] == ["Arkay/Other", "Arkay/Song"]
    assert {track.concert for track in tracks} == {"Arkay"}


def test_the_metadata_may_say_that_the_mixture_is_the_sum(tmp_path: Path) -> None:
    facts = {"a/metadata.json": '{"mixture_is_sum_of_stems": true}'}
    root = plant(tmp_path, {"a/vocals.wav": "", "a/mixture.wav": "", **facts})
    assert load_dataset(root).track("a").mixture_is_sum_of_stems


def test_damaged_metadata_leave_the_track_usable(tmp_path: Path) -> None:
    root = plant(tmp_path, {"a/vocals.wav": "", "a/metadata.json": "{not json"})
    (found,) = load_dataset(root).found
    assert found.track.tonic_hz is None
    assert "metadata.json" in found.problems[0]


def test_a_second_mixture_is_left_out_and_named(tmp_path: Path) -> None:
    root = plant(tmp_path, {"a/vocals.wav": "", "a/mix.wav": "", "a/mixture.wav": ""})
    (found,) = load_dataset(root).found
    assert found.track.mixture == root / "a" / "mix.wav"
    assert found.unused == (root / "a" / "mixture.wav",)


def test_two_files_of_one_name_are_two_microphones(tmp_path: Path) -> None:
    root = plant(tmp_path, {"a/violin.wav": "", "a/violin.mp3": ""})
    assert feeds(load_dataset(root).track("a")) == {"violin": ["violin", "violin (2)"]}


TREES = {
    "musdb18hq": (
        {f"test/A - B/{s}.wav": "" for s in ("vocals", "drums", "bass", "other", "mixture")},
        {"vocals": ["vocals"], "other": ["bass", "drums", "other"]},
        "A - B",
    ),
    "medleydb": (
        {
            **{f"Audio/A_B/A_B_STEMS/A_B_STEM_0{n}.wav": "" for n in (1, 2, 3)},
            "Audio/A_B/A_B_RAW/A_B_RAW_01_01.wav": "",
            "Audio/A_B/A_B_MIX.wav": "",
            "Metadata/A_B_METADATA.yaml": MEDLEY,
        },
        {"vocals": ["01"], "violin": ["02"], "other": ["03"]},
        "A_B",
    ),
    "moisesdb": (
        {
            "v0.1/uuid/vocals/one.wav": "",
            "v0.1/uuid/vocals/two.wav": "",
            "v0.1/uuid/bowed_strings/three.wav": "",
            "v0.1/uuid/data.json": '{"song": "S", "artist": "Somebody"}',
        },
        {"vocals": ["vocals/one", "vocals/two"], "other": ["bowed_strings/three"]},
        "uuid",
    ),
    "slakh2100": (
        {
            "slakh2100_flac_redux/train/Track00001/stems/S00.flac": "",
            "slakh2100_flac_redux/train/Track00001/stems/S01.flac": "",
            "slakh2100_flac_redux/train/Track00001/mix.flac": "",
            "slakh2100_flac_redux/train/Track00001/metadata.yaml": SLAKH,
        },
        {"violin": ["S00"], "other": ["S01"]},
        "Track00001",
    ),
    "sanidha": (
        {
            **{
                f"Concert01/01-Varnam/Audio-Multitracks-{kind}/{stem}.wav": ""
                for kind in ("Clean", "Processed")
                for stem in ("vocals", "violin-1", "mridangam", "ghatam", "tanpura")
            },
            "Concert01/01-Varnam/info.json": '{"ragam": "Vanajakshi", "talam": "Ata"}',
            "Concert01/01-Varnam/vocal_pitch.txt": "",
            "Concert01/tonic.txt": "146.83\n",
        },
        {
            "vocals": ["vocals"],
            "violin": ["violin-1"],
            "mridangam": ["mridangam"],
            "other": ["ghatam", "tanpura"],
        },
        "Concert01/01-Varnam",
    ),
    "saraga_audiovisual": (
        {
            **{
                f"saraga audio/A Bode/Devi/Devi.{name}.wav": ""
                for name in ("vocal", "violin", "mridangam-left", "mridangam-right")
            },
            "saraga audio/A Bode/Devi/Devi.wav": "",
            "saraga metadata/A Bode/Devi/Devi.json": '{"raaga": [{"name": "Todi"}]}',
        },
        {
            "vocals": ["vocal"],
            "violin": ["violin"],
            "mridangam": ["mridangam-left", "mridangam-right"],
        },
        "A Bode/Devi",
    ),
    "scms": (
        {"SCMS/audio/7_1.wav": "", "SCMS/annotations/melody/7_1.csv": "0,0\n"},
        {},
        "7_1",
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_a_dataset_as_it_documents_itself(tmp_path: Path, name: str) -> None:
    files, stems, track_id = TREES[name]
    dataset = load_dataset(name, root=plant(tmp_path, files))
    (track,) = dataset.tracks()
    assert track.id == track_id
    assert feeds(track) == stems
    assert track.licence == dataset.layout.licence
    has_mixture = any(
        "mix" in file.lower() or file.endswith(("Devi.wav", "7_1.wav")) for file in files
    )
    assert (track.mixture is not None) == has_mixture
    assert list(dataset.found[0].unused) == []


def test_facts_of_the_datasets_that_have_them(tmp_path: Path) -> None:
    def only(name: str) -> Multitrack:
        (track,) = load_dataset(name, root=plant(tmp_path / name, TREES[name][0])).tracks()
        return track

    sanidha = only("sanidha")
    assert (sanidha.raga, sanidha.tala, sanidha.tonic_hz) == ("Vanajakshi", "Ata", 146.83)
    assert set(sanidha.annotations) == {"pitch", "tonic"}
    assert only("saraga_audiovisual").raga == "Todi"
    assert only("moisesdb").concert == "Somebody"
    assert only("medleydb").concert == "Liz Nelson"
    assert only("musdb18hq").mixture_is_sum_of_stems
    assert list(only("scms").annotations) == ["pitch"]


def test_folders_called_train_and_test_are_a_split(tmp_path: Path) -> None:
    files = {f"{part}/{part} song/vocals.wav": "" for part in ("train", "test")}
    dataset = load_dataset("musdb18hq", root=plant(tmp_path, files))
    assert [track.id for track in dataset.split("test")] == ["test song"]
    with pytest.raises(UnknownNameError, match="train"):
        dataset.split("trian")


def test_songs_of_one_name_in_two_splits_are_two(tmp_path: Path) -> None:
    names = ("train/01", "train/02", "test/01")
    dataset = load_dataset(
        "musdb18hq", root=plant(tmp_path, {f"{name}/vocals.wav": "" for name in names})
    )
    assert [track.id for track in dataset.tracks()] == ["02", "test/01", "train/01"]
    assert [track.id for track in dataset.split("train")] == ["02", "train/01"]
    assert dataset.track("test/01").files[0].parent == tmp_path / "test" / "01"


def test_a_layout_of_ones_own(tmp_path: Path) -> None:
    layout = tmp_path / "mine.yaml"
    layout.write_text(
        "name: mine\ntitle: Mine\nlicence: ours\nchecked: true\n"
        "stems: ['{track}_{stem}.wav']\nnames: {violin: [strings]}\n"
    )
    root = plant(tmp_path / "flat", {"a_vocals.wav": "", "a_Strings.wav": "", "b_vocals.wav": ""})
    dataset = load_dataset(layout, root=root)
    assert dataset.name == "mine"
    assert [feeds(track) for track in dataset.tracks()] == [
        {"vocals": ["vocals"], "violin": ["Strings"]},
        {"vocals": ["vocals"]},
    ]


def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(UnknownNameError, match="sanidha"):
        load_dataset("sanidah")
    monkeypatch.setenv("CARNATIC_SEP_DATASETS", str(tmp_path))
    with pytest.raises(DatasetError, match=r"sanidha: there is no such folder") as caught:
        load_dataset("sanidha").tracks()
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(DatasetError, match=r"no tracks.*\{track\}/\{stem\}"):
        load_dataset(tmp_path).tracks()
    plant(tmp_path, {"song/vocals.wav": ""})
    with pytest.raises(UnknownNameError, match="song"):
        load_dataset(tmp_path).track("sonng")


def test_a_folder_in_a_layout_of_its_own_says_how_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "Concert" / "Song").mkdir(parents=True)
    (tmp_path / "Concert" / "Song" / "Song.multitrack-vocal.mp3").touch()
    with pytest.raises(DatasetError, match=r"by its name \(.*saraga_carnatic.*tracks\.root"):
        load_dataset(tmp_path).tracks()


def test_a_plain_folder_is_spoken_of_in_plain_words(tmp_path: Path) -> None:
    nowhere = Dataset("x", tmp_path / "x", read_layout("plain"))
    with pytest.raises(DatasetError, match="no such folder; name the one that holds a folder of"):
        nowhere.tracks()
    with pytest.raises(UsageError, match="your own folder; there is nothing to download"):
        download(nowhere)
