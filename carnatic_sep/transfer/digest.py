"""Checksums of files, read block by block."""

from __future__ import annotations

import hashlib
from pathlib import Path

from carnatic_sep.transfer.origin import OnProgress, unheard

_BLOCK_BYTES = 1 << 20


def file_digest(path: Path, algorithm: str = "sha256", *, on_progress: OnProgress = unheard) -> str:
    """Return the checksum of a file's bytes in hexadecimal.

    Parameters
    ----------
    algorithm : as :func:`hashlib.new` calls it
    on_progress : told how many bytes are read

    Raises
    ------
    OSError
        The file cannot be read.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            on_progress(f"checking {path.name}", done, total)
    return digest.hexdigest()
