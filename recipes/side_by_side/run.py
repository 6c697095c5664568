"""Spleeter fine-tuned two ways, cold diffusion two ways, and the mixer model, in one table.

    python recipes/side_by_side/run.py [--quick]

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

STEMS = ("vocals", "violin", "mridangam", "mean")
UNSCORED = 4
"""How many of the commands make what the others need."""

FULL = {"cold-published": "steps=81"}
QUICK = {
    "standin": "stop_step=8",
    "spleeter-naive": "stop_step=4",
    "spleeter-aware": "stop_step=4",
    "cold-published": "steps=6",
    "cold-conditioned": "steps=6",
    "mixer-small": "stop_step=6",
}
"""What is changed in the configuration of each command, beside its own file."""


def commands(runs: Path, *, quick: bool = False) -> dict[str, str]:
    """Return what leaves what in `runs`; all but the set go on or do nothing when given again."""
    pieces = f"{runs}/spleeter_set"
    spleeter = "recipes/spleeter_finetune"
    changed = QUICK if quick else FULL
    small = " --train 3 --test 2 --seconds 8" if quick else ""

    def finetune(config: str, base: str, dataset: str, *more: str) -> str:
        words = f"carnatic-sep finetune --config recipes/{config}.yaml --base {runs}/{base}"
        return " ".join([words, f"--dataset {pieces}/{dataset} --out {runs}", *more])

    def cold(name: str, config: str) -> str:
        words = f"python recipes/cold_diffusion/train.py --data {pieces}/bleeding"
        return f"{words} --out {runs}/{name} recipes/cold_diffusion/{config}.yaml"

    taught = "standin/checkpoint.safetensors"
    before = "--set name=spleeter-before --set steps=1 --set learning_rate=1.0e-9"
    found = {
        "spleeter_set": f"python {spleeter}/make_set.py {pieces}{small}",
        "untrained.safetensors": f"python {spleeter}/untrained.py {runs}/untrained.safetensors",
        "mixer-untrained.safetensors": "python recipes/mixer_model/untrained.py "
        f"{runs}/mixer-untrained.safetensors",
        "standin": finetune("spleeter_finetune/standin", "untrained.safetensors", "clean"),
        "spleeter-before": finetune("spleeter_finetune/naive", taught, "bleeding", before),
        "spleeter-naive": finetune("spleeter_finetune/naive", taught, "bleeding"),
        "spleeter-aware": finetune("spleeter_finetune/aware", taught, "bleeding"),
        "cold-published": cold("cold-published", "small-published"),
        "cold-conditioned": cold("cold-conditioned", "small"),
        "mixer-small": finetune("mixer_model/small", "mixer-untrained.safetensors", "bleeding"),
    }
    return {
        name: f"{command} --set {changed[name]}" if name in changed else command
        for name, command in found.items()
    }


def run(given: Mapping[str, str], runs: Path) -> None:
    """Give the commands that have not come to their end, all in this process."""
    runs.mkdir(parents=True, exist_ok=True)
    times_file = runs / "side-by-side-times.json"
    times = json.loads(times_file.read_text()) if times_file.is_file() else {}
    for name, command in given.items():
        if name in times:
            continue
        print(f"$ {command}", flush=True)
        began = process_time()
        _give(shlex.split(command))
        times[name] = round(process_time() - began)
        times_file.write_text(json.dumps(times, indent=1), encoding="utf-8")
    print("CPU seconds: " + ", ".join(f"{name} {times[name]}" for name in given), flush=True)


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


def scores(names: Sequence[str], runs: Path) -> dict[str, Any]:
    """Score the checkpoints against true stems on the mixtures that all microphones make up."""
    from carnatic_sep.evaluation.dataset import evaluate
    from carnatic_sep.evaluation.options import EvaluationOptions

    found = evaluate(
        [runs / name / "checkpoint.safetensors" for name in names],
        dataset=runs / "spleeter_set" / "test",
        out=runs / "side-by-side",
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
    known = list(commands(Path("runs")))
    parser.add_argument("--only", nargs="+", choices=known, help="give these commands only")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer and shorter pieces and a few steps each, below runs/quick: whether all runs, "
        "not what it is worth",
    )
    options = parser.parse_args()
    runs = Path("runs/quick") if options.quick else Path("runs")
    given = commands(runs, quick=options.quick)
    if options.only:
        run({name: given[name] for name in options.only}, runs)
        return
    run(given, runs)
    began = process_time()
    lines = table(scores(list(given)[UNSCORED:], runs))
    print(f"scored in {process_time() - began:.0f} s\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
