"""What the verbs that train have in common: how they speak, and how they try a run out."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carnatic_sep.training.config import RunConfig
    from carnatic_sep.training.rehearsal import Rehearsal

    Report = Callable[[str], None]

Out = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder that holds the runs.")]
Restart = Annotated[
    bool, typer.Option("--restart", help="Start anew where an earlier run left a state.")
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print configuration, data problems, size, memory and time; train nothing.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@dataclass(frozen=True)
class Speech:
    """Where the lines of a run go.

    report : takes a line for each thing that happens once
    progress : takes a line now and then; on a terminal the next one replaces it
    seconds : between lines of progress
    done : takes the path of the checkpoint to use
    """

    report: Report
    progress: Report
    seconds: float
    done: Callable[[Path], None]


def speak(*, quiet: bool) -> Speech:
    """Return how the first of several processes speaks; the others say nothing."""
    from carnatic_sep.training.ranks import is_first_process

    live = sys.stdout.isatty()
    clear = "\r\x1b[K" if live else ""
    first = is_first_process()

    def report(line: str) -> None:
        if first:
            typer.echo(clear + line)

    def progress(line: str) -> None:
        if first and not quiet:
            typer.echo(clear + line, nl=not live)

    def done(path: Path) -> None:
        report(f"{path}: done; use it with carnatic-sep separate --model {path} ...")

    return Speech(report, progress, 1.0 if live else 30.0, done)


def print_dry_run(config: RunConfig, rehearse: Callable[[Report], Rehearsal]) -> None:
    """Print `config` as YAML, and what trying it out has found as comments in it.

    Raises
    ------
    typer.Exit
        With code 1, where the data has problems.
    """
    import yaml

    typer.echo(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), nl=False)
    rehearsal = rehearse(lambda line: typer.echo(f"# {line}"))
    for line in rehearsal.lines():
        typer.echo(f"# {line}")
    if rehearsal.findings.problems:
        raise typer.Exit(1)


def quieten_lightning() -> None:
    """Leave out what lightning says of devices, its makers' services, and workers it would like."""
    for part in ("pytorch", "fabric"):
        # not the parts' own loggers: their level is set anew when they are imported
        logging.getLogger(f"lightning.{part}.utilities.rank_zero").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
