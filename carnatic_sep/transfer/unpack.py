"""Archives unpacked file by file: what is there is kept, and nothing lands outside."""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from carnatic_sep.errors import TransferError
from carnatic_sep.files import growing
from carnatic_sep.transfer.disk import disk_errors
from carnatic_sep.transfer.origin import OnProgress, unheard

_BLOCK_BYTES = 1 << 20
_MARKER = "unpacked"
_ENCRYPTED = 0x1
_UTF8 = 0x800


def unpack(
    archive: Path, folder: Path, *, elsewhere: str, on_progress: OnProgress = unheard
) -> None:
    """Unpack a zip or tar archive into `folder`; files that are there in full are left alone.

    Interrupted, it goes on with the first file that is missing: each is written under another
    name first. Links and devices are passed over. An archive that was unpacked to its end has a
    note beside it of what it held, and is not opened again as long as all of that is there.

    Parameters
    ----------
    elsewhere : what the user can do to have the files in another place
    on_progress : told about every file

    Raises
    ------
    TransferError
        A damaged, encrypted or unknown archive, an entry that would land outside `folder`, a file
        of another length in the place of one, or a full disk.
    """
    with disk_errors(archive, elsewhere=elsewhere):
        marker = archive.with_name(f"{archive.name}.{_MARKER}")
        stamp = f"{archive.stat().st_size} {folder.resolve()}"
        if _is_unpacked(marker, stamp, folder):
            return
    try:
        with disk_errors(folder, elsewhere=elsewhere):
            if zipfile.is_zipfile(archive):
                names = _unzip(archive, folder, on_progress)
            else:
                try:
                    names = _untar(archive, folder, on_progress)
                except (gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
                    raise tarfile.ReadError(str(error)) from error
            with growing(marker) as place:
                place.write_text(json.dumps({"stamp": stamp, "files": names}), encoding="utf-8")
    except NotImplementedError as error:  # a method of compression that zipfile does not know
        raise _not_here(archive, folder, str(error)) from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
        # tarfile tells of every format that it has tried, a line each
        why = "it is neither a zip nor a tar archive" if "\n" in str(error) else error
        raise TransferError(
            f"{archive}: the archive is damaged ({why}); delete it and download it again"
        ) from error


def _is_unpacked(marker: Path, stamp: str, folder: Path) -> bool:
    try:
        note = json.loads(marker.read_text(encoding="utf-8"))
        return note["stamp"] == stamp and all((folder / name).is_file() for name in note["files"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _is_there(target: Path, size: int) -> bool:
    """Whether `target` is there in full.

    Raises
    ------
    TransferError
        It is there with another length: none of ours, which get their names when they are whole.
    """
    if not target.is_file():
        return False
    if (found := target.stat().st_size) != size:
        raise TransferError(
            f"{target}: is there already with {found} bytes and is kept; the archive's has {size}. "
            "Move it away, then give the same command again"
        )
    return True


def _not_here(archive: Path, folder: Path, why: str) -> TransferError:
    return TransferError(
        f"{archive}: cannot be unpacked here ({why}); unpack it into {folder} by other means"
    )


def _unzip(archive: Path, folder: Path, on_progress: OnProgress) -> list[str]:
    names = []
    with zipfile.ZipFile(archive) as opened:
        entries = [entry for entry in opened.infolist() if not entry.is_dir()]
        for number, entry in enumerate(entries, start=1):
            target = _inside(folder, _zip_name(entry), archive)
            if entry.flag_bits & _ENCRYPTED:
                raise _not_here(archive, folder, "it is encrypted")
            if not _is_there(target, entry.file_size):
                with opened.open(entry) as source:
                    _write(source, target)
            names.append(target.relative_to(folder).as_posix())
            on_progress(f"unpacking {archive.name}", number, len(entries))
    return names


def _untar(archive: Path, folder: Path, on_progress: OnProgress) -> list[str]:
    names = []
    with tarfile.open(archive) as opened:
        for number, entry in enumerate(opened, start=1):
            source = opened.extractfile(entry) if entry.isreg() else None
            if source is None:
                continue  # folders are made as needed; links have no place in a dataset
            target = _inside(folder, entry.name, archive)
            if not _is_there(target, entry.size):
                _write(source, target)
            names.append(target.relative_to(folder).as_posix())
            on_progress(f"unpacking {archive.name}", number, None)
    return names


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Return the name in UTF-8, which some archives hold without saying so."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _inside(folder: Path, name: str, archive: Path) -> Path:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        raise TransferError(
            f"{archive}: the entry {name!r} would be written outside {folder}; do not use this "
            "archive"
        )
    return folder.joinpath(*path.parts)


def _write(source: IO[bytes], target: Path) -> None:
    with growing(target) as place, place.open("wb") as file:
        shutil.copyfileobj(source, file, _BLOCK_BYTES)
