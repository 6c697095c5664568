"""A kutcheri with known truth in one call: by rule alone, without recordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def render(
    *, seconds: float = 20.0, sample_rate: int = 44100, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Render a kriti: voice, shadowing violin, mridangam, tanpura, and who else sits there.

    :class:`~carnatic_sep.ensemble.kutcheri.Ensemble` renders other forms, from recordings too,
    and gives the score along with the sound.

    Parameters
    ----------
    seconds : length, at least 1
    sample_rate : Hz, 8000 to 192000
    seed : the same seed gives the same bytes; another gives another raga, tonic and melody

    Returns
    -------
    ``{"vocals", "violin", "mridangam", "other"}``, each (2, frames) float32; their sum is
    :func:`mix`

    Raises
    ------
    UsageError
        A length, rate or seed out of range.
    """
    from carnatic_sep.ensemble.kutcheri import Ensemble

    ensemble = Ensemble(sample_rate=sample_rate)
    return ensemble.render(seconds=seconds, seed=seed, form="kriti").stems


def mix(stems: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the sum of `stems`, each (channels, frames), in their order."""
    total = np.zeros_like(next(iter(stems.values())))
    for stem in stems.values():
        total += stem
    return total
