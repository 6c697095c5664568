"""Several at once: one fetches, the others wait and find it done; the dead stop nobody."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from carnatic_sep.transfer.fetch import Patience, fetch
from carnatic_sep.transfer.lock import only_one
from carnatic_sep.transfer.origin import Origin


def never() -> None:
    raise AssertionError("nobody else holds the lock")


def hold(path: str, seconds: float) -> None:
    with only_one(Path(path), waiting=lambda: None):
        time.sleep(seconds)


def fetch_it(url: str, sha256: str, target: str) -> None:
    fetch(Origin(url=url, sha256=sha256), Path(target), elsewhere="", patience=Patience(waits=()))


def test_the_lock_file_goes_with_the_lock(tmp_path: Path) -> None:
    with only_one(tmp_path / "x.lock", waiting=never):
        assert (tmp_path / "x.lock").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_left_behind_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "x.lock").touch()
    with only_one(tmp_path / "x.lock", waiting=never):
        pass
    assert list(tmp_path.iterdir()) == []


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(5):
            with only_one(tmp_path / "x.lock", waiting=lambda: None):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


def test_a_killed_process_lets_the_next_one_in(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=hold, args=(str(lock), 600.0))
    process.start()
    while not lock.exists():
        time.sleep(0.01)
    waited: list[int] = []

    def waiting() -> None:
        waited.append(1)
        if len(waited) == 2:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    with only_one(lock, waiting=waiting):
        assert len(waited) >= 2
    process.join()


def test_processes_that_want_one_file_fetch_it_once(server, tmp_path: Path) -> None:
    server.before = lambda: time.sleep(0.5)
    origin = server.origin()
    target = tmp_path / "a.bin"
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=fetch_it, args=(origin.url, origin.sha256, str(target)))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert target.read_bytes() == server.content
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert len(server.asked) == 1


@pytest.mark.skipif(os.name != "posix", reason="flock is of POSIX")
def test_a_file_system_without_locks_keeps_nobody_out(tmp_path: Path, monkeypatch) -> None:
    import fcntl

    def refused(handle: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refused)
    inside = []
    with only_one(tmp_path / "x.lock", waiting=never):
        inside.append("one")
        with only_one(tmp_path / "x.lock", waiting=never):
            inside.append("another")
    assert inside == ["one", "another"]
