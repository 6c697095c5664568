"""The verb `inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carnatic_sep.cli._batch import report_rest
from carnatic_sep.cli._steps import Steps
from carnatic_sep.cli._terminal import make_console

if TYPE_CHECKING:
    from carnatic_sep.leakage.inspect import Inspection


def inspect(
    name: Annotated[
        str,
        typer.Argument(
            metavar="DATASET|FOLDER",
            help="A dataset's name, a layout (.yaml), or a folder of tracks or of one track.",
        ),
    ],
    root: Annotated[Path | None, typer.Option("--root", help="Where a named dataset lies.")] = None,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", metavar="ID", help="Only this track; repeat for more."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", file_okay=False, metavar="DIR", help="Write ID.json and ID.png there."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", help="How much of each track to look at.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Tell how much bleeds where in a multitrack, before anything is done about it.

    Prints the leakage from each stem into each microphone, signal to bleed, and the ceiling that
    bleed puts on SDR measured against these stems. Looks at stretches, evenly spread.

    \b
    Examples:
      carnatic-sep inspect recordings/concert-1
      carnatic-sep inspect saraga_carnatic --root /data --out inspected
      carnatic-sep inspect recordings --track concert-1 --seconds 120 --json
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.leakage.batch import inspect_tracks, select_tracks

    with Steps(quiet=quiet) as steps:
        batch = inspect_tracks(
            select_tracks(name, root=root, ids=track), out_dir=out, seconds=seconds, on_step=steps
        )
    if as_json:
        document = {
            "tracks": [found.as_dict() for found in batch.found.values()],
            "failed": batch.failed,
            "left_out": batch.left_out,
            "notes": batch.notes,
        }
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        for found in batch.found.values():
            _print(found)
    report_rest(batch, quiet=quiet)


def _print(found: Inspection) -> None:
    from rich.table import Table

    table = Table(title=f"{found.track}: power from others, dB", title_justify="left")
    table.add_column("into \\ from")
    for stem in (*found.stems, "signal to bleed", "ceiling of SDR", "alone"):
        table.add_column(stem, justify="right")
    for row, stem in enumerate(found.stems):
        alone = sum(end - start for start, end in found.solos[stem])
        table.add_row(
            stem,
            *(f"{value:.0f}" if value == value else "" for value in found.matrix_db[row]),
            _decibels(found.signal_to_bleed_db[row], "silent"),
            _decibels(found.ceiling_db[row], ""),
            f"{alone:.1f} s",
        )
    make_console().print(table)


def _decibels(value: float, undefined: str) -> str:
    return f"{value:.1f} dB" if value == value else undefined
