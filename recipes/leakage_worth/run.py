"""What leakage-aware training is worth: one network, one budget, five ways to learn.

    python recipes/leakage_worth/make_set.py runs/bleeding_set
    python recipes/leakage_worth/run.py runs/bleeding_set --part test

Trains the arms one after the other and prints a table of true SDR and SIR. Arms that are trained
are kept, and an interrupted one goes on, when the command is given again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from sets import RATE, write_sets

from carnatic_sep.evaluation.dataset import evaluate
from carnatic_sep.evaluation.options import EvaluationOptions
from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.registry import build
from carnatic_sep.training.finetune import finetune
from carnatic_sep.training.finetune_config import load_finetune_config

CONFIG = Path(__file__).with_name("arm.yaml")
STEMS = ("vocals", "violin", "mridangam", "mean")
NETWORK = {
    "sample_rate": RATE,
    "n_fft": 2048,
    "hop_frames": 1024,
    "bands_per_octave": 24,
    "fine_hz": 4000.0,
    "widths": [6, 12, 24, 32],
    "hidden": 32,
}
AWARE = (
    "loss.distance=complex_l1",
    "snr_weight=0.1",
    "loss.confidence=true",
    "loss.silence_weight=0.3",
)
ARMS: Mapping[str, tuple[str, Sequence[str]]] = {
    "naive": ("bleeding", ()),
    "cleaner": ("cleaned", ()),
    "losses": ("bleeding", AWARE),
    "both": ("cleaned", AWARE),
    "truth": ("truth", ()),
    "truth, same losses": ("truth", AWARE),
}
"""Arm to the stems that it learns from, and what it is punished for."""


def train(arm: str, *, sets: Path, out: Path, changes: Sequence[str]) -> Path:
    """Train an arm, or go on with it; return its checkpoint."""
    data, loss = ARMS[arm]
    start = out / "untrained.safetensors"
    if not start.is_file():
        torch.manual_seed(0)
        save_checkpoint(
            start, build("band_unet", **NETWORK), Provenance(name="untrained", licence="MIT")
        )
    name = arm.replace(", ", "-").replace(" ", "-")
    run = [
        f"name={name}",
        f"base={json.dumps(str(start))}",
        f"dataset={json.dumps(str(sets / data))}",
    ]
    config = load_finetune_config(CONFIG, overrides=[*run, *loss, *changes])
    begin = perf_counter()
    checkpoint = finetune(config, out_dir=out, progress=print)
    print(f"{arm}: {perf_counter() - begin:.0f} s", flush=True)
    return checkpoint


def scores(checkpoints: Mapping[str, Path], tracks: Path, out: Path) -> dict[str, dict[str, Any]]:
    """Score the arms against the true stems; return system -> stem -> metric -> mean."""
    found = evaluate(
        list(checkpoints.values()),
        dataset=tracks,
        out=out,
        baselines=("mixture", "oracle ratio mask"),
        options=EvaluationOptions(
            references="clean", mixture="file", metrics=("sdr", "lc_sir"), excerpt_seconds=0
        ),
        overwrite=True,
    )
    for what, why in found.failures.items():
        print(f"failed: {what}: {why}")
    names = {path.parent.name: arm for arm, path in checkpoints.items()}
    return {names.get(name, name): stems for name, stems in found.summary["summary"].items()}


def table(means: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the rows of a Markdown table: SDR of each stem and their mean, then SIR."""
    head = [f"{metric} {stem}" for metric in ("SDR", "SIR") for stem in STEMS]
    rows = ["| | " + " | ".join(head) + " |", "|---" + "|---:" * len(head) + "|"]
    for system, stems in means.items():
        cells = [
            f"{stems[stem][metric]['mean']:.2f}" if metric in stems.get(stem, {}) else ""
            for metric in ("sdr", "lc_sir")
            for stem in STEMS
        ]
        rows.append(f"| {system} | " + " | ".join(cells) + " |")
    return rows


def closed(means: Mapping[str, Mapping[str, Any]], metric: str) -> list[str]:
    """Say how much of the gap between `naive` and the best bound each arm closes."""
    mean = {
        arm: means[arm]["mean"][metric]["mean"] for arm in means if metric in means[arm]["mean"]
    }
    bounds = [mean[arm] for arm in ("truth", "truth, same losses") if arm in mean]
    if not bounds or "naive" not in mean:
        return []
    gap = max(bounds) - mean["naive"]
    if gap <= 0:
        return [f"{metric}: no gap to close; naive is {-gap:.2f} dB above the bound"]
    arms = [arm for arm in ("cleaner", "losses", "both") if arm in mean]
    return [f"{metric}: gap {gap:.2f} dB"] + [
        f"  {arm} closes {100 * (mean[arm] - mean['naive']) / gap:.0f} %" for arm in arms
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="what make_set.py wrote")
    parser.add_argument("--out", type=Path, default=Path("runs/leakage_worth"))
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes")
    given = parser.parse_args()
    sets = given.out / "sets"
    write_sets(given.source, sets)
    checkpoints = {
        arm: train(arm, sets=sets, out=given.out, changes=given.changes) for arm in given.arms
    }
    means = scores(checkpoints, sets / given.part, given.out / f"scores-{given.part}")
    lines = [*table(means), "", *closed(means, "sdr"), *closed(means, "lc_sir")]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
