"""What every separation network promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from carnatic_sep.errors import UsageError


class SeparationModel(nn.Module, ABC):
    """A network from a mixture to its stems.

    Attributes
    ----------
    architecture : registry name, set by :func:`carnatic_sep.models.registry.register`
    stems : names of the outputs, in order
    sample_rate : Hz
    channels : channels that `forward` takes and returns; None where any number works
    segment_seconds : length of audio that one forward pass sees best
    most_views : up to how many `views` of a mixture `forward` takes and averages, a keyword; with
        1, it has no such keyword
    config : keyword arguments that rebuild the network: ``type(model)(**model.config)``
    """

    architecture: str
    stems: tuple[str, ...]
    sample_rate: int
    channels: int | None
    segment_seconds: float
    most_views: int = 1
    config: dict[str, Any]

    @abstractmethod
    def forward(self, mixture: Tensor) -> Tensor:
        """Separate `mixture`, (batch, channels, frames), into (batch, stems, channels, frames)."""


def moved(model: SeparationModel, device: str) -> SeparationModel:
    """Return `model` on `device`.

    Raises
    ------
    UsageError
        Torch knows no such device, or does not find it here.
    """
    try:
        return model.to(torch.device(device))
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"device {device!r}: torch cannot use it ({reason}); take cpu") from error
