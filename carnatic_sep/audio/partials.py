"""Files on their way to a final name, and what the system says when they do not get there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def partial(path: Path, step: str | None = None) -> Path:
    """Name an unfinished form of `path`.

    >>> partial(Path("a.flac")).name, partial(Path("a.mp3"), "wav").name
    ('a.flac.partial', 'a.mp3.wav.partial')
    """
    return path.with_name(f"{path.name}.{step}.partial" if step else f"{path.name}.partial")


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
