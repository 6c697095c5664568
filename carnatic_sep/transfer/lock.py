"""One process at a time: the others wait, and a process that dies lets the next one in."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_SECONDS_BETWEEN_TRIES = 0.1


@contextlib.contextmanager
def only_one(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path` within this context, and remove it afterwards.

    The lock is the operating system's, on the open file, and goes with its process, so a file that
    a killed process has left behind stops nobody. Where the file system knows no locks, nobody is
    kept out.

    Parameters
    ----------
    waiting : called again and again while somebody else holds the lock

    Raises
    ------
    OSError
        The file cannot be made.
    """
    handle = _open(path)
    try:
        while not _locked(handle) or not _is_at(handle, path):
            if _is_at(handle, path):
                waiting()
                time.sleep(_SECONDS_BETWEEN_TRIES)
            else:  # who held it has removed it: the lock is on a file that nobody else will open
                os.close(handle)
                handle = _open(path)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _is_at(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    return os.path.samestat(os.fstat(handle), there)


if sys.platform == "win32":

    def _locked(handle: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _locked(handle: int) -> bool:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True
