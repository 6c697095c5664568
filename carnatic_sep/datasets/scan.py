"""One pass over an audio file: whether it decodes, how long and loud it is, which bytes it has."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log10
from pathlib import Path

from carnatic_sep.audio.span import chunks_from
from carnatic_sep.errors import AudioReadError
from carnatic_sep.transfer.digest import file_digest


@dataclass(frozen=True)
class FileScan:
    """What a file is found to hold.

    Attributes
    ----------
    frames : samples per channel that decode
    seconds : the same in seconds
    peak_db : largest absolute sample, dB relative to full scale
    sha256 : of the bytes of the file; empty if it cannot be read
    error : why it does not decode to its end; None if it does
    """

    frames: int
    seconds: float
    peak_db: float
    sha256: str
    error: str | None


def scan_file(path: Path) -> FileScan:
    """Decode `path` once, whatever becomes of it."""
    from carnatic_sep.audio.reader import probe

    frames, peak, rate, problem = 0, 0.0, 1, None
    try:
        rate = probe(path).sample_rate
        for chunk in chunks_from(path):
            frames += chunk.shape[1]
            peak = max(peak, float(abs(chunk).max()))
    except AudioReadError as error:
        problem = str(error)
    return FileScan(
        frames=frames,
        seconds=frames / rate,
        peak_db=20 * log10(peak) if peak else -inf,
        sha256=file_digest(path, "sha256") if path.is_file() else "",
        error=problem,
    )
