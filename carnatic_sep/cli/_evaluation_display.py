"""What `evaluate` and `compare` print: progress while tracks are scored, then tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from carnatic_sep.cli._terminal import make_console, print_error

if TYPE_CHECKING:
    from rich.progress import Progress

    from carnatic_sep.evaluation.dataset import Evaluation
    from carnatic_sep.evaluation.parts import Part


class QuietWatcher:
    """Says what failed, on stderr."""

    def begin(self, tracks: int, reused: int) -> None:
        """Take how many tracks there are, and how many an earlier run has scored."""

    def scored(self, part: Part) -> None:
        """Take a track that has just been scored, and say what failed on it."""
        for why in part.failed.values():
            print_error(f"{part.track}: {why}")

    def end(self) -> None:
        """Clear what was shown."""


class LineWatcher(QuietWatcher):
    """Prints a line a track on stderr."""

    def begin(self, tracks: int, reused: int) -> None:
        """Say how much there is to do."""
        self._tracks, self._done = tracks, reused
        kept = f"; {reused} scored before" if reused else ""
        typer.echo(f"{tracks} track{'' if tracks == 1 else 's'}{kept}", err=True)

    def scored(self, part: Part) -> None:
        """Say which track is done, and what went wrong."""
        self._done += 1
        typer.echo(f"[{self._done}/{self._tracks}] {part.track}", err=True)
        for line in _remarks(part):
            typer.echo(f"  {line}", err=True)


class BarWatcher(QuietWatcher):
    """Shows a bar on a terminal."""

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def begin(self, tracks: int, reused: int) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task("scoring", total=tracks, completed=reused)

    def scored(self, part: Part) -> None:
        """Move the bar, and print what went wrong above it."""
        assert self._bar is not None, "begin comes first"
        for line in _remarks(part):
            self._bar.console.print(f"{part.track}: {line}", markup=False)
        self._bar.update(self._task, advance=1, description=part.track[-40:])

    def end(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()


def _remarks(part: Part) -> list[str]:
    """Return what failed on a track, and what was left out or padded."""
    failed = [f"failed: {why}" for why in part.failed.values()]
    return [*failed, *(f"note: {note}" for note in part.notes)]


def watcher_for(*, quiet: bool) -> QuietWatcher:
    """Return what suits the terminal: a bar, lines, or nothing."""
    if quiet:
        return QuietWatcher()
    return BarWatcher() if sys.stderr.isatty() else LineWatcher()


def print_evaluation(found: Evaluation) -> None:
    """Print the headline of every system, the claims, and where the files are."""
    from rich.table import Table

    summary = found.summary
    metric = summary["headline"]
    stems = [*summary["stems"], "mean"]
    scored = sum(bool(track["scores"]) for track in summary["tracks"])
    of_all = f" of {len(summary['tracks'])}" if scored < len(summary["tracks"]) else ""
    title = f"{metric} in dB, mean and 95 % interval over {scored}{of_all} tracks"
    table = Table(title=title, title_justify="left")
    table.add_column("system")
    for stem in stems:
        table.add_column(stem, justify="right")
    for system in summary["systems"]:
        scores = summary["summary"].get(system["name"], {})
        cells = [_cell(scores.get(stem, {}).get(metric)) for stem in stems]
        if any(cells):
            table.add_row(system["name"], *cells)
    if table.row_count:
        make_console().print(table)
    elif summary["stems"] and summary["set_apart"]:
        typer.echo("every stem bleeds too much to count: the report lists them by themselves")
    elif summary["stems"]:
        typer.echo(f"{metric} was not asked for (--metrics): the report has the scores that were")
    else:
        typer.echo("no references: the report has what needs none")
    for line in claims(summary["pairs"]):
        typer.echo(line)
    if summary["set_apart"]:
        limit = summary["options"]["ceiling_db"]
        typer.echo(
            f"{len(summary['set_apart'])} stems have less than {limit:g} dB of signal over bleed: "
            "they are set apart and count in no mean"
        )
    for path in found.files:
        typer.echo(path)


def claims(pairs: list[dict[str, Any]]) -> list[str]:
    """Return one line a pair of systems: on which stems which of them is better."""
    lines: dict[tuple[str, str], dict[str, list[str]]] = {}
    for pair in pairs:
        said = lines.setdefault((pair["a"], pair["b"]), {"a": [], "b": [], "open": []})
        said[pair["better"]].append(pair["stem"])
    found = []
    for (a, b), said in lines.items():
        parts = [
            f"better: {', '.join(said['a'])}" if said["a"] else "",
            f"worse: {', '.join(said['b'])}" if said["b"] else "",
            f"open: {', '.join(said['open'])}" if said["open"] else "",
        ]
        found.append(f"{a} against {b}: {'; '.join(part for part in parts if part)}")
    return found


def _cell(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    if found["low"] is None:
        return f"{found['mean']:.2f}"
    return f"{found['mean']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
