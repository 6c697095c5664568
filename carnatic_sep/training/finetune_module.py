"""The Lightning module of fine-tuning: frozen and unfrozen phases, leakage-aware losses."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from carnatic_sep.models.base import SeparationModel
from carnatic_sep.training.finetune_config import FinetuneConfig
from carnatic_sep.training.module import SeparationModule
from carnatic_sep.training.state import TrainingState
from carnatic_sep.training.stem_losses import stem_loss
from carnatic_sep.training.taught_losses import taught_losses
from carnatic_sep.training.track_batch import TrackBatch


class FinetuneModule(SeparationModule):
    """Trains a model whose heads are partly new.

    Parameters
    ----------
    kept_parameters : names of those that stand still for `config.surgery.frozen_steps`
    """

    def __init__(
        self,
        model: SeparationModel,
        config: FinetuneConfig,
        *,
        kept_parameters: frozenset[str] = frozenset(),
        state: TrainingState | None = None,
    ) -> None:
        super().__init__(model, config, state=state)
        self._settings = config
        self._kept = kept_parameters
        self.frozen = config.surgery.frozen_steps > self.step and bool(kept_parameters)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set learning rate and phase: functions of the step alone, so that runs resume exactly."""
        super().on_train_batch_start(batch, batch_idx)
        self.set_phase(self.step)

    def set_phase(self, step: int) -> None:
        """Freeze or free what was there before, and hold batch normalisation as configured."""
        frozen = step < self._settings.surgery.frozen_steps
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not (frozen and name in self._kept))
        if self._settings.surgery.freeze_batch_norm:
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def terms(self, batch: TrackBatch) -> dict[str, Tensor]:
        """Return the loss of `batch`, term by term."""
        settings = self._settings
        estimates = self.model(batch.mixture).float()
        return stem_loss(
            estimates,
            batch,
            settings.loss,
            snr_weight=settings.snr_weight,
            weights=settings.stem_weights,
        ) | taught_losses(
            self.model,
            self.ema.module,
            estimates,
            batch,
            settings.loss,
            seed=settings.seed,
            step=self.step,
        )
