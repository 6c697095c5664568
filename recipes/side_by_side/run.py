"""Spleeter fine-tuned two ways, cold diffusion two ways, and the mixer model, in one table.

    python recipes/side_by_side/run.py

Does what the READMEs of `spleeter_finetune`, `cold_diffusion` and `mixer_model` say at their small
sizes, one after the other, scores all of them on the same kept-out pieces, and prints a table. What
is there already is kept: give the command again after an interrupt.
"""

from __future__ import annotations

import argparse
import json
import runpy
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import Any

RUNS = Path("runs")
SET = RUNS / "spleeter_set"
STEMS = ("vocals", "violin", "mridangam", "mean")
FINETUNE = "carnatic-sep finetune --config"
COLD = f"python recipes/cold_diffusion/train.py --data {SET}/bleeding"
BEFORE = "--set name=spleeter-before --set steps=1 --set learning_rate=1.0e-9"

COMMANDS: Mapping[str, str] = {
    "spleeter_set": f"python recipes/spleeter_finetune/make_set.py {SET}",
    "untrained.safetensors": "python recipes/spleeter_finetune/untrained.py "
    "runs/untrained.safetensors",
    "mixer-untrained.safetensors": "python recipes/mixer_model/untrained.py "
    "runs/mixer-untrained.safetensors",
    "standin": f"{FINETUNE} recipes/spleeter_finetune/standin.yaml",
    "spleeter-before": f"{FINETUNE} recipes/spleeter_finetune/naive.yaml {BEFORE}",
    "spleeter-naive": f"{FINETUNE} recipes/spleeter_finetune/naive.yaml",
    "spleeter-aware": f"{FINETUNE} recipes/spleeter_finetune/aware.yaml",
    "cold-published": f"{COLD} --out {RUNS}/cold-published --set steps=81 "
    "recipes/cold_diffusion/small-published.yaml",
    "cold-conditioned": f"{COLD} --out {RUNS}/cold-conditioned recipes/cold_diffusion/small.yaml",
    "mixer-small": f"{FINETUNE} recipes/mixer_model/small.yaml",
}
"""What each command leaves in `runs/`; all but the set go on or do nothing when given again."""

SCORED = tuple(COMMANDS)[4:]


def run(wanted: Sequence[str]) -> None:
    """Give the commands that have not come to their end, all in this process."""
    times_file = RUNS / "side-by-side-times.json"
    times = json.loads(times_file.read_text()) if times_file.is_file() else {}
    for name in wanted:
        if name in times:
            continue
        print(f"$ {COMMANDS[name]}", flush=True)
        began = process_time()
        _give(shlex.split(COMMANDS[name]))
        times[name] = round(process_time() - began)
        times_file.write_text(json.dumps(times, indent=1), encoding="utf-8")
    print("CPU seconds: " + ", ".join(f"{name} {times[name]}" for name in wanted), flush=True)


def _give(words: Sequence[str]) -> None:
    program, *arguments = words
    if program == "carnatic-sep":
        from carnatic_sep.cli.main import app

        app(arguments, standalone_mode=False)
        return
    before = sys.argv
    sys.argv = list(arguments)
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    finally:
        sys.argv = before


def scores(names: Sequence[str]) -> dict[str, Any]:
    """Score the checkpoints against true stems on the mixtures that all microphones make up."""
    from carnatic_sep.evaluation.dataset import evaluate
    from carnatic_sep.evaluation.options import EvaluationOptions

    found = evaluate(
        [RUNS / name / "checkpoint.safetensors" for name in names],
        dataset=SET / "test",
        out=RUNS / "side-by-side",
        baselines=("mixture", "oracle ratio mask"),
        options=EvaluationOptions(
            references="clean", mixture="file", metrics=("sdr", "lc_sir"), excerpt_seconds=0
        ),
        overwrite=True,
    )
    for what, why in found.failures.items():
        print(f"failed: {what}: {why}")
    return found.summary


def table(summary: Mapping[str, Any]) -> list[str]:
    """Return the rows of a Markdown table: SDR of each stem and their mean, then SIR."""
    heads = [f"{metric} {stem}" for metric in ("SDR", "SIR") for stem in STEMS]
    rows = ["| | " + " | ".join(heads) + " |", "|---" + "|---:" * len(heads) + "|"]
    for system in summary["systems"]:
        means = summary["summary"].get(system["name"], {})
        cells = [
            f"{means[stem][metric]['mean']:.2f}" if metric in means.get(stem, {}) else ""
            for metric in ("sdr", "lc_sir")
            for stem in STEMS
        ]
        rows.append(f"| {system['name']} | " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(COMMANDS), help="give these commands only"
    )
    given = parser.parse_args()
    if given.only:
        run(given.only)
        return
    run(list(COMMANDS))
    began = process_time()
    lines = table(scores(SCORED))
    print(f"scored in {process_time() - began:.0f} s\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
