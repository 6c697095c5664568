"""Public datasets from a server on this machine: into their folder, checked and unpacked."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from carnatic_sep.datasets.acquire import download
from carnatic_sep.datasets.download import fetch, unpack
from carnatic_sep.datasets.home import cached_indexes
from carnatic_sep.datasets.layout import RemoteFile
from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.datasets.summary import known_datasets
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


def test_a_wrong_checksum_is_a_dataset_error(server: str, tmp_path: Path) -> None:
    wrong = RemoteFile(url=f"{server}/a", filename="a.bin", md5="0" * 32)
    with pytest.raises(DatasetError, match=r"not the one expected \(MD5"):
        fetch(wrong, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_ones_own_is_never_replaced(server: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(DatasetError, match=r"a\.bin.*delete or move"):
        fetch(remote(f"{server}/a"), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == b"mine"


def test_a_place_that_cannot_be_written_names_the_option(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="another folder with --root"):
        fetch(remote(f"{server}/a"), tmp_path / "file")


def test_no_server_says_where_to_put_the_file(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/a"
    with pytest.raises(DatasetError, match=r"put it at .*a\.bin"):
        fetch(remote(closed), tmp_path)


FILES = {"set/song/vocals.wav": b"voice", "set/song/क.txt": b"name", "set/empty.txt": b""}


def packed(files: dict[str, bytes] = FILES) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt"])
def test_a_bad_archive_is_a_dataset_error(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "evil.zip"
    archive.write_bytes(packed({name: b"x"}))
    with pytest.raises(DatasetError, match="outside"):
        unpack(archive, tmp_path / "inside")
    archive.write_bytes(b"PK nothing")
    with pytest.raises(DatasetError, match="damaged"):
        unpack(archive, tmp_path / "inside")
    assert not list(tmp_path.rglob("outside.txt"))


def test_a_public_dataset_is_fetched_unpacked_and_read(server: str, tmp_path: Path) -> None:
    _Handler.content = packed()
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


def test_without_a_home_the_variable_to_set_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(path: Path) -> Path:
        if str(path).startswith("~"):
            raise RuntimeError("Could not determine home directory.")
        return path

    for name in ("CARNATIC_SEP_DATASETS", "CARNATIC_SEP_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "expanduser", nobody)
    with pytest.raises(DatasetError, match="no home folder.*--root, or set CARNATIC_SEP_DATASETS"):
        load_dataset("saraga_carnatic")
    with pytest.raises(DatasetError, match="no home folder.*set CARNATIC_SEP_CACHE"):
        cached_indexes()
    assert not any(entry["here"] for entry in known_datasets())
    assert load_dataset("saraga_carnatic", root=tmp_path).root == tmp_path
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # is to be ignored, says freedesktop.org
    with pytest.raises(DatasetError, match="no home folder"):
        cached_indexes()
