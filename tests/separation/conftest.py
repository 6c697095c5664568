"""Models whose answer is known in advance."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from carnatic_sep.models.base import SeparationModel


class KnownModel(SeparationModel):
    """Stems by a formula (the first takes all, if none is given); remembers its batches."""

    architecture = "known"

    def __init__(
        self,
        formula: Callable[[Tensor], Tensor] | None = None,
        *,
        stems: tuple[str, ...] = ("vocals", "violin", "mridangam", "other"),
        sample_rate: int = 8000,
        channels: int | None = None,
        segment_seconds: float = 0.1,
    ) -> None:
        super().__init__()
        self.stems = stems
        self.sample_rate = sample_rate
        self.channels = channels
        self.segment_seconds = segment_seconds
        self.config = {}
        self.formula = formula or self.first_takes_all
        self.shapes: list[tuple[int, ...]] = []

    def first_takes_all(self, mixture: Tensor) -> Tensor:
        silent = torch.zeros_like(mixture)
        return torch.stack([mixture] + [silent] * (len(self.stems) - 1), dim=1)

    def forward(self, mixture: Tensor) -> Tensor:
        self.shapes.append(tuple(mixture.shape))
        return self.formula(mixture)


@pytest.fixture(scope="session")
def known_model() -> type[KnownModel]:
    return KnownModel
