"""The verb `clean`."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from carnatic_sep.cli._batch import report_rest
from carnatic_sep.cli._steps import Steps
from carnatic_sep.cli._terminal import INTERRUPTED, make_console

if TYPE_CHECKING:
    from carnatic_sep.leakage.clean_files import CleanedTrack


def clean(
    name: Annotated[
        str,
        typer.Argument(
            metavar="DATASET|FOLDER",
            help="A dataset's name, a layout (.yaml), or a folder of tracks or of one track.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, metavar="DIR", help="Output folder.")
    ] = Path("cleaned"),
    root: Annotated[Path | None, typer.Option("--root", help="Where a named dataset lies.")] = None,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", metavar="ID", help="Only this track; repeat for more."),
    ] = None,
    method: Annotated[
        Literal["joint-fir", "mira"],
        typer.Option("--method", help="The canceller, or spectral masks as a baseline."),
    ] = "joint-fir",
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=2, help="Rounds of the canceller; 1 is quicker.")
    ] = 2,
    post_filter: Annotated[
        bool,
        typer.Option(
            "--post-filter/--linear",
            help="Mask what is left where masks can be trusted, or only subtract.",
        ),
    ] = True,
    output_format: Annotated[
        Literal["wav", "flac"], typer.Option("--format", help="Of the stems.")
    ] = "flac",
    bit_depth: Annotated[
        Literal["16", "24", "32f"], typer.Option(help="For wav; for flac, 16 or 24.")
    ] = "24",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what was cleaned before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Take the bleed out of the stems of a multitrack or a dataset.

    Writes DIR/TRACK/stem.flac, confidence.npz and cleaning.json; DIR is a dataset again. What was
    cleaned before is skipped: after Ctrl-C the same command goes on with the track it was at.

    \b
    Examples:
      carnatic-sep clean recordings --out cleaned
      carnatic-sep clean saraga_carnatic --root /data --out cleaned --track "Bhuvini Dasudane"
      carnatic-sep clean recordings --method mira --out baseline
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.audio.formats import OutputFormat
    from carnatic_sep.leakage.batch import clean_tracks, select_tracks
    from carnatic_sep.leakage.config import CleanConfig

    try:
        with Steps(quiet=quiet) as steps:
            batch = clean_tracks(
                select_tracks(name, root=root, ids=track),
                out,
                config=CleanConfig(method=method, rounds=rounds, post_filter=post_filter),
                output_format=OutputFormat(output_format, bit_depth),
                overwrite=overwrite,
                on_step=steps,
            )
    except KeyboardInterrupt as error:
        typer.echo("interrupted; what is done is kept, and the same command goes on", err=True)
        raise typer.Exit(INTERRUPTED) from error
    if as_json:
        document = {
            "tracks": {key: _facts(done) for key, done in batch.found.items()},
            "failed": batch.failed,
            "left_out": batch.left_out,
            "notes": batch.notes,
        }
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    elif batch.found:
        _print(batch.found)
    report_rest(batch, quiet=quiet)


def _facts(done: CleanedTrack) -> dict[str, Any]:
    return {
        "folder": str(done.folder),
        "skipped": done.report is None,
        "stems": {stem: str(path) for stem, path in done.stems.items()},
        "report": done.report.as_dict() if done.report else None,
    }


def _print(found: dict[str, CleanedTrack]) -> None:
    from rich.table import Table

    table = Table("track", "microphone", "removed", "in solos", "got", box=None)
    for key, done in found.items():
        if done.report is None:
            table.add_row(key, "", "", "", "cleaned before")
            continue
        for microphone, stem in done.report.stems.items():
            table.add_row(
                key,
                microphone,
                f"{stem.removed_db:.1f} dB" if isfinite(stem.removed_db) else "nothing",
                f"{stem.solo_removed_db:.1f} dB" if isfinite(stem.solo_removed_db) else "",
                ", ".join(dict.fromkeys(stem.outcome)),
            )
    make_console().print(table)
