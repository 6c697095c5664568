"""Write a Spleeter network that is much narrower than Spleeter's that has learnt nothing yet.

    python recipes/spleeter_finetune/untrained.py runs/untrained.safetensors

It stands in for Deezer's checkpoint where that cannot be downloaded; see README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.registry import build

WIDTHS = [8, 16, 16, 32, 32, 32]


def main() -> None:
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = build("unet", stems=["vocals", "accompaniment"], filters=WIDTHS)
    about = Provenance(name="untrained", licence="MIT", description="random weights")
    save_checkpoint(path, model, about)
    print(path)


if __name__ == "__main__":
    main()
