"""What projections on a track's cleaned stems need, made once for all systems that are scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.bands import BandPowers
    from carnatic_sep.metrics.filters import FilterProjection
    from carnatic_sep.metrics.projection import SubbandProjection


@dataclass(frozen=True)
class Prepared:
    """Projections on cleaned stems, each computed when it is first asked for.

    Attributes
    ----------
    sample_rate : Hz
    cleaned : stem name -> (channels, frames) or (frames,), all of one shape
    """

    sample_rate: int
    cleaned: Mapping[str, NDArray[np.floating]]

    @cached_property
    def subbands(self) -> SubbandProjection:
        """In subbands, for LC-SIR."""
        from carnatic_sep.metrics.projection import SubbandProjection

        return SubbandProjection(self._stack, sample_rate=self.sample_rate)

    @cached_property
    def filters(self) -> FilterProjection:
        """With BSSEval's filters, for LC-SAR."""
        from carnatic_sep.metrics.filters import FilterProjection

        return FilterProjection(self._stack)

    @cached_property
    def bands(self) -> BandPowers:
        """Powers in bands, for PSD-SIR."""
        from carnatic_sep.metrics.bands import BandPowers

        return BandPowers(self._stack, sample_rate=self.sample_rate)

    @property
    def _stack(self) -> NDArray[np.floating]:
        return np.stack([np.asarray(signal) for signal in self.cleaned.values()])
