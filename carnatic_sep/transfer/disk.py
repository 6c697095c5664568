"""A disk that is full or may not be written, said so that somebody can do something about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carnatic_sep.errors import TransferError


@contextmanager
def disk_errors(place: Path, *, elsewhere: str) -> Iterator[None]:
    """Within this context, what the operating system refuses becomes a :class:`TransferError`.

    Parameters
    ----------
    place : what is written, where the error itself does not say
    elsewhere : what the user can do to write to another place, e.g. "give another --root"
    """
    try:
        yield
    except OSError as error:
        raise TransferError(
            f"{error.filename or place}: cannot be written ({error.strerror or error}); free some "
            f"space, or {elsewhere}"
        ) from error


def check_space(folder: Path, needed: int, *, elsewhere: str) -> None:
    """Refuse to begin what the disk of `folder` has no room for.

    Parameters
    ----------
    needed : bytes
    elsewhere : as for :func:`disk_errors`

    Raises
    ------
    TransferError
        Naming what is needed and what is free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise TransferError(
            f"{folder}: {_spoken(needed)} are needed and {_spoken(free)} are free; make room, or "
            f"{elsewhere}"
        )


def _spoken(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
