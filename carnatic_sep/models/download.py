"""Fetch a weights file once: checked against its SHA-256, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from carnatic_sep.errors import CheckpointError

CACHE_VARIABLE = "CARNATIC_SEP_CACHE"
_BLOCK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Download:
    """A weights file elsewhere: where, which bytes exactly, and how many."""

    url: str
    sha256: str
    bytes: int


def cache_dir() -> Path:
    """Return where downloaded models live: CARNATIC_SEP_CACHE, or the user's cache folder.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "carnatic-sep"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal, read block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def fetch(download: Download, target: Path, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> Path:
    """Make sure that `target` holds exactly the file that `download` describes.

    Does nothing when it already does; a wrong file there is replaced.

    Raises
    ------
    CheckpointError
        No network, an interrupted transfer, or other bytes than promised. Nothing is left behind.
    """
    if target.is_file() and file_sha256(target) == download.sha256:
        return target
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            _receive(download, file, target=target, timeout_seconds=timeout_seconds)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise CheckpointError(
            f"{target}: cannot be written ({error.strerror or error}); free some space or point "
            f"{CACHE_VARIABLE} to a folder that can be written"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return target


def _receive(download: Download, file: IO[bytes], *, target: Path, timeout_seconds: float) -> None:
    digest = hashlib.sha256()
    received = 0
    for block in _blocks(download, target=target, timeout_seconds=timeout_seconds):
        digest.update(block)
        received += len(block)
        file.write(block)
        if received > download.bytes:
            break
    if received < download.bytes:
        raise CheckpointError(
            f"{download.url}: the download broke off after {received:,} of {download.bytes:,} "
            "bytes; nothing was kept, try again"
        )
    if digest.hexdigest() != download.sha256:
        raise CheckpointError(
            f"{download.url}: the file received is not the one expected (SHA-256 "
            f"{digest.hexdigest()}, not {download.sha256}); it was removed; try again, and if it "
            "fails again report it, because the file at that address has changed"
        )


def _blocks(download: Download, *, target: Path, timeout_seconds: float) -> Iterator[bytes]:
    """Yield the body of the answer; a disk that fails while it is consumed is not caught here."""
    import http.client
    import urllib.request

    try:
        with urllib.request.urlopen(download.url, timeout=timeout_seconds) as response:
            while block := response.read(_BLOCK_BYTES):
                yield block
    except (OSError, http.client.HTTPException) as error:
        raise CheckpointError(
            f"{download.url}: the download failed ({getattr(error, 'reason', error)}); check the "
            f"network connection, or fetch the file elsewhere and put it at {target}"
        ) from error
