"""Test-time adaptation: let the statistics of normalisation lean towards the recording at hand.

    python recipes/default/adapt.py --data ../shared/data
    python recipes/default/bars.py --data ../shared/data --adapt 0.4

One forward pass over the whole recording moves the running mean and variance of each batch
normalisation by a share towards the recording's own; then it is separated as ever. 0 changes
nothing, 1 forgets what training saw. Without `--reported` on development sets only.

Source: Schneider et al., "Improving robustness against common corruptions by covariate shift
adaptation", NeurIPS 2020.
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from development import TARGETS, means, mixtures, print_row, renderings
from torch import nn

from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.checkpoint import load_checkpoint
from carnatic_sep.models.zoo import resolve
from carnatic_sep.separation.separator import Separator

SHARES = (0.0, 0.1, 0.2, 0.4, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--cache", type=Path, default=Path("runs/bars/cache"))
    parser.add_argument("--model", default="default")
    parser.add_argument("--shares", nargs="*", type=float, default=SHARES)
    options = parser.parse_args()
    config = load_evaluation_config("configs/evaluation.yaml")
    model = load_checkpoint(resolve(options.model)).eval()
    sets = {
        "development mixtures": list(mixtures(config, options.data, options.cache)),
        "development renderings": list(renderings(config, options.data, options.cache)),
    }
    print(f"| set | share | {' | '.join(TARGETS)} | mean |\n|---|---:{'|---:' * 4}|", flush=True)
    for name, cases in sets.items():
        for share in options.shares:
            estimates = [
                Separator(adapted(model, case.mixture, share=share)).separate(
                    case.mixture, case.sample_rate
                )
                for case in cases
            ]
            print_row(name, f"{share:g}", scores=means(cases, estimates))


def adapted(model: SeparationModel, audio: np.ndarray, *, share: float) -> SeparationModel:
    """Return a copy of `model` whose normalisations have moved by `share` towards `audio`.

    Parameters
    ----------
    audio : (frames,) or (channels, frames), at the model's rate
    share : 0 to 1
    """
    model = deepcopy(model)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = share
        norm.train()
    if share:
        with torch.inference_mode():
            model(torch.from_numpy(np.atleast_2d(audio).astype(np.float32))[None])
    return model.eval()


if __name__ == "__main__":
    main()
