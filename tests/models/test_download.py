"""Downloads from a server on this machine: right file, wrong file, broken off, no server."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.download import Download, cache_dir, fetch, file_sha256

CONTENT = bytes(range(256)) * 5000


class _Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []
    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.ranges.append(self.headers.get("Range"))
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/resumes" and self.ranges[-1]:
            start = int(self.ranges[-1].removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
            self.wfile.write(CONTENT[start:])
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        sent = len(CONTENT) // 3 if self.path == "/broken" else len(CONTENT)
        self.wfile.write(CONTENT[:sent])

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    _Handler.asked.clear()
    _Handler.ranges.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def described(url: str, *, content: bytes = CONTENT) -> Download:
    return Download(url, hashlib.sha256(content).hexdigest(), len(content))


def test_a_download_arrives_whole_and_is_not_repeated(server: str, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "m.safetensors"
    assert fetch(described(f"{server}/m"), target) == target
    assert target.read_bytes() == CONTENT
    assert [p.name for p in target.parent.iterdir()] == ["m.safetensors"]
    fetch(described(f"{server}/m"), target)
    assert _Handler.asked == ["/m"]


def test_a_damaged_cached_file_is_replaced(server: str, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    target.write_bytes(CONTENT[:-1])
    fetch(described(f"{server}/m"), target)
    assert target.read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_removed(server: str, tmp_path: Path) -> None:
    wrong = described(f"{server}/m", content=CONTENT[::-1])
    with pytest.raises(CheckpointError, match=r"/m.*not the one expected.*SHA-256"):
        fetch(wrong, tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_promised_are_refused(server: str, tmp_path: Path) -> None:
    short = Download(f"{server}/m", hashlib.sha256(CONTENT[:9]).hexdigest(), 9)
    with pytest.raises(CheckpointError, match="not the one expected"):
        fetch(short, tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_transfer_goes_on_where_it_stopped(server: str, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    with pytest.raises(CheckpointError, match=r"broke off after 426,666 of 1,280,000.*go on"):
        fetch(described(f"{server}/broken"), target)
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors.partial"]
    fetch(described(f"{server}/resumes"), target)
    assert target.read_bytes() == CONTENT
    assert _Handler.ranges == [None, "bytes=426666-"]
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_a_server_that_cannot_go_on_starts_anew(server: str, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    (tmp_path / "m.safetensors.partial").write_bytes(b"x" * 1000)
    fetch(described(f"{server}/m"), target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("extra", [b"", b"x"])
def test_a_partial_file_that_is_whole_is_judged_by_its_sum(
    extra: bytes, server: str, tmp_path: Path
) -> None:
    target = tmp_path / "m.safetensors"
    (tmp_path / "m.safetensors.partial").write_bytes(CONTENT + extra)
    if extra:
        with pytest.raises(CheckpointError, match="not the one expected"):
            fetch(described(f"{server}/resumes"), target)
        assert list(tmp_path.iterdir()) == []
    else:
        assert fetch(described(f"{server}/resumes"), target).read_bytes() == CONTENT


def test_a_download_of_unknown_length_is_held_to_what_the_server_promises(
    server: str, tmp_path: Path
) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    target = tmp_path / "m.safetensors"
    with pytest.raises(CheckpointError, match="broke off after 426,666 of 1,280,000"):
        fetch(Download(f"{server}/broken", digest), target)
    assert fetch(Download(f"{server}/resumes", digest), target).read_bytes() == CONTENT


def test_no_such_file_on_the_server(server: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"/missing.*download failed"):
        fetch(described(f"{server}/missing"), tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_offline_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/m"
    target = tmp_path / "m.safetensors"
    with pytest.raises(CheckpointError, match=r"network connection.*put it at") as caught:
        fetch(described(url), target)
    assert str(target) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="CARNATIC_SEP_CACHE"):
        fetch(described(f"{server}/m"), tmp_path / "file" / "m.safetensors")


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CARNATIC_SEP_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("CARNATIC_SEP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "carnatic-sep"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "carnatic-sep"


def test_file_sha256_agrees_with_hashlib(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(CONTENT)
    assert file_sha256(path) == hashlib.sha256(CONTENT).hexdigest()
