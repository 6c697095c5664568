"""Cold diffusion as a diffusers scheduler."""

from __future__ import annotations

from typing import cast

import torch
from diffusers import ConfigMixin, SchedulerMixin
from diffusers.configuration_utils import register_to_config
from diffusers.schedulers.scheduling_utils import SchedulerOutput
from torch import Tensor

from carnatic_sep.models.cold_schedule import ColdSchedule, Kind, Prediction, Sampling


class ColdDiffusionScheduler(SchedulerMixin, ConfigMixin):
    """Degrade stems into their mixture, and go back.

    The mixture is what noise is elsewhere: known, and the same at every step. Where diffusers'
    interface says `noise`, give the mixture.

    Parameters
    ----------
    num_train_timesteps : steps from the target to the mixture
    schedule : "convex", or "ismir23" as published
    prediction_type : whether the network predicts the "clean" target or the "previous" state
    sampling : "improved" (Bansal et al., algorithm 2) or "direct" (algorithm 1, as published)

    Attributes
    ----------
    timesteps : from the last step down, (num_inference_steps,)
    cold : the coefficients, :class:`carnatic_sep.models.cold_schedule.ColdSchedule`

    Raises
    ------
    ValueError
        An unknown option, or no steps.

    Source: Plaja-Roglans et al., ISMIR 2023; Bansal et al., "Cold Diffusion: Inverting Arbitrary
    Image Transforms Without Noise", NeurIPS 2023.

    Examples
    --------
    >>> scheduler = ColdDiffusionScheduler(num_train_timesteps=4)
    >>> scheduler.timesteps.tolist()
    [4, 3, 2, 1]
    """

    order = 1

    @register_to_config
    def __init__(
        self,
        num_train_timesteps: int = 8,
        schedule: Kind = "convex",
        prediction_type: Prediction = "clean",
        sampling: Sampling = "improved",
    ) -> None:
        if prediction_type not in ("clean", "previous") or sampling not in ("improved", "direct"):
            raise ValueError(
                f"prediction_type {prediction_type!r} must be clean or previous, sampling "
                f"{sampling!r} improved or direct"
            )
        self.cold = ColdSchedule.of(schedule, num_train_timesteps)
        self.init_noise_sigma = 1.0
        self.set_timesteps(num_train_timesteps)

    def __len__(self) -> int:
        """Return the number of steps in training."""
        return self.cold.steps

    def set_timesteps(
        self, num_inference_steps: int, device: str | torch.device | None = None
    ) -> None:
        """Choose how many steps lead from the mixture to the target, evenly spaced.

        Raises
        ------
        ValueError
            Fewer than one, or more than in training.
        """
        if not 1 <= num_inference_steps <= self.cold.steps:
            raise ValueError(
                f"num_inference_steps {num_inference_steps}: give 1 to {self.cold.steps}, the "
                "number of steps in training"
            )
        spaced = torch.linspace(self.cold.steps, 0, num_inference_steps + 1).round().long()
        self.num_inference_steps = num_inference_steps
        self.timesteps = spaced[:-1].to(device)

    def scale_model_input(self, sample: Tensor, timestep: int | Tensor | None = None) -> Tensor:
        """Return `sample` as it is: states need no scaling."""
        return sample

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Degrade targets by their mixture.

        Parameters
        ----------
        original_samples : (batch, targets, columns, bins), magnitudes of the targets
        noise : (batch, 1, columns, bins), magnitudes of the mixture
        timesteps : (batch,), 0 (nothing happens) to the number of steps (the mixture is left)

        Returns
        -------
        (batch, targets, columns, bins)
        """
        return self.cold.degrade(original_samples, noise, timesteps)

    def target(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Return what the network is to predict of :meth:`add_noise` of the same arguments."""
        if self.config["prediction_type"] == "clean":
            return original_samples
        return self.cold.degrade(original_samples, noise, timesteps - 1)

    def step(
        self,
        model_output: Tensor,
        timestep: int | Tensor,
        sample: Tensor,
        mixture: Tensor,
        return_dict: bool = True,
    ) -> SchedulerOutput | tuple[Tensor]:
        """Go one step of :attr:`timesteps` towards the target.

        Parameters
        ----------
        model_output : what the network predicts of `sample`
        timestep : where `sample` is; one of :attr:`timesteps`
        sample : (batch, targets, columns, bins)
        mixture : (batch, 1, columns, bins)

        Returns
        -------
        ``.prev_sample``, (batch, targets, columns, bins), or a tuple of it

        Raises
        ------
        ValueError
            A timestep that is not on the way.
        """
        way = [*self.timesteps.tolist(), 0]
        now = int(timestep)
        if now not in way[:-1]:
            raise ValueError(f"timestep {now} is not on the way {way[:-1]}; see set_timesteps")
        previous = self.cold.advance(
            model_output,
            sample,
            mixture,
            step=now,
            to=way[way.index(now) + 1],
            predicts=cast("Prediction", self.config["prediction_type"]),
            sampling=cast("Sampling", self.config["sampling"]),
        )
        return SchedulerOutput(prev_sample=previous) if return_dict else (previous,)
