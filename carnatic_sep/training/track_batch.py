"""A batch of excerpts of multitracks, with what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TrackBatch:
    """Excerpts with what is known about them.

    mixture : (batch, channels, frames)
    stems : (batch, stems, channels, frames), what the microphones heard
    known : (batch, stems) bool, whether a stem is a reference for the mixture at all
    silent : (batch, stems, frames) bool, where a stem's player is known to be silent
    confidence : (batch, stems, points), share of a stem's energy that is its player's own
    halves : (batch, stems) bool, which stems make up the first of two mixtures
    bled : (batch,) bool, whether the mixture holds bleed beside, which no stem answers for
    """

    mixture: Tensor
    stems: Tensor
    known: Tensor
    silent: Tensor
    confidence: Tensor
    halves: Tensor
    bled: Tensor

    def to(self, device: torch.device) -> TrackBatch:
        """Move to `device`."""
        return TrackBatch(*(getattr(self, field.name).to(device) for field in fields(self)))

    def waveforms(self, names: Sequence[str]) -> list[dict[str, NDArray[np.float32]]]:
        """Return each item as mono sounds (frames,): "mixture", and the stems by `names`."""
        mixtures, stems = self.mixture.mean(dim=1).numpy(), self.stems.mean(dim=2).numpy()
        return [
            {"mixture": mixture, **dict(zip(names, parts, strict=True))}
            for mixture, parts in zip(mixtures, stems, strict=True)
        ]


def collate(items: Sequence[TrackBatch]) -> TrackBatch:
    """Put batches together into one."""
    names = [field.name for field in fields(TrackBatch)]
    return TrackBatch(*(torch.cat([getattr(item, name) for item in items]) for name in names))
