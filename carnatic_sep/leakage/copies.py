"""Two microphones that record the same: a duplicated file, or one cable on two tracks."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from carnatic_sep.leakage.powers import power_of

if TYPE_CHECKING:
    from torch import Tensor

HIGHEST = 0.95
"""Coherence from which two microphones record the same. In computed halls it stays below 0.25; two
players mixed into both without delay, 4 dB apart, reach 0.9."""

QUIETEST = 0.25
"""Share of the other's power from which it can be a copy; bleed without any delay, as some data
sets make it, is weaker."""

STRETCH_COLUMNS = 96
"""About two seconds; stretches lie side by side."""

_AUDIBLE = 1e-6
_BLOCK_BINS = 64


def copies(spectra: Tensor) -> Tensor:
    """Tell which microphones record the same for two stretches or longer.

    What leaks comes later by its way through the air, so that its phase turns from bin to bin, and
    the mean over bins of its coherence is near 0. A copy's has one sign everywhere, whatever its
    polarity, and is about as loud.

    Parameters
    ----------
    spectra : (bins, microphones, columns), complex

    Returns
    -------
    (microphones, microphones), true where two are copies of each other
    """
    import torch

    bins, count, columns = spectra.shape
    whole = range(max(1, columns // STRETCH_COLUMNS))
    edges = [*(k * STRETCH_COLUMNS for k in whole), columns]
    found = torch.zeros(count, count, dtype=torch.bool)
    for start, stop in pairwise(edges):
        power = spectra.real.new_empty(bins, count)
        cross = spectra.real.new_empty(bins, count, count)
        for first in range(0, bins, _BLOCK_BINS):
            some = slice(first, first + _BLOCK_BINS)
            part = spectra[some, :, start:stop]
            power[some] = power_of(part).sum(-1)
            cross[some] = (part @ part.mH).real
        loud = power > _AUDIBLE * power.amax(0, keepdim=True)
        both = loud[:, :, None] & loud[:, None, :]
        level = (power[:, :, None] * power[:, None, :]).sqrt()
        coherence = torch.where(both, cross / level, 0.0).sum(0) / both.sum(0).clamp(min=1)
        total = power.sum(0)
        alike = total[:, None] >= QUIETEST * total
        found |= (coherence.abs() > HIGHEST) & alike & alike.T
    return found.fill_diagonal_(False)
