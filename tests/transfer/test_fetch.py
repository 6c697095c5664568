"""Downloads from a server on this machine: whole, resumed, broken, wrong, refused, in the way."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from carnatic_sep.errors import TransferError
from carnatic_sep.transfer import disk, request
from carnatic_sep.transfer import fetch as module
from carnatic_sep.transfer.fetch import Patience
from carnatic_sep.transfer.origin import Origin

ONCE = Patience(timeout_seconds=5, waits=())
AGAIN = Patience(timeout_seconds=5, waits=(0.0, 0.0))


def fetch(origin, target, *, patience=ONCE, **options):
    return module.fetch(
        origin, target, elsewhere="choose another folder", patience=patience, **options
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_once_with_progress(server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    target = tmp_path / "new" / "தமிழ் file.bin"
    fetch(server.origin(), target, on_progress=lambda *step: told.append(step))
    assert target.read_bytes() == server.content
    assert names(target.parent) == [target.name]
    size = len(server.content)
    assert told[-2:] == [
        (f"checking {target.name}", 1 << 20, size),
        (f"checking {target.name}", size, size),
    ]
    assert (f"downloading {target.name}", size, size) in told
    fetch(server.origin(), target)
    assert len(server.asked) == 1
    assert server.header("User-Agent")[0].startswith("carnatic-sep/")
    assert server.header("Accept-Encoding") == ["identity"]


def test_nothing_is_asked_of_the_network_when_the_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"here")
    origin = Origin(url="http://127.0.0.1:9/a", md5=hashlib.md5(b"here").hexdigest())
    assert fetch(origin, tmp_path / "a") == tmp_path / "a"


def test_what_cannot_be_checked_is_not_fetched() -> None:
    with pytest.raises(ValueError, match="sha256 or md5"):
        Origin(url="http://127.0.0.1/a")


def test_a_transfer_that_broke_off_is_gone_on_with_by_the_next_call(server, tmp_path) -> None:
    server.failures = ["broken"]
    third = len(server.content) // 3
    with pytest.raises(TransferError, match=r"broke off after 426,666 of 1,280,000.*goes on") as at:
        fetch(server.origin(), tmp_path / "a.bin")
    assert str(tmp_path / "a.bin") in str(at.value)
    assert names(tmp_path) == ["a.bin.partial", "a.bin.partial.json"]
    fetch(server.origin(), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == server.content
    assert names(tmp_path) == ["a.bin"]
    assert server.header("Range") == [None, f"bytes={third}-"]
    assert server.header("If-Range") == [None, '"one"']


def test_what_is_passing_is_tried_again_and_gone_on_with(server, tmp_path: Path) -> None:
    told: list[str] = []
    server.failures = [503, "broken", 500, "broken", 429]
    fetch(
        server.origin(),
        tmp_path / "a.bin",
        patience=AGAIN,
        on_progress=lambda step, done, total: told.append(step),
    )
    assert (tmp_path / "a.bin").read_bytes() == server.content
    assert len(server.asked) == 6, "what brings something new is worth further attempts"
    assert any("503" in step and "again in 0 s" in step for step in told)


def test_patience_ends(server, tmp_path: Path) -> None:
    server.failures = [503] * 9
    with pytest.raises(TransferError, match=r"503 Service Unavailable.*check the network"):
        fetch(server.origin(), tmp_path / "a.bin", patience=AGAIN)
    assert len(server.asked) == 3
    server.asked.clear()
    server.failures, server.ranges = ["broken"] * 9, False
    with pytest.raises(TransferError, match="broke off"):
        fetch(server.origin(), tmp_path / "a.bin", patience=AGAIN)
    assert len(server.asked) == 3, "the first brought something, two brought nothing new"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_lasting_refusal_is_not_asked_for_twice(server, tmp_path: Path, status: int) -> None:
    server.failures = [status]
    with pytest.raises(TransferError, match=rf"a\.bin: the download failed \({status} "):
        fetch(server.origin(), tmp_path / "a.bin", patience=AGAIN)
    assert len(server.asked) == 1
    assert names(tmp_path) == []


def test_a_server_without_ranges_is_asked_for_all_of_it(server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "a.bin.partial").write_bytes(b"x" * 1000)
    fetch(server.origin(), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == server.content
    assert len(server.asked) == 1


def test_another_state_of_the_file_is_not_glued_to_what_arrived(server, tmp_path: Path) -> None:
    server.content, server.failures = b"old" * 500_000, ["broken"]
    wanted = b"new" * 500_000
    with pytest.raises(TransferError, match="broke off"):
        fetch(server.origin(content=wanted), tmp_path / "a.bin")
    server.content, server.etag = wanted, '"two"'
    fetch(server.origin(content=wanted), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == wanted
    assert server.header("If-Range") == [None, '"one"']
    assert len(server.asked) == 2


def test_a_mirror_is_not_asked_by_the_name_that_another_server_gave(server, tmp_path) -> None:
    server.failures = ["broken"]
    with pytest.raises(TransferError, match="broke off"):
        fetch(server.origin(), tmp_path / "a.bin")
    server.etag = '"mirror"'
    fetch(server.origin("/mirror/a.bin"), tmp_path / "a.bin")
    assert server.header("If-Range") == [None, None]
    assert server.header("Range")[1] is not None
    assert (tmp_path / "a.bin").read_bytes() == server.content


@pytest.mark.parametrize("spoilt", ["", "{}", "[1]", '{"url": 3, "value": 4}', '{"url"'])
def test_a_spoilt_note_of_the_server_is_ignored(server, tmp_path: Path, spoilt: str) -> None:
    (tmp_path / "a.bin.partial").write_bytes(server.content[:1000])
    (tmp_path / "a.bin.partial.json").write_text(spoilt)
    fetch(server.origin(), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == server.content
    assert server.header("If-Range") == [None]
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("kind", ["other", "reversed", "longer"])
def test_a_stale_partial_file_is_replaced(server, tmp_path: Path, kind: str) -> None:
    content = server.content
    stale = {"other": b"something else", "reversed": content[::-1], "longer": content + b"more"}
    (tmp_path / "a.bin.partial").write_bytes(stale[kind])
    fetch(server.origin(), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == content


def test_a_complete_partial_file_needs_no_body(server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.partial").write_bytes(server.content)
    fetch(server.origin(), tmp_path / "a.bin")
    assert server.header("Range") == [f"bytes={len(server.content)}-"]
    assert (tmp_path / "a.bin").read_bytes() == server.content


def test_a_range_that_begins_elsewhere_is_not_taken(server, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a.bin.partial").write_bytes(server.content[:1000])
    whole = request._start
    monkeypatch.setattr(request, "_start", lambda header, default: whole(header, default=0) + 1)
    fetch(server.origin(), tmp_path / "a.bin", patience=AGAIN)
    assert (tmp_path / "a.bin").read_bytes() == server.content
    assert server.header("Range") == ["bytes=1000-", None]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_wrong_checksum_is_refused_and_removed(server, tmp_path: Path, algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"another").hexdigest()
    found = hashlib.new(algorithm, server.content).hexdigest()
    with pytest.raises(TransferError, match=rf"not the one expected \(.* {found}, not {digest}"):
        fetch(Origin(url=f"{server.url}/a", **{algorithm: digest}), tmp_path / "a.bin")
    assert names(tmp_path) == []


def test_both_checksums_count(server, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(TransferError, match="not the one expected"):
        fetch(Origin(url=server.url, sha256=sha256.upper(), md5="0" * 32), tmp_path / "a.bin")


def test_another_length_is_refused_before_the_transfer(server, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=r"1,280,000 bytes there, not 9\b"):
        fetch(server.origin(bytes=9), tmp_path / "a.bin")
    assert names(tmp_path) == []


@pytest.mark.parametrize("limit", ["bytes", "at_most"])
def test_a_body_without_an_end_is_given_up(server, tmp_path: Path, limit: str) -> None:
    server.lengths = False
    with pytest.raises(TransferError, match="not the one expected"):
        fetch(server.origin(content=b"small", **{limit: 5}), tmp_path / "a.bin")
    assert names(tmp_path) == []


def test_a_body_of_unknown_length_is_held_to_the_length_that_is_known(server, tmp_path) -> None:
    server.lengths, server.failures = False, ["broken"]
    origin = server.origin(bytes=len(server.content))
    with pytest.raises(TransferError, match="broke off after 426,666 of 1,280,000"):
        fetch(origin, tmp_path / "a.bin")
    fetch(origin, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == server.content


def test_redirects_are_followed_but_not_in_circles(server, tmp_path: Path) -> None:
    fetch(server.origin("/moved"), tmp_path / "a.bin")
    assert [path for path, _ in server.asked] == ["/moved", "/a.bin"]
    with pytest.raises(TransferError, match=r"302 .*redirect"):
        fetch(server.origin("/moved-in-circles"), tmp_path / "b.bin", patience=AGAIN)


def test_a_redirect_keeps_the_range(server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.partial").write_bytes(server.content[:1000])
    fetch(server.origin("/moved"), tmp_path / "a.bin")
    assert server.header("Range") == ["bytes=1000-", "bytes=1000-"]
    assert (tmp_path / "a.bin").read_bytes() == server.content


def test_no_network_fails_at_once_and_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a"
    patience = Patience(waits=(60.0,))
    target = tmp_path / "a.bin"
    with pytest.raises(
        TransferError, match=r"Connection refused\).*network connection.*put it"
    ) as at:
        fetch(Origin(url=url, md5="0" * 32), target, patience=patience)
    assert str(target) in str(at.value)
    assert names(tmp_path) == []


def test_a_server_that_hangs_up_is_tried_again(server, tmp_path: Path) -> None:
    hung_up: list[int] = []

    def hang_up() -> None:
        if not hung_up:
            hung_up.append(1)
            raise ConnectionResetError

    server.before = hang_up
    fetch(server.origin(), tmp_path / "a.bin", patience=AGAIN)
    assert (tmp_path / "a.bin").read_bytes() == server.content
    assert len(server.asked) == 2


def test_a_server_that_falls_silent_is_left(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        patience = Patience(timeout_seconds=0.2, waits=())
        with pytest.raises(TransferError, match="timed out"):
            fetch(Origin(url=url, md5="0" * 32), tmp_path / "a.bin", patience=patience)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://127.0.0.1/a", "not an http"),
        ("a.bin", "not an http"),
        ("http://127.0.0.1:port/a", "port"),
        ("http://[::1/a", "IPv6"),
    ],
)
def test_an_address_that_is_none(tmp_path: Path, url: str, why: str) -> None:
    with pytest.raises(TransferError, match=why):
        fetch(Origin(url=url, md5="0" * 32), tmp_path / "a.bin")


def test_proxies_of_the_environment_are_used_and_named(
    server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(server.content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output quiet."""

    origin = Origin(url="http://music.invalid/a", sha256=hashlib.sha256(server.content).hexdigest())
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://user:secret@127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        fetch(origin, tmp_path / "a.bin")
        assert asked == ["http://music.invalid/a"]
        fetch(server.origin(), tmp_path / "b.bin")
        assert len(asked) == 1, "no_proxy keeps the proxy out"
        proxy.shutdown()
        thread.join()
    with pytest.raises(TransferError, match="by way of the proxy that http_proxy names") as caught:
        fetch(origin, tmp_path / "c.bin")
    assert "secret" not in str(caught.value)


def test_a_file_of_ones_own_is_replaced_only_where_that_is_allowed(server, tmp_path) -> None:
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(TransferError, match=r"a\.bin.*delete or move"):
        fetch(server.origin(), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"mine"
    assert server.asked == []
    fetch(server.origin(), tmp_path / "a.bin", replace=True)
    assert (tmp_path / "a.bin").read_bytes() == server.content


def test_the_old_file_stays_until_the_new_one_is_whole(server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"mine")
    server.failures = [404]
    with pytest.raises(TransferError, match="404"):
        fetch(server.origin(), tmp_path / "a.bin", replace=True)
    assert (tmp_path / "a.bin").read_bytes() == b"mine"


def test_a_folder_in_the_way_is_named_before_the_transfer(server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(TransferError, match=r"a\.bin: a folder of that name"):
        fetch(server.origin(), tmp_path / "a.bin", replace=True)
    assert server.asked == []


def test_no_space_is_found_out_before_the_transfer(server, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        disk.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1_000_000)
    )
    with pytest.raises(TransferError, match=r"1\.3 MB are needed and 1\.0 MB are free.*another"):
        fetch(server.origin(), tmp_path / "a.bin", patience=AGAIN)
    assert len(server.asked) == 1


def test_a_disk_that_fills_up_keeps_what_arrived(server, tmp_path: Path, monkeypatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(request.os, "fsync", full)
    with pytest.raises(TransferError, match=r"No space left.*free some space, or choose another"):
        fetch(server.origin(), tmp_path / "a.bin", patience=AGAIN)
    assert "a.bin.partial" in names(tmp_path)
    assert "a.bin.lock" not in names(tmp_path)
    monkeypatch.undo()
    fetch(server.origin(), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == server.content


def test_a_place_that_cannot_be_written_is_named(server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TransferError, match=r"file.*cannot be written.*choose another folder"):
        fetch(server.origin(), tmp_path / "file" / "a.bin")


def test_ctrl_c_keeps_what_arrived(server, tmp_path: Path) -> None:
    def stop(step: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.origin(), tmp_path / "a.bin", on_progress=stop)
    assert names(tmp_path) == ["a.bin.partial", "a.bin.partial.json"]
    assert json.loads((tmp_path / "a.bin.partial.json").read_text())["value"] == '"one"'
    fetch(server.origin(), tmp_path / "a.bin")
    assert server.header("Range")[1] is not None
    assert (tmp_path / "a.bin").read_bytes() == server.content


def test_blocks_stop_one_byte_beyond_the_limit() -> None:
    assert sum(map(len, request._blocks(io.BytesIO(b"x" * 100), limit=9))) == 10
