"""Fetch a weights file once, checked against its SHA-256; a broken transfer is gone on with."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from carnatic_sep.errors import CheckpointError

CACHE_VARIABLE = "CARNATIC_SEP_CACHE"
_BLOCK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30.0
_LARGEST_BYTES = 2 << 30
_PARTIAL_CONTENT = 206
_RANGE_REFUSED = 416


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

    Does nothing when it already does; a wrong file there is replaced. What a transfer that broke
    off has left, in ``TARGET.partial``, is gone on with.

    Raises
    ------
    CheckpointError
        No network, an interrupted transfer (its part is kept for the next attempt), or other bytes
        than promised (nothing is kept).
    """
    if target.is_file() and file_sha256(target) == download.sha256:
        return target
    kept = target.with_name(f"{target.name}.partial")
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            kept.replace(partial)  # ours alone from here on
        with _kept_on_failure(partial, kept):
            _receive(download, partial, target=target, timeout_seconds=timeout_seconds)
        _check(download, partial)
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


@contextlib.contextmanager
def _kept_on_failure(partial: Path, kept: Path) -> Iterator[None]:
    """Within this context, whatever goes wrong leaves `partial` as `kept`, if it holds anything."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if partial.stat().st_size:
                partial.replace(kept)
        raise


def _receive(download: Download, partial: Path, *, target: Path, timeout_seconds: float) -> None:
    """Append to `partial` what it lacks, or write it anew where the server cannot go on."""
    import http.client
    import urllib.error
    import urllib.request

    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(download.url)
    if have:
        request.add_header("Range", f"bytes={have}-")
    largest = download.bytes or _LARGEST_BYTES
    try:
        answer = urllib.request.urlopen(request, timeout=timeout_seconds)
    except urllib.error.HTTPError as error:
        if have and error.code == _RANGE_REFUSED:  # all of it is here, or more than all
            return
        raise _failed(download, target, error.reason) from error
    except (OSError, http.client.HTTPException) as error:
        raise _failed(download, target, getattr(error, "reason", error)) from error
    with answer, partial.open("ab" if answer.status == _PARTIAL_CONTENT else "wb") as file:
        promised = answer.headers.get("Content-Length", "")
        expected = download.bytes or (file.tell() + int(promised) if promised.isdigit() else 0)
        while file.tell() <= largest:
            try:
                block = answer.read(_BLOCK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise _failed(download, target, error) from error
            if not block:
                break
            file.write(block)
        received = file.tell()
        file.flush()
        os.fsync(file.fileno())
    if received < expected:
        raise CheckpointError(
            f"{download.url}: the download broke off after {received:,} of {expected:,} bytes; "
            "try again to go on from there"
        )


def _failed(download: Download, target: Path, reason: object) -> CheckpointError:
    return CheckpointError(
        f"{download.url}: the download failed ({reason}); check the network connection, or fetch "
        f"the file elsewhere and put it at {target}"
    )


def _check(download: Download, partial: Path) -> None:
    if (found := file_sha256(partial)) != download.sha256:
        raise CheckpointError(
            f"{download.url}: the file received is not the one expected (SHA-256 "
            f"{found}, not {download.sha256}); it was removed; try again, and if it "
            "fails again report it, because the file at that address has changed"
        )
