"""Whose recordings a model learnt from."""

from __future__ import annotations

import csv
from fnmatch import fnmatch
from pathlib import Path

from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.errors import ConfigError


def credits_of(data_dir: Path, data: DataConfig) -> list[str]:
    """List source and licence, once each, of the recordings that `data` trains on.

    Reads ``MANIFEST.csv`` (columns path, source_repository, licence) in `data_dir`; a folder
    without one gives a line that says so.

    Raises
    ------
    ConfigError
        The manifest lacks one of the columns.
    """
    manifest = data_dir / "MANIFEST.csv"
    if not manifest.is_file():
        return [f"no MANIFEST.csv beside the recordings in {data_dir.name}: sources not recorded"]
    used = [
        *data.voice,
        *data.teacher_voice,
        *data.synthesised_voice,
        *data.violin_notes,
        *data.violin_pieces,
    ]
    used += [*data.strokes, *data.rooms]
    with manifest.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = {"path", "source_repository", "licence"} - set(reader.fieldnames or [])
        if missing:
            raise ConfigError(f"{manifest}: lacks the columns {', '.join(sorted(missing))}")
        return sorted(
            {
                f"{row['source_repository']} ({row['licence']})"
                for row in reader
                if any(fnmatch(row["path"], pattern) for pattern in used)
                and not any(fnmatch(row["path"], pattern) for pattern in data.test)
            }
        )
