"""``carnatic-sep train``: one training run from a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carnatic_sep.cli._runs import (
    DryRun,
    Out,
    Quiet,
    Restart,
    print_dry_run,
    quieten_lightning,
    speak,
)
from carnatic_sep.cli._terminal import require_extra


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file of the run.")],
    data: Annotated[
        Path,
        typer.Option("--data", envvar="CARNATIC_SEP_DATA", help="Folder of the solo recordings."),
    ] = Path("../shared/data"),
    out: Out = Path("runs"),
    override: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a key: --set steps=100 --set mix.seconds=3."),
    ] = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Train a separation model on mixtures drawn from solo recordings.

    Writes OUT/NAME/checkpoint.safetensors, ready for `separate --model`, and a state from which an
    interrupted run goes on when the same command is given again. With --dry-run a few steps are
    run for their time and memory, and OUT/NAME/dry-run.png shows a batch; nothing else is kept.

    \b
    Examples:
      carnatic-sep train configs/first.yaml --data recordings
      carnatic-sep train configs/first.yaml --data recordings --dry-run
      carnatic-sep train configs/first.yaml --data recordings --set name=try --set steps=200
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.training.config import load_config

    settings = load_config(config, overrides=override)
    require_extra("train", "lightning", "tensorboard", "librosa", purpose="training")
    quieten_lightning()
    if dry_run:
        from carnatic_sep.training.run import rehearse_training

        print_dry_run(
            settings,
            lambda report: rehearse_training(settings, data_dir=data, out_dir=out, report=report),
        )
        return
    from carnatic_sep.training.run import train as run

    speech = speak(quiet=quiet)
    checkpoint = run(
        settings,
        data_dir=data,
        out_dir=out,
        resume=not restart,
        report=speech.report,
        progress=speech.progress,
        progress_seconds=speech.seconds,
    )
    speech.done(checkpoint)
