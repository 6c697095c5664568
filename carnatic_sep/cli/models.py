"""The verb `models`: list, show, verify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carnatic_sep.cli._terminal import make_console
from carnatic_sep.errors import CheckpointError

if TYPE_CHECKING:
    from carnatic_sep.models.checkpoint import CheckpointInfo
    from carnatic_sep.models.zoo import ModelEntry

models_app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, show and verify models.",
)
_MEGABYTE = 1_000_000
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@models_app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List every model that can be used by name."""
    from rich.markup import escape
    from rich.table import Table

    from carnatic_sep.models.zoo import list_models

    if as_json:
        _print_json([_facts(entry) for entry in list_models()])
        return
    table = Table("model", "where", "architecture", "stems", "rate", "size", "licence", box=None)
    entries = list_models()
    for entry in entries:
        table.add_row(*map(escape, [entry.name, entry.origin, *_summary(entry)]))
    console = make_console()
    console.print(table if entries else "no models are bundled or downloaded")


@models_app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model's name, or a file.")],
    as_json: AsJson = False,
) -> None:
    """Show what a model is, what it was trained on, its licence and credits."""
    from carnatic_sep.models.checkpoint import read_metadata
    from carnatic_sep.models.zoo import find

    entry = find(name)
    if as_json:
        if entry.path is not None:
            read_metadata(entry.path)  # what cannot be shown is an error here, not a fact
        _print_json(_facts(entry))
        return
    if entry.path is not None:
        lines = _description(read_metadata(entry.path))
    else:
        assert entry.download is not None, "a model without a file is one to download"
        lines = {
            "where": "not downloaded yet; it will be when it is first used",
            "from": entry.download.url,
            "size": _download_size(entry),
            "sha256": entry.download.sha256,
        }
    for field, value in ({"model": f"{entry.name} ({entry.origin})"} | lines).items():
        typer.echo(f"{field + ':':<14}{value}")


@models_app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A model's name, or a file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that models are intact and run: SHA-256, shapes, finite weights, a second of noise.

    Without NAME, all that are bundled or downloaded. Exits with 1 if any fails.
    """
    from rich.markup import escape
    from rich.table import Table

    from carnatic_sep.models.verify import verify_entry
    from carnatic_sep.models.zoo import find, list_models

    entries = [find(name)] if name else [e for e in list_models() if e.path is not None]
    if not entries:
        typer.echo("no models are bundled or downloaded", err=True)
        raise typer.Exit(1)
    table = Table("model", "where", "verdict", "problems", box=None)
    verdicts = [verify_entry(entry) for entry in entries]
    if as_json:
        _print_json(
            [{"name": v.name, "passed": v.passed, "problems": v.problems} for v in verdicts]
        )
        raise typer.Exit(int(not all(verdict.passed for verdict in verdicts)))
    for entry, verdict in zip(entries, verdicts, strict=True):
        outcome = "passed" if verdict.passed else "FAILED"
        cells = [entry.name, entry.origin, outcome, "\n".join(verdict.problems)]
        table.add_row(*map(escape, cells))
    make_console().print(table)
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)


def _facts(entry: ModelEntry) -> dict[str, Any]:
    """Return what is known of a model as JSON holds it; `error` if its file cannot be read."""
    from dataclasses import asdict

    from carnatic_sep.models.checkpoint import read_metadata

    facts: dict[str, Any] = {"name": entry.name, "origin": entry.origin}
    if entry.path is None:
        return facts | (asdict(entry.download) if entry.download else {})
    try:
        info = read_metadata(entry.path)
        return facts | asdict(info) | {"provenance": info.provenance.model_dump(mode="json")}
    except CheckpointError as error:
        return facts | {"path": entry.path, "error": str(error)}


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, default=str, indent=2))


def _summary(entry: ModelEntry) -> list[str]:
    """Return architecture, stems, rate, size and licence, as far as they are known."""
    from carnatic_sep.models.checkpoint import read_metadata

    if entry.path is None:
        return ["", "", "", _download_size(entry), ""]
    try:
        info = read_metadata(entry.path)
    except CheckpointError:
        return ["damaged: run `carnatic-sep models verify`", "", "", "", ""]
    return [
        info.architecture,
        ", ".join(info.stems),
        f"{info.sample_rate} Hz",
        _megabytes(info.bytes),
        info.provenance.licence,
    ]


def _description(info: CheckpointInfo) -> dict[str, str]:
    provenance = info.provenance
    lines = {
        "file": str(info.path),
        "description": provenance.description,
        "stems": ", ".join(info.stems),
        "sample rate": f"{info.sample_rate} Hz",
        "channels": "any" if info.channels is None else str(info.channels),
        "segment": f"{info.segment_seconds:g} s",
        "architecture": info.architecture,
        "config": ", ".join(f"{key}={value}" for key, value in info.config.items()),
        "parameters": f"{info.parameters:,}",
        "size": f"{_megabytes(info.bytes)}, stored as {info.dtype}",
        "trained on": provenance.trained_on,
        "seed": "" if provenance.seed is None else str(provenance.seed),
        "steps": "" if provenance.steps is None else f"{provenance.steps:,}",
        "created": f"{provenance.created} by carnatic-sep {provenance.package_version}",
        "metrics": ", ".join(f"{key} {value:.2f}" for key, value in provenance.metrics.items()),
        "licence": provenance.licence,
        "credits": "; ".join(provenance.credits),
        **{key: _brief(value) for key, value in provenance.extra.items()},
        "sha256": info.sha256,
    }
    return {field: value for field, value in lines.items() if value}


def _brief(value: object) -> str:
    """Return the names of what is nested, whose values fill pages; --json has all of it."""
    return ", ".join(map(str, value)) if isinstance(value, dict) else str(value)


def _download_size(entry: ModelEntry) -> str:
    size = entry.download.bytes if entry.download else None
    return "" if size is None else _megabytes(size)


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.2f} MB"
