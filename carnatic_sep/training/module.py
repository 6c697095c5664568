"""The Lightning module: one loss, one optimiser, an average of the weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.training.config import RunConfig
from carnatic_sep.training.losses import BandStatistics, band_loss, waveform_loss
from carnatic_sep.training.standing import Standing
from carnatic_sep.training.state import TrainingState, restore


class SeparationModule(lightning.LightningModule):
    """Trains `model` and keeps `ema`, the exponential moving average that is shipped.

    Parameters
    ----------
    state : where an earlier run stopped; its weights and optimiser are taken up

    Attributes
    ----------
    step : steps of the optimiser so far, of the whole run
    stepped : whether the last batch ended a step, which several may make up
    standing : what validations have told so far
    frozen : whether some parameters stand still for a while
    """

    frozen = False

    def __init__(
        self, model: SeparationModel, config: RunConfig, *, state: TrainingState | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.model = model
        self.step = state.step if state else 0
        self.stepped = False
        self.standing = state.standing if state else Standing()
        self._state = state
        self.ema = AveragedModel(model, avg_fn=blend(config.ema_decay), use_buffers=True)
        self.ema.requires_grad_(False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW over the trained model; weight decay on matrices and kernels only."""
        decayed = [p for p in self.model.parameters() if p.dim() > 1]
        plain = [p for p in self.model.parameters() if p.dim() <= 1]
        groups: list[dict[str, Any]] = [
            {"params": decayed},
            {"params": plain, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(
            groups,
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            betas=(0.9, 0.98),
        )
        if self._state:
            restore(self._state, self.model, self.ema, optimizer)
            self._state = None
        return optimizer

    def learning_rate(self, step: int) -> float:
        """Learning rate of `step`: a half cosine to zero at the last step, times a warm-up."""
        config = self.config
        warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
        fall = 1 + math.cos(math.pi * min(1.0, step / config.steps))
        return config.learning_rate * warm * 0.5 * fall

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set learning rate and dropout's seed: by the step alone, so that runs resume exactly."""
        self.stepped = False
        place = (self.step, batch_idx % self.config.accumulate, self.global_rank)
        seed = np.random.SeedSequence([self.config.seed, *place]).generate_state(1)
        torch.manual_seed(int(seed[0]))
        optimizer = self.optimizers()
        assert isinstance(optimizer, lightning.pytorch.core.optimizer.LightningOptimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate(self.step)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Loss of one batch; each of its terms is logged."""
        terms = self.terms(batch)
        loss: Tensor = sum(terms.values(), start=next(iter(terms.values())) * 0)
        self.log("loss", loss.detach(), prog_bar=True)
        self.log("step", float(self.step))  # of the run; lightning counts from the resume
        if len(terms) > 1:
            for name, value in terms.items():
                self.log(name, value.detach())
        return loss

    def terms(self, batch: Any) -> dict[str, Tensor]:
        """Return the loss of `batch`, term by term."""
        return {"loss": self.loss(batch)}

    def loss(self, batch: BandStatistics | Tensor) -> Tensor:
        """Complex L1 on band cells for a band model, on spectra of waveforms otherwise."""
        weight, shares = self.config.snr_weight, self.config.stem_weights
        if isinstance(batch, BandStatistics):
            assert isinstance(self.model, BandUNet)
            return band_loss(
                self.model.masks(batch.mixture), batch, snr_weight=weight, weights=shares
            )
        stems = batch[:, :, None]
        if self.model.channels == 2:
            stems = stems.expand(-1, -1, 2, -1)
        estimates = self.model(stems.sum(dim=1)).float()
        return waveform_loss(estimates, stems, snr_weight=weight, weights=shares)

    def optimizer_step(self, *arguments: Any, **options: Any) -> None:
        """Let the optimiser step, then count; batches that only add to a gradient do not count."""
        super().optimizer_step(*arguments, **options)
        self.count_step()

    def count_step(self) -> None:
        """Count the step and move the average; early on it follows more closely."""
        self.step += 1
        self.stepped = True
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        self.ema.avg_fn = blend(decay)
        self.ema.update_parameters(self.model)
        # What is no part of a state is constant (a filter bank, say): an average would round it,
        # and a run that goes on would begin with the exact one.
        kept = dict(self.ema.module.named_buffers())
        learnt = self.model.state_dict().keys()
        for name, buffer in self.model.named_buffers():
            if name not in learnt:
                kept[name].copy_(buffer)


def blend(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Return the rule of an exponential moving average, as :class:`AveragedModel` calls it."""

    def average(kept: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        return decay * kept + (1 - decay) * current

    return average
