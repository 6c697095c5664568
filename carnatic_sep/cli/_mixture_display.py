"""What `evaluate mixtures` and `evaluate concert` print."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import typer

from carnatic_sep.cli._terminal import make_console

if TYPE_CHECKING:
    from carnatic_sep.evaluation.concert import Concert
    from carnatic_sep.evaluation.scores import Row


def print_scores(rows: list[Row]) -> None:
    """Print the table of `evaluate mixtures`."""
    from rich.table import Table

    table = Table(title="Global SDR in dB, mean over cases", title_justify="left")
    for column in ("set", "system"):
        table.add_column(column)
    for column in (*rows[0].stems, "mean"):
        table.add_column(column, justify="right")
    for number, row in enumerate(rows):
        if number and row.cases != rows[number - 1].cases:
            table.add_section()
        scores = (f"{value:.2f}" for value in (*row.stems.values(), row.mean))
        table.add_row(row.cases, row.system, *scores)
    make_console().print(table)


def print_concert(found: Concert) -> None:
    """Print what `evaluate concert` found."""
    from rich.table import Table

    table = Table(title="Level, spectral centroid, share of energy per band", title_justify="left")
    table.add_column("")
    bands = next(iter(found.sounds.values())).bands_hz
    names = [f"{low:.0f}-{high:.0f} Hz" for low, high in pairwise(bands[:-1])]
    for column in ("dBFS", "centroid", *names, f"above {bands[-2]:.0f} Hz"):
        table.add_column(column, justify="right")
    for name, sound in found.sounds.items():
        shares = (f"{share:.0%}" for share in sound.shares)
        table.add_row(name, f"{sound.level_db:.1f}", f"{sound.centroid_hz:.0f} Hz", *shares)
    make_console().print(table)
    typer.echo(f"sum of the stems minus mixture: peak {found.null_db:.1f} dBFS")
    for name, accuracy in found.pitch_accuracy.items():
        typer.echo(f"raw pitch accuracy at 50 cents, {name}: {accuracy:.1%}")


def row_document(row: Row) -> dict[str, Any]:
    """Return a row of `evaluate mixtures` as JSON holds it."""
    return {
        "set": row.cases,
        "cases": row.count,
        "system": row.system,
        "sdr_db": {
            name: _number(value) for name, value in (*row.stems.items(), ("mean", row.mean))
        },
    }


def concert_document(found: Concert) -> dict[str, Any]:
    """Return what `evaluate concert` found as JSON holds it."""
    return {
        "sounds": {
            name: {
                "level_db": sound.level_db,
                "centroid_hz": sound.centroid_hz,
                "band_edges_hz": sound.bands_hz[:-1],
                "shares": sound.shares,
            }
            for name, sound in found.sounds.items()
        },
        "null_db": found.null_db,
        "raw_pitch_accuracy": found.pitch_accuracy,
    }


def _number(value: float) -> float | None:
    """Return what JSON has a way to write: no NaN, no infinity."""
    from math import isfinite

    return value if isfinite(value) else None
