"""The verb `datasets`: list, show, download, validate, split, stats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carnatic_sep.cli._steps import Steps
from carnatic_sep.cli._terminal import make_console

if TYPE_CHECKING:
    pass

datasets_app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, show, download, validate, split and count datasets.",
    epilog="\b\n"
    "Try:  carnatic-sep datasets list\n"
    "      carnatic-sep datasets show saraga_carnatic\n"
    "      carnatic-sep datasets validate recordings/\n"
    "      carnatic-sep datasets stats saraga_carnatic --root /data --json",
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FOLDER", help="A dataset's name, a layout (.yaml), or a folder of tracks."
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root", help="Where a named dataset lies; else $CARNATIC_SEP_DATASETS or ~/mir_datasets."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@datasets_app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the datasets that are known by name."""
    from rich.table import Table

    from carnatic_sep.datasets.summary import known_datasets

    entries = known_datasets()
    if as_json:
        _print_json(entries)
        return
    table = Table("name", "title", "licence", "layout", "get it", "here", box=None)
    for entry in entries:
        table.add_row(
            entry["name"],
            entry["title"],
            entry["licence"],
            "checked" if entry["checked"] else "not checked",
            "datasets download" if entry["public"] else "by hand",
            "yes" if entry["here"] else "no",
        )
    make_console().print(table, markup=False)


@datasets_app.command()
def show(
    name: Name,
    root: Root = None,
    tracks: Annotated[bool, typer.Option("--tracks", help="List the tracks too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a dataset is, how it lies on disk, and what could not be checked.

    Example: carnatic-sep datasets show saraga_carnatic --root /data --tracks
    """
    from carnatic_sep.datasets.registry import load_dataset
    from carnatic_sep.datasets.summary import describe, track_facts

    dataset = load_dataset(name, root=root)
    facts = describe(dataset)
    listed = [track_facts(track) for track in dataset.tracks()] if tracks else []
    if as_json:
        _print_json(facts | ({"tracks": listed} if tracks else {}))
        return
    for field, value in facts.items():
        _echo_field(field.replace("_", " "), value)
    for track in listed:
        typer.echo(f"\n{track['id']}")
        for field, value in track.items():
            if field != "id":
                _echo_field(f"  {field.replace('_', ' ')}", value)


@datasets_app.command()
def download(
    name: Name,
    root: Root = None,
    packed: Annotated[bool, typer.Option("--packed", help="Leave archives packed.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Download a dataset, check it against its checksum and unpack it.

    Interrupted, the same command goes on where it broke off. Saraga needs the extra `data`.

    Example: carnatic-sep datasets download saraga_carnatic --root /data
    """
    from carnatic_sep.datasets.acquire import download as get
    from carnatic_sep.datasets.registry import load_dataset

    dataset = load_dataset(name, root=root)
    with Steps(quiet=quiet) as steps:
        files = get(dataset, keep_packed=packed, on_progress=steps)
    if as_json:
        _print_json({"dataset": dataset.name, "root": dataset.root, "files": files})
    else:
        typer.echo(f"{dataset.layout.title} is in {dataset.root} ({dataset.layout.licence})")


@datasets_app.command()
def validate(
    name: Name,
    root: Root = None,
    headers_only: Annotated[
        bool, typer.Option("--headers-only", help="Do not decode: quick, and finds less.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Name everything that is wrong with a dataset in one report.

    Missing files and stems, wrong checksums, truncated or unreadable audio, unequal lengths,
    duplicates, silent files, bad metadata, people on both sides of a split. Exits with 1 if
    anything is found; the tracks that are listed as usable are.

    Example: carnatic-sep datasets validate recordings/ --json > report.json
    """
    from carnatic_sep.datasets.registry import load_dataset
    from carnatic_sep.datasets.summary import report_facts
    from carnatic_sep.datasets.validate import validate as check

    dataset = load_dataset(name, root=root)
    with Steps(quiet=quiet) as steps:
        report = check(dataset, decode=not headers_only, on_progress=steps)
    if as_json:
        _print_json(report_facts(report))
    else:
        for problem in report.problems:
            typer.echo(f"{problem.kind}: {problem.message}")
        compared = report.checksums_from or "nothing: no checksums are known"
        typer.echo(
            f"{len(report.tracks)} tracks, {report.files} files, {len(report.faults)} faults, "
            f"{len(report.usable)} usable tracks; checksums compared with {compared}"
        )
    if report.faults:
        raise typer.Exit(1)


@datasets_app.command()
def split(
    name: Name,
    root: Root = None,
    parts: Annotated[
        str, typer.Option("--parts", help="Names and shares of the parts, by hours.")
    ] = "train=0.8,valid=0.1,test=0.1",
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="What parts may not share: concert, lead (and concert), or accompanist (anybody).",
        ),
    ] = "accompanist",
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another split.")] = 0,
    mixtures: Annotated[
        bool, typer.Option("--mixtures", help="Also recordings without stems.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write; split.yaml in the dataset's folder."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Divide a dataset so that no concert, and nobody on stage, is in two parts.

    A split.yaml in the dataset's folder is used from then on.

    Example: carnatic-sep datasets split recordings/ --parts train=0.7,test=0.3 --by lead --seed 7
    """
    from carnatic_sep.datasets.divide import divide, parse_parts
    from carnatic_sep.datasets.registry import SPLIT_FILE, load_dataset
    from carnatic_sep.datasets.splits import write_split
    from carnatic_sep.datasets.summary import split_facts

    dataset = load_dataset(name, root=root)
    shares = parse_parts(parts)
    with Steps(quiet=quiet) as steps:
        made = divide(
            dataset, parts=shares, seed=seed, by=by, mixtures_too=mixtures, on_progress=steps
        )
    target = out or dataset.root / SPLIT_FILE
    write_split(made, target, overwrite=overwrite)
    facts = split_facts(dataset, made)
    if as_json:
        _print_json({"file": target} | facts)
        return
    for part, content in facts["parts"].items():
        typer.echo(f"{part}: {len(content['tracks'])} tracks, {content['hours']:.2f} h")
    for track in facts["unreadable"]:
        typer.echo(f"in no part, since it cannot be opened: {track}", err=True)
    typer.echo(f"written to {target}")


@datasets_app.command()
def stats(name: Name, root: Root = None, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Count hours, concerts, stems, microphones, people, ragas, talas and parts.

    Example: carnatic-sep datasets stats renders/
    """
    from carnatic_sep.datasets.registry import load_dataset
    from carnatic_sep.datasets.stats import dataset_stats
    from carnatic_sep.datasets.summary import stats_facts

    dataset = load_dataset(name, root=root)
    with Steps(quiet=quiet) as steps:
        facts = stats_facts(dataset_stats(dataset, on_progress=steps))
    if as_json:
        _print_json(facts)
        return
    for field, value in facts.items():
        _echo_field(field.replace("_", " "), value)


def _echo_field(field: str, value: Any) -> None:
    """Print one line; mappings as `name (value), name (value)`; nothing where nothing is known."""
    if isinstance(value, dict):
        value = ", ".join(f"{key} ({_short(entry)})" for key, entry in value.items())
    elif isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    if value not in (None, ""):
        typer.echo(f"{field + ':':<22}{_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{_short(entry)} {key}" for key, entry in value.items())
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
