"""Melody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Melody:
    """A pitch contour.

    Attributes
    ----------
    times : (samples,), seconds, rising
    f0 : (samples,), Hz; 0 where nothing is sung
    """

    times: NDArray[np.float64]
    f0: NDArray[np.float64]
