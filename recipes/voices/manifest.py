"""Credits for what was made: a row in the `MANIFEST.csv` of the recordings."""

from __future__ import annotations

import csv
from pathlib import Path


def credit(out: Path, *, name: str, source: str, licence: str, note: str) -> None:
    """Add a row for ``out/name`` to the nearest MANIFEST.csv above `out`, once.

    `train` puts source and licence into the checkpoint from there.
    """
    for folder in out.resolve().parents:
        manifest = folder / "MANIFEST.csv"
        if manifest.is_file():
            break
    else:
        print(f"{out}: no MANIFEST.csv above it; credit {source} ({licence}) by hand")
        return
    path = (out.resolve() / name).relative_to(folder).as_posix()
    with manifest.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        columns = list(reader.fieldnames or [])
        if any(row.get("path") == path for row in reader):
            return
    row = {"path": path, "source_repository": source, "licence": licence, "note": note}
    unended = not manifest.read_bytes().endswith(b"\n")
    with manifest.open("a", encoding="utf-8", newline="") as handle:
        handle.write("\n" * unended)
        rows = csv.DictWriter(
            handle, columns, restval="", extrasaction="ignore", lineterminator="\n"
        )
        rows.writerow(row)
