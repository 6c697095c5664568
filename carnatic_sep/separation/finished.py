"""Whether an earlier run has already made exactly what is asked for now."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carnatic_sep.separation.provenance import settings
from carnatic_sep.separation.tracks import plan_outputs

if TYPE_CHECKING:
    from carnatic_sep.separation.inputs import Track
    from carnatic_sep.separation.separator import Separator
    from carnatic_sep.separation.tracks import TrackOptions


def is_finished(
    separator: Separator, track: Track, out_dir: Path, *, options: TrackOptions
) -> bool:
    """Tell whether all files of `track` are there, made from it by this model with these options.

    The record beside the stems says so; the recording's bytes are compared by checksum. Device,
    number format and batch size may differ: they change the sound by rounding only.
    """
    from carnatic_sep.transfer.digest import file_digest

    outputs, sidecar = plan_outputs(separator, track.name, out_dir, options=options)
    # os.path, which takes a name that is too long for one of no file; it is told when written
    if not all(os.path.isfile(path) for path in (*outputs.values(), sidecar)):  # noqa: PTH113
        return False
    wanted = _comparable(settings(separator, options=options))
    alike = [
        record
        for record in _records(sidecar)
        if _comparable(record) == wanted and _covers(record, sidecar, outputs)
    ]
    if not alike or not track.path.is_file():
        return False
    digest = file_digest(track.path)
    return any(record.get("input", {}).get("sha256") == digest for record in alike)


def _records(sidecar: Path) -> list[dict[str, Any]]:
    """Return the records in a file that may be anything."""
    try:
        newest = json.loads(sidecar.read_text(encoding="utf-8"))
        records = [newest, *newest.get("earlier", [])]
    except (OSError, ValueError, AttributeError, TypeError):
        return []
    return [
        record
        for record in records
        if isinstance(record, dict)
        and record.get("status") == "complete"
        and isinstance(record.get("input"), dict)
        and isinstance(record.get("outputs"), dict)
    ]


def _covers(record: dict[str, Any], sidecar: Path, outputs: dict[str, Path]) -> bool:
    made = {(sidecar.parent / name).absolute(): stem for name, stem in record["outputs"].items()}
    return all(made.get(path.absolute()) == stem for stem, path in outputs.items())


def _comparable(record: dict[str, Any]) -> Any:
    """Return what decides about the sound of the files, as it reads back from JSON."""
    left_out = ("device", "precision", "batch_size", "filename")
    options = {"views": 1}  # which records of before do not have
    options |= {k: v for k, v in dict(record.get("options", {})).items() if k not in left_out}
    return json.loads(json.dumps([record.get("model"), options]))
