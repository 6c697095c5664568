"""``carnatic-sep train``: one training run from a configuration file."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from carnatic_sep.cli._terminal import require_extra


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file of the run.")],
    data: Annotated[
        Path,
        typer.Option("--data", envvar="CARNATIC_SEP_DATA", help="Folder of the solo recordings."),
    ] = Path("../shared/data"),
    out: Annotated[Path, typer.Option("--out", help="Folder that holds the runs.")] = Path("runs"),
    override: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a key: --set steps=100 --set mix.seconds=3."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start anew where an earlier run left a state.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and print the configuration, train nothing.")
    ] = False,
) -> None:
    """Train a separation model on mixtures drawn from solo recordings.

    Writes OUT/NAME/checkpoint.safetensors, ready for `separate --model`, and a state from which an
    interrupted run goes on when the same command is given again.

    \b
    Examples:
      carnatic-sep train configs/default.yaml --data recordings
      carnatic-sep train configs/default.yaml --set name=try --set steps=200
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.training.config import load_config

    settings = load_config(config, overrides=override)
    if dry_run:
        import yaml

        typer.echo(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False), nl=False)
        return
    require_extra("train", "lightning", "tensorboard", "librosa", purpose="training")

    from carnatic_sep.training.run import train as run

    quieten_lightning()
    # On a terminal progress stays on one line, which other lines replace.
    live = sys.stdout.isatty()
    clear = "\r\x1b[K" if live else ""
    checkpoint = run(
        settings,
        data_dir=data,
        out_dir=out,
        resume=not restart,
        report=lambda line: typer.echo(clear + line),
        progress=lambda line: typer.echo(clear + line, nl=not live),
        progress_seconds=1.0 if live else 30.0,
    )
    typer.echo(
        f"{clear}{checkpoint}: done; use it with carnatic-sep separate --model {checkpoint} ..."
    )


def quieten_lightning() -> None:
    """Leave out what lightning says of devices, its makers' services, and workers it would like."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
