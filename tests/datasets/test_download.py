"""Downloads from a server on this machine: resumed, restarted, broken, wrong, and unpacked."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from carnatic_sep.datasets import download as module
from carnatic_sep.datasets.acquire import download
from carnatic_sep.datasets.download import fetch, unpack
from carnatic_sep.datasets.layout import RemoteFile
from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.errors import DatasetError, UsageError

CONTENT = bytes(range(256)) * 10_000


class _Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str | None]]] = []
    content: ClassVar[bytes] = CONTENT

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append((self.path, wanted))
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(wanted[6:-1]) if wanted and self.path != "/rangeless" else 0
        if start >= len(self.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        self.end_headers()
        broken = self.path == "/broken" and not wanted
        self.wfile.write(self.content[start : len(self.content) // 3 if broken else None])

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    _Handler.asked.clear()
    _Handler.content = CONTENT
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def remote(url: str, *, content: bytes = CONTENT, name: str = "a.bin") -> RemoteFile:
    return RemoteFile(url=url, filename=name, md5=hashlib.md5(content).hexdigest())


def test_a_download_arrives_whole_once_with_progress(server: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    folder = tmp_path / "new"
    path = fetch(
        remote(f"{server}/a"),
        folder,
        on_progress=lambda step, done, total: told.append((step, done, total)),
    )
    assert path.read_bytes() == CONTENT
    assert [p.name for p in folder.iterdir()] == ["a.bin"]
    assert ("downloading a.bin", len(CONTENT), len(CONTENT)) in told
    fetch(remote(f"{server}/a"), folder)
    assert _Handler.asked == [("/a", None)]


def test_a_broken_download_goes_on_where_it_stopped(server: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"broke off.*goes on from there"):
        fetch(remote(f"{server}/broken"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin.partial"]
    fetch(remote(f"{server}/broken"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert _Handler.asked[1] == ("/broken", f"bytes={len(CONTENT) // 3}-")


def test_a_server_without_ranges_is_asked_for_all_of_it(server: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin.partial").write_bytes(CONTENT[:1000])
    fetch(remote(f"{server}/rangeless"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("stale", [b"something else", CONTENT[::-1], CONTENT + b"more"])
def test_a_stale_partial_file_is_replaced(server: str, tmp_path: Path, stale: bytes) -> None:
    (tmp_path / "a.bin.partial").write_bytes(stale)
    fetch(remote(f"{server}/a"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_complete_partial_file_needs_no_transfer(server: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin.partial").write_bytes(CONTENT)
    fetch(remote(f"{server}/a"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_wrong_checksum_is_refused_and_removed(
    server: str, tmp_path: Path, algorithm: str
) -> None:
    digest = hashlib.new(algorithm, b"another").hexdigest()
    wrong = RemoteFile(url=f"{server}/a", filename="a.bin", **{algorithm: digest})
    with pytest.raises(DatasetError, match="not the one expected"):
        fetch(wrong, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_ones_own_is_never_replaced(server: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(DatasetError, match=r"a\.bin.*delete or move"):
        fetch(remote(f"{server}/a"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == b"mine"


def test_no_such_file_no_server_no_space(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetError, match="404"):
        fetch(remote(f"{server}/missing"), tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/a"
    with pytest.raises(DatasetError, match=r"put it into the dataset's folder as a\.bin"):
        fetch(remote(closed), tmp_path)
    monkeypatch.setattr(
        module.shutil, "disk_usage", lambda path: module.shutil._ntuple_diskusage(1, 1, 0)
    )
    with pytest.raises(DatasetError, match=r"GB are needed and 0\.0 GB are free"):
        fetch(remote(f"{server}/a"), tmp_path)


FILES = {"set/song/vocals.wav": b"voice", "set/song/क.txt": b"name", "set/empty.txt": b""}


def packed(kind: str, files: dict[str, bytes] = FILES) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            link = tarfile.TarInfo("set/link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_are_unpacked_once(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"set.{kind}"
    archive.write_bytes(packed(kind))
    unpack(archive, tmp_path / "out")
    found = {
        p.relative_to(tmp_path / "out").as_posix(): p.read_bytes()
        for p in (tmp_path / "out").rglob("*")
        if p.is_file()
    }
    assert found == FILES
    (tmp_path / "out/set/song/vocals.wav").write_bytes(b"changed by hand")
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/set/song/vocals.wav").read_bytes() == b"changed by hand"


def test_an_interrupted_unpacking_goes_on(tmp_path: Path) -> None:
    archive = tmp_path / "set.zip"
    archive.write_bytes(packed("zip"))
    (tmp_path / "set/song").mkdir(parents=True)
    (tmp_path / "set/song/vocals.wav").write_bytes(b"voi")
    unpack(archive, tmp_path)
    assert (tmp_path / "set/song/vocals.wav").read_bytes() == b"voice"


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt", "a/../../outside.txt"])
def test_nothing_is_written_outside(tmp_path: Path, kind: str, name: str) -> None:
    archive = tmp_path / f"evil.{kind}"
    archive.write_bytes(packed(kind, {name: b"x"}))
    with pytest.raises(DatasetError, match="outside the dataset's folder"):
        unpack(archive, tmp_path / "inside")
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_damaged_archive_is_named(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"bad.{kind}"
    archive.write_bytes(packed(kind)[:60])
    with pytest.raises(DatasetError, match=r"bad\..*damaged"):
        unpack(archive, tmp_path)


def test_a_public_dataset_is_fetched_unpacked_and_read(server: str, tmp_path: Path) -> None:
    _Handler.content = packed("zip")
    layout = tmp_path / "mine.yaml"
    digest = hashlib.sha256(_Handler.content).hexdigest()
    layout.write_text(
        "name: mine\ntitle: Mine\nlicence: ours\nchecked: true\nfolder: set\n"
        "stems: ['{track}/{stem}.wav']\n"
        f"download: [{{url: '{server}/mine.zip', filename: mine.zip, sha256: '{digest}'}}]\n"
    )
    dataset = load_dataset(layout, root=tmp_path / "here")
    assert download(dataset) == [tmp_path / "here" / "mine.zip"]
    assert [track.id for track in dataset.tracks()] == ["song"]


def test_a_dataset_that_is_not_public_says_how_to_get_it() -> None:
    with pytest.raises(UsageError, match=r"Sanidha cannot be downloaded.*natcs@gatech\.edu"):
        download(load_dataset("sanidha"))


def test_an_archive_packed_in_an_unknown_way_is_not_called_damaged(tmp_path: Path) -> None:
    content = bytearray(packed("zip"))
    content[content.index(b"PK\x03\x04") + 8] = 97  # WavPack, in the local header
    at = content.index(b"PK\x01\x02")
    while at >= 0:
        content[at + 10] = 97  # and in the central directory
        at = content.find(b"PK\x01\x02", at + 1)
    archive = tmp_path / "odd.zip"
    archive.write_bytes(content)
    with pytest.raises(DatasetError, match=r"odd\.zip: cannot be unpacked here .*other means"):
        unpack(archive, tmp_path / "inside")
