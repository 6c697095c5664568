"""What is said after many tracks about those of which nothing came."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import typer

from carnatic_sep.cli._terminal import print_error

if TYPE_CHECKING:
    from carnatic_sep.leakage.batch import Batch

Found = TypeVar("Found")


def report_rest(batch: Batch[Found], *, quiet: bool) -> None:
    """Name the tracks that failed and what is odd about others, and count those without stems.

    Raises
    ------
    typer.Exit
        With code 1 where a track failed, or none had stems.
    """
    for note in batch.notes:
        typer.echo(f"note: {note}", err=True)
    for message in batch.failed.values():
        print_error(message)
    nothing = not batch.found and not batch.failed
    if nothing:
        print_error("no track has stems, so there is no bleed between them")
    elif batch.left_out and not quiet:
        few = ", ".join(batch.left_out[:3]) + (", ..." if len(batch.left_out) > 3 else "")
        typer.echo(
            f"left out, since there is only a mixture: {len(batch.left_out)} ({few})", err=True
        )
    if batch.failed or nothing:
        raise typer.Exit(1)
