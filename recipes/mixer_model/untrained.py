"""Write a mixer model that has learnt nothing yet, to start a run from.

    python recipes/mixer_model/untrained.py runs/mixer-untrained.safetensors          # small
    python recipes/mixer_model/untrained.py --full runs/mixer-full.safetensors

`--full` has the published sizes: 10.2 million weights a net.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.registry import build
from carnatic_sep.stems import DEFAULT_STEMS

SMALL = {
    "sample_rate": 16000,
    "n_fft": 2048,
    "hop_frames": 512,
    "bins": 640,  # up to 5 kHz
    "columns": 128,
    "levels": 3,
    "width": 6,
    "convolutions": 2,
    "bottleneck": 8,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--full", action="store_true", help="the published sizes")
    given = parser.parse_args()
    given.path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = build("tfc_tdf", stems=DEFAULT_STEMS, **({} if given.full else SMALL))
    about = Provenance(name=given.path.stem, licence="MIT", description="random weights")
    save_checkpoint(given.path, model, about)
    print(f"{given.path}: {sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
