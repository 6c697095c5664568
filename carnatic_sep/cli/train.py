"""``carnatic-sep train``: one training run from a configuration file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from carnatic_sep.errors import UsageError


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
    """
    from carnatic_sep.training.config import load_config

    settings = load_config(config, overrides=override)
    if dry_run:
        import yaml

        typer.echo(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False), nl=False)
        return
    missing = [name for name in ("lightning", "tensorboard", "librosa") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"training needs {', '.join(missing)}: install with pip install 'carnatic-sep[train]'"
        )

    from carnatic_sep.training.run import train as run

    checkpoint = run(settings, data_dir=data, out_dir=out, resume=not restart, report=typer.echo)
    typer.echo(f"{checkpoint}: done; use it with carnatic-sep separate --model {checkpoint} ...")
