"""Checksums against hashlib's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from carnatic_sep.transfer.digest import file_digest


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_digests_are_hashlibs(tmp_path: Path, algorithm: str, size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(range(256)) * (size // 256) + b"y" * (size % 256))
    told: list[tuple[str, int, int | None]] = []
    found = file_digest(path, algorithm, on_progress=lambda *step: told.append(step))
    assert found == hashlib.new(algorithm, path.read_bytes()).hexdigest()
    assert told[-1:] == ([("checking x", size, size)] if size else [])
