"""Take a few known files out of a tar archive that somebody else made."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carnatic_sep.errors import CheckpointError

_LARGEST_BYTES = 2 << 30
_MOST_MEMBERS = 1000


@contextmanager
def unpacked(path: Path, *, wanted: re.Pattern[str]) -> Iterator[Path]:
    """Yield a temporary folder with the files of a ``.tar.gz`` whose last name part is `wanted`.

    Only regular files are taken, under that last part alone, so nothing is written elsewhere;
    links, devices and everything else in the archive are passed over.

    Raises
    ------
    CheckpointError
        The archive is missing, damaged or cut short, holds two files of one name, or is larger
        than any model (2 GiB unpacked).
    """
    with tempfile.TemporaryDirectory(prefix="carnatic-sep-") as made:
        folder = Path(made)
        try:
            _unpack(path, folder, wanted)
        except (tarfile.TarError, EOFError, ValueError, zlib.error) as error:
            raise CheckpointError(
                f"{path}: a damaged archive ({error}); copy or download it again"
            ) from error
        except OSError as error:
            raise CheckpointError(
                f"{path}: cannot be unpacked ({error.strerror or error}); check that it is a "
                f".tar.gz and that {folder.parent} has room"
            ) from error
        yield folder


def _unpack(path: Path, folder: Path, wanted: re.Pattern[str]) -> None:
    total = 0
    with tarfile.open(path, mode="r|gz") as archive:
        for number, member in enumerate(archive):
            name = Path(member.name).name
            total += member.size
            if number >= _MOST_MEMBERS or total > _LARGEST_BYTES:
                raise CheckpointError(
                    f"{path}: holds more than a model does ({number + 1} files, {total:,} bytes "
                    "so far); is it the right archive?"
                )
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or not wanted.search(name):
                continue
            if (folder / name).exists():
                raise CheckpointError(f"{path}: holds two files called {name}; unpack it yourself")
            with (folder / name).open("xb") as file:
                shutil.copyfileobj(content, file)
