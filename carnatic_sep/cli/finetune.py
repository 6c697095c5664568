"""``carnatic-sep finetune``: a trained model, new stems, multitracks that bleed."""

from __future__ import annotations

import json
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
    out: Out = Path("runs"),
    override: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a key: --set steps=100 --set loss.silence_weight=0.3."),
    ] = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Fine-tune a trained model on multitracks, for other stems if need be.

    Heads of stems that the base does not have are copied from a donor or start fresh; what was
    done is printed. Writes OUT/NAME/checkpoint.safetensors, ready for `separate --model` and
    `evaluate`, and a state from which an interrupted run goes on when the same command is given
    again. With --dry-run a few steps are run for their time and memory, and OUT/NAME/dry-run.png
    shows a batch; nothing else is kept.

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

    quieten_lightning()
    if dry_run:
        from carnatic_sep.training.finetune import rehearse_finetuning

        print_dry_run(
            settings, lambda report: rehearse_finetuning(settings, out_dir=out, report=report)
        )
        return
    from carnatic_sep.training.finetune import finetune as run

    speech = speak(quiet=quiet)
    checkpoint = run(
        settings,
        out_dir=out,
        resume=not restart,
        report=speech.report,
        progress=speech.progress,
        progress_seconds=speech.seconds,
    )
    speech.done(checkpoint)
