"""``carnatic-sep finetune``: a trained model, new stems, multitracks that bleed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from carnatic_sep.cli._terminal import require_extra


def finetune(
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="A model's name (default, spleeter, spleeter:4stems), a checkpoint, or a local "
            "copy of Spleeter's (folder or .tar.gz).",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="A dataset's name, or a folder of multitracks."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML file of the run; defaults without one.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder that holds the runs.")] = Path("runs"),
    override: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a key: --set steps=100 --set loss.silence_weight=0.3."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start anew where an earlier run left a state.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check and print configuration and tracks, train nothing."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Fine-tune a trained model on multitracks, for other stems if need be.

    Heads of stems that the base does not have are copied from a donor or start fresh; what was
    done is printed. Writes OUT/NAME/checkpoint.safetensors, ready for `separate --model` and
    `evaluate`, and a state from which an interrupted run goes on when the same command is given
    again.

    \b
    Examples:
      carnatic-sep finetune --base spleeter --dataset saraga_carnatic
      carnatic-sep finetune --base 4stems.tar.gz --dataset cleaned --set steps=2000
      carnatic-sep finetune --config recipes/spleeter_finetune/saraga.yaml --dry-run
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.training.finetune_config import load_finetune_config

    named = {"base": base, "dataset": dataset}
    # Quoted, since `change` reads values as YAML and a name might mean something there.
    changes = [f"{key}={json.dumps(value)}" for key, value in named.items() if value]
    settings = load_finetune_config(config, overrides=[*changes, *(override or [])])
    require_extra("train", "lightning", "tensorboard", purpose="fine-tuning")
    from carnatic_sep.cli.train import quieten_lightning

    if dry_run:
        import yaml

        from carnatic_sep.training.finetune import open_tracks

        _, tracks = open_tracks(settings)
        typer.echo(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False), nl=False)
        for track in tracks:
            typer.echo(f"# {track.id}: {', '.join(track.stem_names)}")
        return
    from carnatic_sep.training.finetune import finetune as run

    quieten_lightning()
    live = sys.stdout.isatty()
    clear = "\r\x1b[K" if live else ""
    checkpoint = run(
        settings,
        out_dir=out,
        resume=not restart,
        report=lambda line: typer.echo(clear + line),
        progress=lambda line: None if quiet else typer.echo(clear + line, nl=not live),
        progress_seconds=1.0 if live else 30.0,
    )
    typer.echo(
        f"{clear}{checkpoint}: done; use it with carnatic-sep separate --model {checkpoint} ..."
    )
