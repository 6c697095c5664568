"""Where downloaded weights live, and what is the models' own about how they get there."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.download import Download, cache_dir, fetch

CONTENT = bytes(range(256)) * 5000


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def described(url: str, *, content: bytes = CONTENT) -> Download:
    return Download(url, hashlib.sha256(content).hexdigest(), len(content))


def test_a_damaged_cached_file_is_replaced(server: str, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "m.safetensors"
    told: list[str] = []
    fetch(described(f"{server}/m"), target, on_progress=lambda step, *_: told.append(step))
    assert "downloading m.safetensors" in told
    target.write_bytes(CONTENT[:-1])
    fetch(described(f"{server}/m"), target)
    assert target.read_bytes() == CONTENT
    assert [p.name for p in target.parent.iterdir()] == ["m.safetensors"]


def test_a_wrong_checksum_is_a_checkpoint_error(server: str, tmp_path: Path) -> None:
    wrong = described(f"{server}/m", content=CONTENT[::-1])
    with pytest.raises(CheckpointError, match=r"/m.*not the one expected.*SHA-256"):
        fetch(wrong, tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_offline_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/m"
    target = tmp_path / "m.safetensors"
    with pytest.raises(CheckpointError, match=r"network connection.*put it at") as caught:
        fetch(described(url), target)
    assert str(target) in str(caught.value)


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
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache_dir() == tmp_path / ".cache" / "carnatic-sep"


def test_without_a_home_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CARNATIC_SEP_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(CheckpointError, match="CARNATIC_SEP_CACHE"):
        cache_dir()
