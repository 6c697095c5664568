"""Which bytes the files of a dataset should have, wherever that is written down."""

from __future__ import annotations

import re
from pathlib import Path

from carnatic_sep.datasets.folder import dataset_folder
from carnatic_sep.datasets.registry import Dataset
from carnatic_sep.errors import DatasetError

LISTS = {"SHA256SUMS": "sha256", "sha256sums.txt": "sha256", "MD5SUMS": "md5", "md5sums.txt": "md5"}
"""Names of checksum lists in a dataset's folder, as sha256sum and md5sum write them."""


def expected_checksums(dataset: Dataset) -> tuple[dict[Path, tuple[str, str]], str]:
    """Return file to algorithm and checksum, and where these are from; empty if nobody says.

    Of Saraga, the official index says; of other datasets a list beside the tracks.

    Raises
    ------
    DatasetError
        A list or an index that cannot be read.
    """
    if dataset.layout.loader == "saraga":
        official = _saraga(dataset)
        if official:
            return official, "mirdata's index"
    base = dataset_folder(dataset.root, dataset.layout)
    for name, algorithm in LISTS.items():
        path = base / name
        if path.is_file():
            return _read_list(path, algorithm), str(path)
    return {}, ""


def _saraga(dataset: Dataset) -> dict[Path, tuple[str, str]]:
    from importlib.util import find_spec

    if find_spec("mirdata") is None:
        return {}
    from carnatic_sep.datasets.saraga import load_index

    index = load_index(dataset.root)
    return {path: ("md5", md5) for _, path, md5 in index.files() if md5 is not None}


def _read_list(path: Path, algorithm: str) -> dict[Path, tuple[str, str]]:
    expected = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); copy it again") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([0-9a-fA-F]{32}|[0-9a-fA-F]{64}) [ *](.+)", line)
        if match is None:
            raise DatasetError(
                f"{path}, line {number}: no checksum and file name; write it with md5sum or "
                "sha256sum"
            )
        expected[path.parent / match.group(2)] = (algorithm, match.group(1).lower())
    return expected
