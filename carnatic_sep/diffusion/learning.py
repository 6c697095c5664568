"""Teach a network the way back from mixtures to stems."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from carnatic_sep.errors import CarnaticSepError

if TYPE_CHECKING:
    from torch import Tensor

    from carnatic_sep.diffusion.config import ColdConfig
    from carnatic_sep.diffusion.excerpts import Batch
    from carnatic_sep.diffusion.scheduler import ColdDiffusionScheduler
    from carnatic_sep.diffusion.unet import ColdUNetModel


def training_loss(
    unet: ColdUNetModel,
    scheduler: ColdDiffusionScheduler,
    clean: Tensor,
    mixture: Tensor,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the mean absolute error of what `unet` predicts at random steps, a scalar.

    Parameters
    ----------
    clean : (batch, targets, columns, bins), magnitudes of the stems
    mixture : (batch, 1, columns, bins)
    generator : draws a step of 1 to the last for each batch item

    Source: Plaja-Roglans et al., ISMIR 2023 (as in its public code: L1, steps drawn evenly).
    """
    steps = torch.randint(1, len(scheduler) + 1, (len(clean),), generator=generator)
    steps = steps.to(clean.device)
    state = scheduler.add_noise(clean, mixture, steps)
    predicted = unet(state, steps, mixture)
    return functional.l1_loss(predicted, scheduler.target(clean, mixture, steps))


def fit(
    unet: ColdUNetModel,
    scheduler: ColdDiffusionScheduler,
    batches: Iterable[Batch],
    *,
    config: ColdConfig,
) -> Iterator[float]:
    """Train `unet` in place, one optimiser step at a time.

    The network is in training mode while it learns, so that dropout and batch statistics do what
    they are for; and in evaluation mode, with the mean of its weights where the configuration asks
    for it, when the iteration has come to its end or is closed.

    Parameters
    ----------
    batches : at least ``config.steps`` of them; more are left alone
    config : optimiser, length and seed

    Yields
    ------
    the loss of each step

    Raises
    ------
    CarnaticSepError
        The loss is not a number: training has diverged.
    """
    optimiser = torch.optim.Adam(
        unet.parameters(), lr=config.learning_rate, betas=config.betas, eps=config.epsilon
    )
    generator = torch.Generator().manual_seed(config.seed)
    mean = _RunningMean(config.ema_decay) if config.ema_decay else None
    device = next(unet.parameters()).device
    unet.train()
    try:
        for step, batch in zip(range(config.steps), batches, strict=False):
            clean, mixture = batch.clean.to(device), batch.mixture.to(device)
            loss = training_loss(unet, scheduler, clean, mixture, generator=generator)
            value = loss.item()
            if not math.isfinite(value):
                raise CarnaticSepError(
                    f"the loss of step {step + 1} is {value}: training has diverged; go on "
                    "from an earlier checkpoint with a smaller learning_rate"
                )
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()
            if mean is not None:
                mean.add(unet.net.state_dict())
            yield value
    finally:
        if mean is not None and mean.state:
            unet.net.load_state_dict(mean.state)
        unet.eval()


class _RunningMean:
    """Exponential mean of a network's state, which starts at the first one."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self.state: dict[str, Tensor] = {}

    @torch.no_grad()
    def add(self, state: dict[str, Tensor]) -> None:
        for name, value in state.items():
            if name in self.state and value.is_floating_point():
                self.state[name].lerp_(value, 1.0 - self._decay)
            else:
                self.state[name] = value.detach().clone()
