"""Train Spleeter's architecture and ours on the same mixtures for the same CPU time.

Run from the repository root: ``python recipes/architectures/run.py --data ../shared/data``.
First each learning rate is tried for a few steps, on training mixtures only; then the best one
trains for as many steps as fit into the budget. What is done is kept under `--out`, and a command
that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Mapping
from pathlib import Path
from time import process_time
from typing import Any

import yaml

from carnatic_sep.errors import CheckpointError, TrainingError
from carnatic_sep.models.checkpoint import load_checkpoint
from carnatic_sep.training.config import TrainConfig
from carnatic_sep.training.run import train

HERE = Path(__file__).parent
RATES = (0.001, 0.003, 0.008)
_LOSS = re.compile(r"step (\d+) of \d+: loss (-?[\d.]+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of solo recordings")
    parser.add_argument("--out", type=Path, default=Path("runs/architectures"))
    parser.add_argument("--minutes", type=float, default=20.0, help="CPU minutes of each training")
    parser.add_argument("--only", nargs="*", help="of architectures.yaml; all by default")
    options = parser.parse_args()
    base = yaml.safe_load((HERE / "base.yaml").read_text(encoding="utf-8"))
    known = yaml.safe_load((HERE / "architectures.yaml").read_text(encoding="utf-8"))
    for name in options.only or known:
        chosen = dict(known[name])
        steps = chosen.pop("trial_steps")
        trials = [
            trial({**base, **chosen}, name=name, rate=rate, steps=steps, options=options)
            for rate in RATES
        ]
        learn({**base, **chosen}, name=name, trials=trials, options=options)
    table(options.out)


def trial(
    values: Mapping[str, Any], *, name: str, rate: float, steps: int, options: argparse.Namespace
) -> dict[str, float]:
    """Try a rate; return the mean loss of the second half, and the CPU seconds of a step."""
    place = options.out / f"{name}-rate-{rate:g}"
    found = place / "trial.json"
    if not found.is_file():
        # The learning rate hardly falls in so few of `steps`.
        config = TrainConfig(
            **values, name=place.name, learning_rate=rate, steps=20 * steps, stop_step=steps
        )
        clock = Clock(place / "clock.json", every_step=True)
        clock.train(config, options)
        losses = clock.losses[len(clock.losses) // 2 :]
        step = statistics.median(b - a for a, b in zip(clock.times, clock.times[1:], strict=False))
        row = {"rate": rate, "loss": statistics.mean(losses), "step_seconds": step}
        found.write_text(json.dumps(row), encoding="utf-8")
    row = json.loads(found.read_text(encoding="utf-8"))
    print(f"{place}: loss {row['loss']:.4f}, {row['step_seconds']:.2f} s a step", flush=True)
    return row


def learn(
    values: Mapping[str, Any],
    *,
    name: str,
    trials: list[dict[str, float]],
    options: argparse.Namespace,
) -> None:
    """Train with the best rate for the steps that fit into the budget; the next one if it fails.

    A rate that is best in a few steps may still be one that diverges later; what was spent on it
    does not count.
    """
    for row in sorted(trials, key=lambda row: row["loss"]):
        place = options.out / name
        failed = options.out / f"{name}-diverged-{row['rate']:g}"
        if failed.is_dir():
            continue
        plan = place / "plan.json"
        if not plan.is_file():  # decided once, so that a run that goes on has the same schedule
            seconds = statistics.median(each["step_seconds"] for each in trials)
            place.mkdir(parents=True, exist_ok=True)
            steps = max(1, int(60 * options.minutes / seconds))
            plan.write_text(json.dumps({"rate": row["rate"], "steps": steps}), encoding="utf-8")
        decided = json.loads(plan.read_text(encoding="utf-8"))
        config = TrainConfig(
            **values, name=name, learning_rate=decided["rate"], steps=decided["steps"]
        )
        try:
            Clock(place / "clock.json").train(config, options)
        except (CheckpointError, TrainingError) as error:
            print(f"{place}: rate {decided['rate']:g} diverged: {error}", flush=True)
            place.rename(failed)
            continue
        return
    raise SystemExit(f"{name}: every rate diverged")


class Clock:
    """Counts the CPU seconds of a training, over interruptions too.

    Attributes
    ----------
    times, losses : of each line of progress
    """

    def __init__(self, path: Path, *, every_step: bool = False) -> None:
        self.path = path
        self.every_step = every_step
        self.before = json.loads(path.read_text())["cpu_seconds"] if path.is_file() else 0.0
        self.times: list[float] = []
        self.losses: list[float] = []
        self.began = 0.0

    def train(self, config: TrainConfig, options: argparse.Namespace) -> None:
        """Train as `config` says; the clock starts with the first step."""
        train(
            config,
            data_dir=options.data,
            out_dir=options.out,
            report=lambda line: print(line, flush=True),
            progress=self.tick,
            progress_seconds=0.0 if self.every_step else 30.0,
        )

    def tick(self, line: str) -> None:
        """Take a line of progress."""
        now = process_time()
        self.began = self.began or now
        self.times.append(now)
        if found := _LOSS.search(line):
            self.losses.append(float(found[2]))
        self.path.write_text(json.dumps({"cpu_seconds": self.before + now - self.began}))
        print(line, flush=True)


def table(out: Path) -> None:
    """Print what was spent on each."""
    print("\n| network | weights | rate | steps | CPU minutes |\n|---|---:|---:|---:|---:|")
    for plan in sorted(out.glob("*/plan.json")):
        if "-diverged-" in plan.parent.name:
            continue
        place, decided = plan.parent, json.loads(plan.read_text(encoding="utf-8"))
        if not (place / "checkpoint.safetensors").is_file():
            continue
        model = load_checkpoint(place / "checkpoint.safetensors")
        weights = sum(parameter.numel() for parameter in model.parameters())
        spent = json.loads((place / "clock.json").read_text())["cpu_seconds"] / 60
        print(
            f"| {place.name} | {weights:,} | {decided['rate']:g} | {decided['steps']} "
            f"| {spent:.1f} |"
        )


if __name__ == "__main__":
    main()
