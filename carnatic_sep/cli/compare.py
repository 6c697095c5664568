"""The verb `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carnatic_sep.cli._terminal import make_console

if TYPE_CHECKING:
    from carnatic_sep.evaluation.comparison import Comparison


def compare(
    a: Annotated[
        Path, typer.Argument(metavar="A.json", help="Summary of an evaluation, or its folder.")
    ],
    b: Annotated[Path, typer.Argument(metavar="B.json", help="Summary of another, or its folder.")],
    system_a: Annotated[
        str | None,
        typer.Option("--system-a", metavar="NAME", help="Of A; default: what A is about."),
    ] = None,
    system_b: Annotated[
        str | None,
        typer.Option("--system-b", metavar="NAME", help="Of B; default: what B is about."),
    ] = None,
    every_metric: Annotated[
        bool, typer.Option("--all", help="Print every metric, not the headline alone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two evaluations of the same tracks, pair by pair.

    Differences are A minus B. A system is called better only where the 95 % interval of the
    difference, drawn over concerts, leaves out 0 against the references of every cleaner.

    \b
    Examples:
      carnatic-sep compare old/summary.json new/summary.json
      carnatic-sep compare old new --all
      carnatic-sep compare run run --system-a default --system-b mixture --json
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.evaluation.comparison import compare as compare_runs

    found = compare_runs(a, b, system_a=system_a, system_b=system_b)
    if as_json:
        import json

        typer.echo(json.dumps(found.as_dict(), indent=2, allow_nan=False))
    else:
        _print(found, every_metric=every_metric)


def _print(found: Comparison, *, every_metric: bool) -> None:
    from rich.table import Table

    table = Table(
        title=f"{found.a} minus {found.b}, {len(found.tracks)} tracks", title_justify="left"
    )
    for heading in ("stem", "metric"):
        table.add_column(heading)
    for heading in ("difference", "95 % interval", "p", "wins", ""):
        table.add_column(heading, justify="right")
    names = {"a": f"{found.a} is better", "b": f"{found.b} is better", "open": "open"}
    for claim in found.claims:
        for number, (metric, each) in enumerate(claim["differences"].items()):
            cells = (*_cells(each, "dB"), f"{each['wins']} of {each['count']}")
            verdict = "" if number else names[claim["better"]]
            table.add_row("" if number else claim["stem"], metric, *cells, verdict)
    if every_metric or not found.claims:  # without the headline, what there is
        table.add_section()
        for row in found.metrics:
            table.add_row(row["stem"], row["metric"], *_cells(row, row["unit"]), "", "")
    make_console().print(table)
    if found.left_out:
        typer.echo(f"left out, scored by one of them only: {', '.join(found.left_out)}")


def _cells(found: dict[str, Any], unit: str) -> tuple[str, str, str]:
    low, high, p_value = found["low"], found["high"], found["p_value"]
    shown = "" if low is None else f"{low:+.2f} to {high:+.2f}"
    return f"{found['mean']:+.2f} {unit}", shown, "" if p_value is None else f"{p_value:.3g}"
