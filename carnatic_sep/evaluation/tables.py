"""All scores as one table: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from carnatic_sep.errors import AudioWriteError
from carnatic_sep.evaluation.parts import Part, write_text
from carnatic_sep.evaluation.scoring import Score
from carnatic_sep.files import growing

COLUMNS = ("track", "concert", "system", "stem", "metric", "start_seconds", "value")


def rows(parts: Iterable[Part]) -> Iterator[tuple[Part, Score]]:
    """Yield every score with the part that it is from."""
    for part in parts:
        for score in part.scores:
            yield part, score


def write_tables(folder: Path, parts: Sequence[Part]) -> list[Path]:
    """Write ``scores.csv``, and ``scores.parquet`` if pyarrow is there; return the files.

    One row is one number: of a whole track where `start_seconds` is empty, else of the second
    that starts there. Values are in the metric's unit; empty where the metric is not defined,
    ``inf`` for a perfect estimate.

    Raises
    ------
    AudioWriteError
        A file cannot be written.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for part, score in rows(parts):
        value = "" if score.value != score.value else f"{score.value:.6g}"
        start = "" if score.start_seconds is None else f"{score.start_seconds:g}"
        writer.writerow(
            [part.track, part.concert, score.system, score.stem, score.metric, start, value]
        )
    path = folder / "scores.csv"
    write_text(path, buffer.getvalue())
    written = [path]
    if importlib.util.find_spec("pyarrow") is not None:
        written.append(_write_parquet(folder / "scores.parquet", parts))
    return written


def _write_parquet(path: Path, parts: Sequence[Part]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    table = list(rows(parts))
    columns = {
        "track": pa.array([part.track for part, _ in table], pa.string()),
        "concert": pa.array([part.concert for part, _ in table], pa.string()),
        "system": pa.array([score.system for _, score in table], pa.string()),
        "stem": pa.array([score.stem for _, score in table], pa.string()),
        "metric": pa.array([score.metric for _, score in table], pa.string()),
        "start_seconds": pa.array([score.start_seconds for _, score in table], pa.float64()),
        "value": pa.array([score.value for _, score in table], pa.float64(), from_pandas=True),
    }
    try:
        with growing(path) as place:
            parquet.write_table(pa.table(columns), place)
    except OSError as error:
        raise AudioWriteError(
            f"{path}: cannot be written ({error.strerror}); free some space or choose another --out"
        ) from error
    return path
