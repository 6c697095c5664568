"""The cold diffusion U-Net as a diffusers model, saved as safetensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor

from carnatic_sep.models.cold_unet import PUBLISHED_MULTIPLIERS, ColdUNet, Gate, Norm

OPTIONS = (
    "base",
    "multipliers",
    "block_convs",
    "down_blocks",
    "up_blocks",
    "norm",
    "dropout",
    "gate",
    "exponent",
)
"""What :class:`ColdUNetModel` takes beside `targets`."""


class ColdUNetModel(ModelMixin, ConfigMixin):
    """:class:`carnatic_sep.models.cold_unet.ColdUNet`, whose options these are, for a pipeline."""

    @register_to_config
    def __init__(
        self,
        targets: int = 1,
        base: int = 16,
        multipliers: Sequence[int] = PUBLISHED_MULTIPLIERS,
        block_convs: int = 2,
        down_blocks: int = 2,
        up_blocks: int = 3,
        norm: Norm = "group",
        dropout: float = 0.0,
        gate: Gate = "state",
        exponent: float = 1.0,
    ) -> None:
        super().__init__()
        self.net = ColdUNet(
            targets=targets,
            base=base,
            multipliers=multipliers,
            block_convs=block_convs,
            down_blocks=down_blocks,
            up_blocks=up_blocks,
            norm=norm,
            dropout=dropout,
            gate=gate,
            exponent=exponent,
        )

    def forward(self, sample: Tensor, timestep: Tensor, mixture: Tensor) -> Tensor:
        """Predict from states, (batch, targets, columns, bins); see the network's own `forward`."""
        predicted: Tensor = self.net(sample, timestep, mixture)
        return predicted

    def network_options(self) -> dict[str, Any]:
        """Return the keyword arguments, without `targets`, that rebuild the network."""
        options = {name: self.config[name] for name in OPTIONS}
        return {**options, "multipliers": list(options["multipliers"])}
