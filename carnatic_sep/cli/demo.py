"""``carnatic-sep demo``: a rendered ensemble, separated, scored and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carnatic_sep.evaluation.demo import DemoResult, StemScore


def demo(
    out: Annotated[
        Path,
        typer.Option(
            "--out", file_okay=False, help="Folder for mixture, truth, stems and picture."
        ),
    ] = Path("demo"),
    seconds: Annotated[float, typer.Option("--seconds", help="Length of the piece.")] = 20.0,
    seed: Annotated[
        int, typer.Option("--seed", help="Another seed: another raga, tonic and melody.")
    ] = 0,
    model: Annotated[
        str, typer.Option("--model", help="Model name or checkpoint file.")
    ] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Render a short Carnatic ensemble with known truth, separate it, and print SDR per stem."""
    from carnatic_sep.evaluation.demo import run_demo

    result = run_demo(out, seconds=seconds, seed=seed, model=model)
    if as_json:
        typer.echo(_as_json(result))
    else:
        _print(result, out)


def _print(result: DemoResult, out: Path) -> None:
    """Show the scores as a table, and where everything is."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"SDR against the truth, model {result.model}", title_justify="left")
    table.add_column("stem")
    for column in ("mixture (dB)", "estimate (dB)", "improvement (dB)"):
        table.add_column(column, justify="right")
    for score in result.scores:
        table.add_row(*_cells(score))
    table.add_section()
    table.add_row(*_cells(result.mean))

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Played: {result.title}.", markup=False)
    console.print(f"Separated in {result.separation_seconds:.1f} s.")
    console.print(table)
    if any(score.stem == "other" for score in result.scores) and len(result.scores) > 1:
        console.print("The mean leaves out other.")
    places = {
        "mixture": result.mixture,
        "truth": out / "truth",
        "stems": out / "stems",
        "picture": result.picture,
    }
    for name, place in places.items():
        console.print(f"{name + ':':9}{place}", markup=False)


def _cells(score: StemScore) -> tuple[str, str, str, str]:
    return (
        score.stem,
        f"{score.mixture_db:.2f}",
        f"{score.estimate_db:.2f}",
        f"{score.improvement_db:+.2f}",
    )


def _as_json(result: DemoResult) -> str:
    """Return the result as JSON; infinite and undefined numbers become null."""
    import json
    import math

    def number(value: float) -> float | None:
        return round(value, 4) if math.isfinite(value) else None

    def scores(score: StemScore) -> dict[str, float | None]:
        return {
            "mixture_db": number(score.mixture_db),
            "estimate_db": number(score.estimate_db),
            "improvement_db": number(score.improvement_db),
        }

    document = {
        "model": result.model,
        "played": result.title,
        "separation_seconds": round(result.separation_seconds, 3),
        "sdr": {score.stem: scores(score) for score in result.scores},
        "mean": scores(result.mean),
        "mixture": str(result.mixture),
        "truth": {name: str(path) for name, path in result.truth.items()},
        "stems": {name: str(path) for name, path in result.estimates.items()},
        "picture": str(result.picture),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
