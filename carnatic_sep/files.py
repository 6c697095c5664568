"""Files on their way to a final name, what a folder holds, and what the system says of either."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def partial(path: Path, step: str | None = None) -> Path:
    """Name an unfinished form of `path`.

    >>> partial(Path("a.flac")).name, partial(Path("a.mp3"), "wav").name
    ('a.flac.partial', 'a.mp3.wav.partial')
    """
    return path.with_name(f"{path.name}.{step}.partial" if step else f"{path.name}.partial")


@contextmanager
def growing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Yield a place for what is to become `path`, whole or not at all.

    When the context ends, what was written there reaches the disk and gets its name; when an
    exception ends it, it is removed and what `path` was before stays. The folder is made.

    Parameters
    ----------
    shared : several processes may write `path` at once, each the same; the last one stays

    Raises
    ------
    OSError
        The system refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = partial(path, str(os.getpid()) if shared else None)
    try:
        yield place
        with place.open("rb+") as file:
            os.fsync(file.fileno())  # the name must not reach the disk before what it names
        place.replace(path)
    except BaseException:
        with suppress(OSError):
            place.unlink()
        raise


def below(folder: Path) -> Iterator[Path]:
    """Yield what lies below `folder` to any depth, files and folders, those behind links too.

    What a link and a folder both lead to comes by way of the folder, and links that lead in circles
    end. What may not be looked into is passed over.
    """
    walked: set[str] = set()
    waiting = [folder]
    while waiting:
        links: list[Path] = []
        for top in waiting:
            for here, folders, names in os.walk(top):
                real = os.path.realpath(here)
                if real in walked:
                    folders.clear()
                    continue
                walked.add(real)
                folders.sort()
                inside = [Path(here, name) for name in folders]
                links += [path for path in inside if path.is_symlink()]
                yield from inside
                yield from (Path(here, name) for name in sorted(names))
        waiting = links


def is_directory(path: Path) -> bool:
    """Whether `path` is a directory; a name that no file can have is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def reason(error: Exception) -> str:
    """Say what the system or a library gave as the reason of `error`."""
    return str(getattr(error, "strerror", None) or error)


def sync_directory(path: Path) -> None:
    """Make a rename in `path` durable where the system can sync a directory."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
