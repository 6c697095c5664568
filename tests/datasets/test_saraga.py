"""Saraga through mirdata and without it, with an official index and without one."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from carnatic_sep.datasets import saraga
from carnatic_sep.datasets.acquire import download
from carnatic_sep.datasets.folder import read_folder
from carnatic_sep.datasets.registry import Dataset, load_dataset
from carnatic_sep.datasets.validate import validate
from carnatic_sep.errors import DatasetError, UsageError

pytest.importorskip("mirdata", reason="needs the extra data")

SONGS = {
    "Mahati at Arkay by Mahati/Tillana": (
        "Tillana",
        ["vocal", "violin", "mridangam-left", "mridangam-right"],
    ),
    "Akkarai Sisters at Arkay by Akkarai Sisters/Karunimpa Idi": (
        "Karunimpa Idi",
        ["vocal", "vocal-s", "violin", "mridangam-left", "mridangam-right", "ghatam"],
    ),
    "Live at Vani Mahal by Sanjay Subrahmanyan/Eranapai": ("Sanjay Subrahmanyan - Eranapai", []),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARNATIC_SEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "indexes"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings as the archive has them: noise of half a second, and annotations."""
    root = tmp_path_factory.mktemp("saraga")
    rng = np.random.default_rng(0)
    for number, (folder, (name, microphones)) in enumerate(SONGS.items()):
        song = root / "saraga1.5_carnatic" / folder
        song.mkdir(parents=True)
        audio = [".mp3.mp3" if number == 0 else ".mp3"]
        for ending in [*audio, *(f".multitrack-{m}.mp3" for m in microphones)]:
            soundfile.write(song / f"{name}{ending}", 0.1 * rng.standard_normal(22050), 44100)
        (song / f"{name}.ctonic.txt").write_text("201.740890\n")
        (song / f"{name}.pitch.txt").write_text("0.0\t0.0\n")
        if microphones:
            (song / f"{name}.pitch-vocal.txt").write_text("0.0\t0.0\n")
        lead = folder.rpartition(" by ")[2].partition("/")[0]
        metadata = {
            "title": name,
            "artists": [
                {"artist": {"name": lead}, "instrument": {"name": "Voice"}, "lead": True},
                {
                    "artist": {"name": f"Violinist of {lead}"},
                    "instrument": {"name": "Violin"},
                    "lead": False,
                },
            ],
            "raaga": [{"name": "Todi"}],
            "taala": [],
        }
        (song / f"{name}.json").write_text(json.dumps(metadata))
    return root


def official_index(collection: Path, *, absent: bool = False) -> dict[str, dict]:
    """Make what mirdata publishes: numbered ids, every key, MD5 of every file."""
    entries = {}
    for number, track in enumerate(saraga.load_index(collection).tracks.values()):
        entries[f"{number}_song"] = {
            key: [path, path and hashlib.md5((collection / path).read_bytes()).hexdigest()]
            for key, (path, _) in track.items()
        }
    if absent:
        entries["99_gone"] = {
            key: ["saraga1.5_carnatic/C by D/S/S.mp3" if key == "audio-mix" else None, "0" * 32]
            for key in saraga.INDEX_KEYS
        }
    return {"version": "1.5", "tracks": entries}


def put_index(cache: Path, index: dict[str, dict]) -> None:
    cache.mkdir(parents=True)
    (cache / saraga.remote_files()[1].filename).write_text(json.dumps(index))


def loaded(root: Path) -> Dataset:
    return load_dataset("saraga_carnatic", root=root)


def test_microphones_of_the_real_layout_feed_their_stems(collection: Path) -> None:
    sisters, alone, mahati = loaded(collection).tracks()
    assert {s: [m.name for m in feeds] for s, feeds in sisters.stems.items()} == {
        "vocals": ["vocal", "vocal-s"],
        "violin": ["violin"],
        "mridangam": ["mridangam-left", "mridangam-right"],
        "other": ["ghatam"],
    }
    assert alone.stems == {}
    assert mahati.mixture is not None
    assert mahati.mixture.name == "Tillana.mp3.mp3"
    assert not mahati.mixture_is_sum_of_stems
    assert (mahati.tonic_hz, mahati.raga, mahati.tala) == (201.74089, "Todi", None)
    assert mahati.annotations["pitch"].name == "Tillana.pitch-vocal.txt"
    assert alone.annotations["pitch"].name.endswith("Eranapai.pitch.txt")
    assert [(a.name, a.role) for a in mahati.artists] == [
        ("Mahati", "lead"),
        ("Violinist of Mahati", "violin"),
    ]


def test_every_way_to_read_it_gives_the_same_tracks(
    collection: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_index = loaded(collection).tracks()
    assert loaded(collection / "saraga1.5_carnatic").tracks() == made_index
    layout = loaded(collection).layout
    assert [found.track for found in read_folder(collection, layout)] == made_index
    put_index(cache, official_index(collection))
    assert saraga.load_index(collection).official
    assert loaded(collection).tracks() == made_index
    monkeypatch.setattr(saraga, "find_spec", lambda name: None)
    assert loaded(collection).tracks() == made_index


def test_recordings_of_the_index_that_are_not_here_are_left_out(
    collection: Path, cache: Path
) -> None:
    put_index(cache, official_index(collection, absent=True))
    dataset = loaded(collection)
    assert len(dataset.tracks()) == len(SONGS)
    kinds = {problem.kind: problem.message for problem in validate(dataset).problems}
    assert "1 tracks that belong to Saraga Carnatic 1.5 are not here" in kinds["absent tracks"]


def test_the_official_checksums_are_compared(collection: Path, cache: Path) -> None:
    index = official_index(collection)
    index["tracks"]["0_song"]["audio-violin"][1] = "0" * 32
    index["tracks"]["0_song"]["ctonic"][0] += ".gone"
    put_index(cache, index)
    report = validate(loaded(collection))
    assert report.checksums_from == "mirdata's index"
    assert sorted(
        (problem.kind, problem.file and problem.file.name) for problem in report.faults
    ) == [
        ("missing file", "Karunimpa Idi.ctonic.txt.gone"),
        ("wrong checksum", "Karunimpa Idi.multitrack-violin.mp3"),
    ]
    assert len(report.usable) == 2


def test_a_damaged_index_is_named(collection: Path, cache: Path) -> None:
    put_index(cache, {})
    with pytest.raises(DatasetError, match=r"not an index of Saraga.*download saraga_carnatic"):
        loaded(collection).tracks()


def test_the_shipped_split_sorts_them(collection: Path) -> None:
    parts = loaded(collection).parts()
    assert {name: [t.id.split(" at ")[0] for t in members] for name, members in parts.items()} == {
        "train": [],
        "valid": ["Akkarai Sisters"],
        "test": ["Mahati"],
    }


def test_the_root_logger_stays_as_it_was(collection: Path) -> None:
    before = list(logging.getLogger().handlers), logging.getLogger().level
    loaded(collection).tracks()
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


def test_without_mirdata_a_download_names_the_extra(
    collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saraga, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'carnatic-sep\[data\]'"):
        download(loaded(collection))


def test_the_collection_is_downloaded_as_mirdata_describes_it(
    collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mirdata.datasets import saraga_carnatic

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(collection.rglob("*.*")):
            if path.is_file():
                archive.write(path, path.relative_to(collection))
    contents = {
        "/archive": buffer.getvalue(),
        "/index": json.dumps(official_index(collection)).encode(),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(contents[self.path])

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        index = saraga_carnatic.INDEXES[saraga_carnatic.INDEXES["default"]].remote
        for described, path in ((saraga_carnatic.REMOTES["all"], "/archive"), (index, "/index")):
            monkeypatch.setattr(described, "url", f"http://127.0.0.1:{server.server_port}{path}")
            monkeypatch.setattr(described, "checksum", hashlib.md5(contents[path]).hexdigest())
        dataset = loaded(tmp_path / "here")
        files = download(dataset)
        server.shutdown()
        thread.join()
    assert [path.name for path in files] == [
        "saraga1.5_carnatic.zip",
        "saraga_carnatic_index_1.5.json",
    ]
    assert [track.id for track in dataset.tracks()] == [
        track.id for track in loaded(collection).tracks()
    ]
    assert saraga.load_index(dataset.root).official
    assert validate(dataset).faults == []
