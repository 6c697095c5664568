"""One process at a time: the others wait, and a process that dies lets the next one in."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from carnatic_sep.errors import AudioWriteError

_SECONDS_BETWEEN_TRIES = 0.1
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def only_one(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path` within this context; see the package filelock.

    The lock is the operating system's and goes with its process, so a file that a killed process
    has left behind stops nobody. Where the file system knows no locks, nobody is kept out.

    Parameters
    ----------
    waiting : called again and again while somebody else holds the lock

    Raises
    ------
    OSError
        The file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            time.sleep(_SECONDS_BETWEEN_TRIES)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            break
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        lock.release()


@contextlib.contextmanager
def writing_alone(record: Path) -> Iterator[None]:
    """Keep out other processes that would write the stems beside `record` within this context.

    Raises
    ------
    AudioWriteError
        Another one is at it.
    """

    def busy() -> None:
        raise AudioWriteError(
            f"{record.parent}: another process is writing these stems; let it finish, or choose "
            "another --out"
        )

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # what is wrong with the folder, the writer says
            record.parent.mkdir(parents=True, exist_ok=True)
            lock = record.with_name(f".{record.name}.lock")
            stack.enter_context(only_one(lock, waiting=busy))
        yield
