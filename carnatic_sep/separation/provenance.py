"""The record beside the stems: what made them, from what, and how."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carnatic_sep.errors import AudioWriteError
from carnatic_sep.files import growing

if TYPE_CHECKING:
    from carnatic_sep.audio.reader import AudioInfo, InputScan
    from carnatic_sep.separation.separator import Separator
    from carnatic_sep.separation.tracks import TrackOptions

FORMAT = "carnatic-sep-separation-1"


@dataclass(frozen=True)
class Outcome:
    """What a separation left behind.

    Attributes
    ----------
    status : complete; damaged where the input broke off; wrong where the outputs were verified and
        do not sum to the input; unfinished where a run ended while it replaced them
    outputs : output name to file
    """

    status: str
    outputs: dict[str, Path]
    elapsed_seconds: float
    gain: float | None = None
    null_depth_db: float | None = None
    warnings: tuple[str, ...] = ()
    damage: str | None = None


def describe(
    separator: Separator, info: AudioInfo, scan: InputScan, *, options: TrackOptions
) -> dict[str, Any]:
    """Return what is known of a separation before it begins, for :func:`write_sidecar`."""
    import torch

    from carnatic_sep import __version__

    return {
        "carnatic_sep": __version__,
        "torch": torch.__version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "input": {
            "file": info.path.name,
            "sha256": scan.sha256,
            "sample_rate": info.sample_rate,
            "channels": info.channels,
            "frames": scan.frames,
            "seconds": round(scan.frames / info.sample_rate, 3),
            "peak": scan.peak,
        },
        **settings(separator, options=options),
    }


def settings(separator: Separator, *, options: TrackOptions) -> dict[str, Any]:
    """Return the part of a record that can be told without the input: the model and the options."""
    return {
        "model": {
            "name": separator.model_name,
            "architecture": separator.model.architecture,
            "checkpoint_sha256": separator.checkpoint_sha256(),
            "stems": list(separator.stems),
            "sample_rate": separator.sample_rate,
        },
        "options": {
            "device": str(separator.device),
            "precision": str(separator.dtype).removeprefix("torch."),
            "segment_seconds": separator.plan.segment_frames / separator.sample_rate,
            "overlap": separator.overlap,
            "views": separator.views,
            "batch_size": separator.batch_size,
            "format": options.output_format.name,
            "bit_depth": options.output_format.bit_depth,
            "filename": options.filename.text,
            "stems": list(options.stems),
            "mix_minus": list(options.mix_minus),
            "downmix": options.downmix,
        },
    }


def write_sidecar(path: Path, description: dict[str, Any], outcome: Outcome) -> None:
    """Write a record as JSON to `path`, whole or not at all.

    A record that is there already is kept inside the new one, under ``earlier``, if files that it
    lists are still there and are not among those that the new one lists.

    Raises
    ------
    AudioWriteError
        The file cannot be written.
    """
    outputs = {os.path.relpath(file, path.parent): name for name, file in outcome.outputs.items()}
    document = {"format": FORMAT, **description, **asdict(outcome), "outputs": outputs}
    document["elapsed_seconds"] = round(outcome.elapsed_seconds, 3)
    if earlier := _still_valid(path, set(outputs)):
        document["earlier"] = earlier
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    try:
        with growing(path) as place:
            place.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise AudioWriteError(
            f"{path}: the record cannot be written ({error.strerror or error}); the stems beside "
            "it are complete. Free some space or choose another --out"
        ) from error


def _still_valid(path: Path, replaced: set[str]) -> list[dict[str, Any]]:
    """Return the records at `path` that still describe a file, without those within them."""
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
        records = [{k: v for k, v in old.items() if k != "earlier"}, *old.get("earlier", [])]
        return [
            record
            for record in records
            if any(
                name not in replaced and (path.parent / name).exists() for name in record["outputs"]
            )
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []  # none there, or not one of ours
