"""Print the tables of `run.py`; give it the folder that `run.py` wrote to."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import yaml

TARGETS = ("vocals", "violin", "mridangam")
REAL = "real multitrack"
WANTED_DB = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what run.py wrote")
    folder = parser.parse_args().folder
    results = [json.loads(path.read_text()) for path in sorted(folder.glob("*/scores.json"))]
    if not results:
        raise SystemExit(f"{folder}: no scores.json; run recipes/ensemble_worth/run.py first")
    order = list(yaml.safe_load(Path(__file__).with_name("arms.yaml").read_text()))
    results.sort(key=lambda result: (order.index(result["arm"]), result["seed"]))
    groups = list(dict.fromkeys(row["set"] for row in results[0]["scores"]))
    for group in groups:
        print(f"**{group}**\n")
        print_group(group, results)
    print_verdict(results)


def print_group(group: str, results: list[dict]) -> None:
    """Print SDR by stem, and the confusion of voice and violin where it is known."""
    print(
        "| trained on | seed | vocals | violin | mridangam | mean SDR | violin in vocals | "
        "vocals in violin |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    first = [row for row in results[0]["scores"] if row["set"] == group]
    print_row("nothing (the mixture)", "", means(first, "mixture"), {})
    for result in results:
        rows = [row for row in result["scores"] if row["set"] == group]
        print_row(result["arm"], result["seed"], means(rows, "sdr"), means(rows, "confusion"))
    print()


def means(rows: list[dict], key: str) -> dict[str, float]:
    """Mean over cases of each stem, where it is finite."""
    values = defaultdict(list)
    for row in rows:
        if key in row and np.isfinite(row[key]):
            values[row["stem"]].append(row[key])
    return {stem: float(np.mean(found)) for stem, found in values.items()}


def print_row(name: str, seed: object, sdr: dict[str, float], confusion: dict[str, float]) -> None:
    cells = [f"{sdr[stem]:.2f}" for stem in TARGETS] + [f"{np.mean(list(sdr.values())):.2f}"]
    cells += [
        f"{confusion[stem]:.1f} dB" if stem in confusion else "" for stem in ("vocals", "violin")
    ]
    print(f"| {name} | {seed} | {' | '.join(cells)} |")


def print_verdict(results: list[dict]) -> None:
    """Print what full renderings gain over random mixes on real music, mean over seeds."""
    found = defaultdict(list)
    for result in results:
        rows = [row for row in result["scores"] if row["set"] == REAL]
        found[result["arm"]].append(np.mean(list(means(rows, "sdr").values())))
    if {"random mixes", "full renderings"} <= set(found):
        gain = np.mean(found["full renderings"]) - np.mean(found["random mixes"])
        verdict = "met" if gain >= WANTED_DB else "MISSED"
        print(
            f"full renderings over random mixes on real music: {gain:+.2f} dB, "
            f"{WANTED_DB:g} dB wanted: {verdict}"
        )


if __name__ == "__main__":
    main()
