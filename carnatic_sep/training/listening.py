"""Fixed mixtures that a run is judged by: what the model makes of them, in one pass each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.models.base import SeparationModel

    Audio = NDArray[np.float32]

_SEED = 20_260_101
"""Of the fixed mixtures; not that of the run, so that runs can be compared."""


class Drawer(Protocol):
    """Whatever draws the stems of a mixture, at the rate and in the order of the model."""

    def draw(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return stems, (stems, frames)."""


def fixed_stems(drawer: Drawer, count: int) -> list[Audio]:
    """Draw the stems of `count` mixtures, (stems, frames) each, the same ones each time."""
    return [drawer.draw(np.random.default_rng([_SEED, index])) for index in range(count)]


def separated(model: SeparationModel, stems: Audio) -> Audio:
    """Separate the sum of mono `stems`, (stems, frames), into as many.

    `model` may be on any device, and is left in the mode (training or not) in which it came. A
    stereo model hears the mixture on both sides; its estimates are averaged.
    """
    training = model.training
    device = next(model.parameters()).device
    mixture = torch.from_numpy(stems.sum(axis=0)).expand(1, model.channels or 1, -1).to(device)
    with torch.inference_mode():
        estimates: Audio = model.eval()(mixture)[0].mean(dim=1).float().cpu().numpy()
    model.train(training)
    return estimates
