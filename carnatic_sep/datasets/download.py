"""Public archives of datasets: fetched with resume and progress, checked, unpacked safely."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import lzma
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from carnatic_sep.datasets.layout import RemoteFile
from carnatic_sep.errors import DatasetError

_BLOCK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 60.0
_MARKER = "unpacked"


class OnProgress(Protocol):
    """Whoever wants to know how far a long step is; `total` is None where nobody knows."""

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes or files of `step` are through."""


def fetch(
    remote: RemoteFile,
    folder: Path,
    *,
    on_progress: OnProgress | None = None,
    timeout_seconds: float = _TIMEOUT_SECONDS,
) -> Path:
    """Make sure that `folder` holds exactly the file that `remote` describes.

    What arrived before a break stays in ``NAME.partial``; the next call goes on from there if the
    server can, and starts over if it cannot or if the whole turns out wrong.

    Raises
    ------
    DatasetError
        No network, an interrupted transfer, other bytes than promised, or a full disk.
    """
    target = folder / remote.filename
    partial = folder / f"{remote.filename}.partial"
    if target.is_file():
        if _matches(target, remote, on_progress):
            return target
        raise DatasetError(
            f"{target}: the file is not the one that {remote.url} offers (other checksum); delete "
            "or move it, then download again"
        )
    with _disk_errors(partial):
        folder.mkdir(parents=True, exist_ok=True)
        for resumed in (partial.is_file(), False):
            _receive(remote, partial, on_progress, timeout_seconds)
            if _matches(partial, remote, on_progress):
                partial.replace(target)
                return target
            partial.unlink()
            if not resumed:
                break
    raise DatasetError(
        f"{remote.url}: the file received is not the one expected (other checksum); it was "
        "removed. Try again, and if it fails again report it: the file at that address has changed"
    )


def unpack(archive: Path, folder: Path, *, on_progress: OnProgress | None = None) -> None:
    """Unpack a zip or tar archive into `folder`; files that are there in full are left alone.

    Interrupted, it goes on with the first file that is missing: each is written under another
    name first.

    Raises
    ------
    DatasetError
        A damaged archive, an entry that would land outside `folder`, or a full disk.
    """
    marker = archive.with_name(f"{archive.name}.{_MARKER}")
    stamp = f"{archive.stat().st_size} {folder.resolve()}"
    if marker.is_file() and marker.read_text(encoding="utf-8") == stamp:
        return
    try:
        with _disk_errors(folder):
            if zipfile.is_zipfile(archive):
                _unzip(archive, folder, on_progress)
            else:
                try:
                    _untar(archive, folder, on_progress)
                except (gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
                    raise tarfile.ReadError(str(error)) from error
            marker.write_text(stamp, encoding="utf-8")
    except NotImplementedError as error:  # a method of compression that zipfile does not know
        raise DatasetError(
            f"{archive}: cannot be unpacked here ({error}); unpack it into {folder} by other means"
        ) from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DatasetError(
            f"{archive}: the archive is damaged ({error}); delete it and download it again"
        ) from error


def file_digest(
    path: Path,
    algorithm: str,
    *,
    on_progress: OnProgress | None = None,
) -> str:
    """Return the checksum of a file's bytes in hexadecimal, read block by block."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            if on_progress is not None:
                on_progress(f"checking {path.name}", done, total)
    return digest.hexdigest()


def _matches(path: Path, remote: RemoteFile, on_progress: OnProgress | None) -> bool:
    wanted = [("sha256", remote.sha256), ("md5", remote.md5)]
    return all(
        file_digest(path, algorithm, on_progress=on_progress) == value
        for algorithm, value in wanted
        if value
    )


def _receive(
    remote: RemoteFile, partial: Path, on_progress: OnProgress | None, timeout_seconds: float
) -> None:
    """Append to `partial` what is missing of it."""
    have = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(remote.url)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout_seconds)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # all of it is here, or it is wrong: the checksum tells
        raise _no_transfer(remote, f"{error.code} {error.reason}", have) from error
    except (OSError, http.client.HTTPException) as error:
        raise _no_transfer(remote, getattr(error, "reason", error), have) from error
    with response:
        if response.status != http.client.PARTIAL_CONTENT:
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        _check_space(partial, None if total is None else total - have)
        with partial.open("ab" if have else "wb") as file:
            done = have
            for block in _blocks(remote, response, have):
                file.write(block)
                done += len(block)
                if on_progress is not None:
                    on_progress(f"downloading {remote.filename}", done, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done < total:
        raise _no_transfer(remote, f"it broke off after {done:,} of {total:,} bytes", done)


def _blocks(remote: RemoteFile, response: IO[bytes], have: int) -> Iterator[bytes]:
    """Yield the body; a disk that fails while it is consumed is not caught here."""
    done = have
    while True:
        try:
            block = response.read(_BLOCK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _no_transfer(remote, error, done) from error
        if not block:
            return
        done += len(block)
        yield block


def _no_transfer(remote: RemoteFile, why: object, have: int) -> DatasetError:
    kept = "what arrived is kept and the next try goes on from there" if have else "try again"
    return DatasetError(
        f"{remote.url}: the download failed ({why}); {kept}. Or fetch the file elsewhere and put "
        f"it into the dataset's folder as {remote.filename}"
    )


def _check_space(partial: Path, needed: int | None) -> None:
    free = shutil.disk_usage(partial.parent).free
    if needed is not None and needed > free:
        raise DatasetError(
            f"{partial.parent}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; "
            "make room or choose another folder with --root"
        )


@contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{error.filename or place}: cannot be written ({error.strerror or error}); free some "
            "space or choose another folder with --root"
        ) from error


def _unzip(archive: Path, folder: Path, on_progress: OnProgress | None) -> None:
    with zipfile.ZipFile(archive) as opened:
        entries = [entry for entry in opened.infolist() if not entry.is_dir()]
        for number, entry in enumerate(entries, start=1):
            target = _inside(folder, _zip_name(entry), archive)
            if not (target.is_file() and target.stat().st_size == entry.file_size):
                with opened.open(entry) as source:
                    _write(source, target)
            if on_progress is not None:
                on_progress(f"unpacking {archive.name}", number, len(entries))


def _untar(archive: Path, folder: Path, on_progress: OnProgress | None) -> None:
    with tarfile.open(archive) as opened:
        for number, entry in enumerate(opened, start=1):
            source = opened.extractfile(entry) if entry.isreg() else None
            if source is None:
                continue  # folders are made as needed; links have no place in a dataset
            target = _inside(folder, entry.name, archive)
            if not (target.is_file() and target.stat().st_size == entry.size):
                _write(source, target)
            if on_progress is not None:
                on_progress(f"unpacking {archive.name}", number, None)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Return the name in UTF-8, which some archives hold without saying so."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _inside(folder: Path, name: str, archive: Path) -> Path:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        raise DatasetError(
            f"{archive}: the entry {name!r} would be written outside the dataset's folder; do not "
            "use this archive"
        )
    return folder.joinpath(*path.parts)


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    with partial.open("wb") as file:
        shutil.copyfileobj(source, file, _BLOCK_BYTES)
    partial.replace(target)
