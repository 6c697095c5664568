"""``carnatic-sep evaluate``: score models beside baselines, or look at a separated concert."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carnatic_sep.cli._terminal import make_console, require_extra

if TYPE_CHECKING:
    from carnatic_sep.evaluation.concert import Concert
    from carnatic_sep.evaluation.scores import Row

evaluate_app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Score models on test mixtures, beside baselines, or look at a separated concert.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@evaluate_app.command()
def mixtures(
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
        Path, typer.Option("--cache", help="Folder that keeps pitch contours between runs.")
    ] = Path("runs/cache"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Print global SDR per stem of models and baselines, in one table.

    The sets are mixtures of takes that were kept out of training, and real excerpts.

    \b
    Examples:
      carnatic-sep evaluate mixtures configs/evaluation.yaml --data recordings
      carnatic-sep evaluate mixtures configs/evaluation.yaml --model default \\
          --model runs/mine/checkpoint.safetensors
    """  # noqa: D301 (\b keeps the lines after it as they are)
    require_extra("eval", "librosa", purpose="scoring")

    from carnatic_sep.evaluation.config import load_evaluation_config
    from carnatic_sep.evaluation.scores import score_sets

    rows = score_sets(
        load_evaluation_config(config),
        data,
        models=model or ["default"],
        cache=cache,
        report=_reporter(quiet),
    )
    if as_json:
        _print_json([_row(row) for row in rows])
    else:
        _print_scores(rows)


@evaluate_app.command()
def concert(
    mixture: Annotated[Path, typer.Argument(metavar="MIXTURE", help="The recording.")],
    stems_dir: Annotated[
        Path, typer.Argument(metavar="STEMS_DIR", help="Folder of its stems, as separate wrote it.")
    ],
    pitch: Annotated[
        Path | None,
        typer.Option("--pitch", help="Annotated pitch of the voice: lines of seconds and Hz."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Describe a real concert and its stems, whose truth nobody knows.

    Prints level and spectrum of mixture and stems, how deep their difference nulls, and with
    --pitch the raw pitch accuracy at 50 cents of vocals and mixture against the annotation.

    \b
    Examples:
      carnatic-sep evaluate concert concert.mp3 separated/concert
      carnatic-sep evaluate concert concert.mp3 separated/concert --pitch concert.pitch.txt
    """  # noqa: D301 (\b keeps the lines after it as they are)
    if pitch:
        require_extra("eval", "librosa", "mir_eval", purpose="tracking pitch")

    from carnatic_sep.evaluation.concert import look_at

    found = look_at(mixture, stems_dir, annotation=pitch, report=_reporter(quiet))
    if as_json:
        _print_json(_concert(found))
    else:
        _print_concert(found)


def _reporter(quiet: bool) -> Callable[[str], None]:
    def report(line: str) -> None:
        if not quiet:
            typer.echo(line, err=True)

    return report


def _print_scores(rows: list[Row]) -> None:
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


def _print_concert(found: Concert) -> None:
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


def _row(row: Row) -> dict[str, Any]:
    return {
        "set": row.cases,
        "cases": row.count,
        "system": row.system,
        "sdr_db": {
            name: _number(value) for name, value in (*row.stems.items(), ("mean", row.mean))
        },
    }


def _concert(found: Concert) -> dict[str, Any]:
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


def _print_json(document: Any) -> None:
    import json

    typer.echo(json.dumps(document, indent=2, allow_nan=False))
