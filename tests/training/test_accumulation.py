"""Several batches that make one step: the same as one large batch."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

pytest.importorskip("lightning")
import lightning

from carnatic_sep.models.registry import build
from carnatic_sep.training.fitting import make_trainer
from carnatic_sep.training.module import SeparationModule

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
STEPS = 3
# Normalises each item on its own; batch normalisation sees halves of a batch as they come.
NETWORK = {"widths": [4, 4, 8], "dual_path_layers": 1, "n_fft": 1024, "hop_frames": 512}


class Given(IterableDataset[Tensor]):
    def __init__(self, batches: list[Tensor]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.batches)


class Rates(lightning.Callback):
    """Notes the learning rate of each step, and after which batches a step was counted."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.stepped: list[bool] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *rest: Any) -> None:
        self.stepped.append(pl_module.stepped)
        if pl_module.stepped:
            self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


def learn(config: Any, batches: list[Tensor]) -> SimpleNamespace:
    torch.manual_seed(0)
    module = SeparationModule(build("scnet", **NETWORK), config)
    rates = Rates()
    trainer = make_trainer(module, steps=STEPS, callbacks=[rates])
    trainer.fit(module, DataLoader(Given(batches), batch_size=None))
    moments = [trainer.optimizers[0].state[p]["exp_avg"] for p in module.model.parameters()]
    return SimpleNamespace(module=module, rates=rates, moments=moments)


def test_two_halves_are_as_good_as_the_whole(run_config) -> None:
    rng = np.random.default_rng(0)
    whole = [
        torch.from_numpy(0.1 * rng.standard_normal((4, 4, 12000))).float() for _ in range(STEPS)
    ]
    halves = [half for batch in whole for half in batch.chunk(2)]
    # Where a gradient is next to nothing, AdamW makes a step of its rounding error: so the moments,
    # which are the gradients' averages, are compared closely and the weights less so.
    options = {"loss": "complex_l1", "steps": 20, "warmup_steps": 5, "ema_decay": 0.5}
    one = learn(run_config(**options), whole)
    two = learn(run_config(**options, accumulate=2), halves)
    assert one.module.step == two.module.step == STEPS
    assert two.rates.stepped == [False, True] * STEPS
    assert one.rates.rates == two.rates.rates
    assert one.rates.rates == [one.module.learning_rate(step) for step in range(STEPS)]
    first, second = (torch.cat([m.flatten() for m in each.moments]) for each in (one, two))
    assert float((first - second).norm() / first.norm()) < 1e-3
    for part in ("model", "ema"):
        kept, other = (getattr(each.module, part).state_dict() for each in (one, two))
        for name, value in kept.items():
            assert torch.allclose(value, other[name], atol=2e-4), name
    # The average follows steps, not batches: n_averaged counts them.
    assert int(two.module.ema.n_averaged) == STEPS


def test_halves_that_are_not_added_up_differ(run_config) -> None:
    rng = np.random.default_rng(1)
    batches = [torch.from_numpy(0.1 * rng.standard_normal((2, 4, 12000))).float() for _ in range(6)]
    options = {"loss": "complex_l1", "steps": 20, "warmup_steps": 0}
    added = learn(run_config(**options, accumulate=2), batches)
    single = learn(run_config(**options), batches)
    pairs = zip(added.module.model.parameters(), single.module.model.parameters(), strict=True)
    assert max(float((one - other).detach().abs().max()) for one, other in pairs) > 1e-3
