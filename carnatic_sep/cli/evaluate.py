"""``carnatic-sep evaluate``: score models beside baselines, or look at a separated concert."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carnatic_sep.evaluation.scores import Row


def evaluate(
    config: Annotated[
        Path,
        typer.Argument(metavar="CONFIG", help="What to score on, e.g. configs/evaluation.yaml."),
    ],
    data: Annotated[
        Path,
        typer.Option("--data", envvar="CARNATIC_SEP_DATA", help="Folder of the recordings."),
    ] = Path("../shared/data"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="Model name or checkpoint; repeat to compare. [default: default]"
        ),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder that keeps pitch contours between runs.")
    ] = Path("runs/cache"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Print global SDR per stem of models and baselines, in one table.

    The sets are mixtures of takes that were kept out of training, and real excerpts.

    \b
    Examples:
      carnatic-sep evaluate configs/evaluation.yaml --data recordings
      carnatic-sep evaluate configs/evaluation.yaml --model default --model runs/my/checkpoint.safetensors
    """
    from carnatic_sep.evaluation.config import load_evaluation_config
    from carnatic_sep.evaluation.scores import score_sets

    def report(line: str) -> None:
        if not quiet:
            typer.echo(line, err=True)

    rows = score_sets(
        load_evaluation_config(config),
        data,
        models=model or ["default"],
        cache=cache,
        report=report,
    )
    if as_json:
        typer.echo(_as_json(rows))
    else:
        _print(rows)


def _print(rows: list[Row]) -> None:
    from rich.console import Console
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
    Console(highlight=False).print(table)


def _as_json(rows: list[Row]) -> str:
    import json

    return json.dumps(
        [
            {
                "set": row.cases,
                "cases": row.count,
                "system": row.system,
                "sdr_db": {**row.stems, "mean": row.mean},
            }
            for row in rows
        ],
        indent=2,
    )
