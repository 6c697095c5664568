"""Average the weights of two runs that went on from the same checkpoint, or of a run and its start.

    python recipes/default/average.py runs/sixth/checkpoint.safetensors \\
        runs/seventh/checkpoint.safetensors --share 0.6 --out runs/average/checkpoint.safetensors

Both left the same valley by different data; between them both errors are smaller. The second one
may have paths along time that the first lacks: in the first they add nothing. Provenance is that of
the second one.

Source: Wortsman et al., "Model soups", ICML 2022.
"""

from __future__ import annotations

import argparse
from itertools import zip_longest
from pathlib import Path

from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata, save_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.6, help="of the second one")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    first, second = load_checkpoint(options.first), load_checkpoint(options.second)
    paths = second.config["time_paths"]
    grown = zip_longest(first.config["time_paths"], paths, fillvalue=0)
    if {**first.config, "time_paths": paths} != second.config or any(
        own not in (0, path) for own, path in grown
    ):
        parser.error(f"{options.first} and {options.second} are networks of different shapes")
    theirs, weights = first.state_dict(), second.state_dict()
    for name, value in weights.items():
        if name in theirs and value.is_floating_point():
            weights[name] = theirs[name].lerp(value, options.share)
        elif name not in theirs and ".out." in name:  # what a path adds: nothing in the first
            weights[name] = options.share * value
    second.load_state_dict(weights)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    provenance = read_metadata(options.second).provenance
    save_checkpoint(options.out, second, provenance, dtype="float16")
    print(f"{options.out}: {options.share:g} of {options.second}, the rest of {options.first}")


if __name__ == "__main__":
    main()
