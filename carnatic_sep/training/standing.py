"""How a run stands: the best validation so far, and how many since were no better."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Standing:
    """What validations have told.

    best : the best value so far; NaN before the first one
    step : where it was reached; 0 before the first one
    waited : validations since then
    """

    best: float = math.nan
    step: int = 0
    waited: int = 0

    def after(self, value: float, *, step: int, higher: bool, least_gain: float) -> Standing:
        """Return the standing with one more validation; NaN is never better.

        Parameters
        ----------
        higher : whether higher values are better
        least_gain : what counts as better
        """
        gain = value - self.best if higher else self.best - value
        if math.isnan(value) or (self.step and gain <= least_gain):
            return replace(self, waited=self.waited + 1)
        return Standing(best=value, step=step)

    def is_over(self, patience: int | None) -> bool:
        """Whether `patience` validations have passed without a better one."""
        return patience is not None and self.waited >= patience
