"""What cleaners leave: is a reference's residue a smaller copy of its bleed, or something else.

    python recipes/metric_validation/residue.py --data ../shared/data --level -5

A metric is fooled by what reference and estimate have in common. Prints, for each cleaner and
stem, the mean over pieces of: the cleaned reference's SDR, the gain with which the bleed is still
in it, and the share of the residue's energy that this copy explains.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from run import CLEANERS
from scenes import TARGETS, pieces, scenes

NAMES = {
    "rested": "filters that learn in rests",
    "masked": "one round and a mask",
    "blind": "two rounds and a mask",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--config", type=Path, default=Path("configs/evaluation.yaml"))
    parser.add_argument("--cache", type=Path, help="keeps pitch contours of the takes")
    parser.add_argument("--pieces", type=int, default=6)
    parser.add_argument("--level", type=float, default=-5.0)
    options = parser.parse_args()

    found: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    drawn = pieces(options.config, options.data, count=options.pieces, cache=options.cache)
    for number, piece in enumerate(drawn):
        scene = scenes(piece, (options.level,), seed=number + 1)[options.level]
        for key, clean_stems in CLEANERS.items():
            cleaned = clean_stems(scene.bled)
            for stem in TARGETS:
                target = scene.close[stem].astype(np.float64)
                bleed, residue = scene.bled[stem] - target, cleaned[stem] - target
                gain = float(residue @ bleed / (bleed @ bleed))
                copy = gain**2 * float(bleed @ bleed) / float(residue @ residue)
                quality = 10.0 * np.log10(target @ target / (residue @ residue))
                found[key, stem].append((float(quality), gain, copy))
    print("| cleaner | stem | reference, dB | bleed left (gain) | share of residue |")
    print("|---|---|---|---|---|")
    for (key, stem), rows in found.items():
        quality, gain, copy = np.mean(rows, axis=0)
        print(f"| {NAMES[key]} | {stem} | {quality:.1f} | {gain:.2f} | {copy:.2f} |")


if __name__ == "__main__":
    main()
