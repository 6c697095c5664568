"""Weights that are published elsewhere: where they are kept, and how they get there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from carnatic_sep.errors import CheckpointError, TransferError
from carnatic_sep.transfer.origin import OnProgress, Origin, unheard

CACHE_VARIABLE = "CARNATIC_SEP_CACHE"
_LARGEST_BYTES = 2 << 30


@dataclass(frozen=True)
class Download:
    """A weights file elsewhere: where, which bytes exactly, and how many where that is known.

    `format` says what the file is: a checkpoint of this package, or an archive of Spleeter's.
    """

    url: str
    sha256: str
    bytes: int | None = None
    format: Literal["safetensors", "spleeter"] = "safetensors"


def cache_dir() -> Path:
    """Return where downloaded models live: CARNATIC_SEP_CACHE, or the user's cache folder.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/

    Raises
    ------
    CheckpointError
        Nobody says where the user's home is.
    """
    try:
        if chosen := os.environ.get(CACHE_VARIABLE):
            return Path(chosen).expanduser()
        shared = os.environ.get("XDG_CACHE_HOME", "")
        # a relative path there is to be ignored, says the source
        return (Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache") / (
            "carnatic-sep"
        )
    except RuntimeError as error:
        raise CheckpointError(
            f"no home folder is known ({error}); set {CACHE_VARIABLE} to a folder for models"
        ) from error


def fetch(download: Download, target: Path, *, on_progress: OnProgress = unheard) -> Path:
    """Make sure that `target` holds exactly the file that `download` describes.

    Does nothing when it already does; a wrong file there is replaced: it is a cache. For the rest
    see :func:`carnatic_sep.transfer.fetch.fetch`.

    Raises
    ------
    CheckpointError
        No network, an interrupted transfer (its part is kept for the next attempt), other bytes
        than promised (nothing is kept), or a disk that is full or may not be written.
    """
    from carnatic_sep.transfer.fetch import fetch as transfer

    origin = Origin(
        url=download.url, sha256=download.sha256, bytes=download.bytes, at_most=_LARGEST_BYTES
    )
    elsewhere = f"point {CACHE_VARIABLE} to a folder that can be written"
    try:
        return transfer(origin, target, elsewhere=elsewhere, replace=True, on_progress=on_progress)
    except TransferError as error:
        raise CheckpointError(str(error)) from error
