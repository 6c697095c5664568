"""How pieces are rendered, and what a rendered piece is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.desk import Desk, DeskConfig
from carnatic_sep.ensemble.hall import HallKind
from carnatic_sep.ensemble.score import Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]

_HALLS = 6


@dataclass(frozen=True)
class Rendering:
    """A rendered piece and its truth; every array is (2, frames) float32.

    Attributes
    ----------
    score : what was played
    stems : vocals, violin, mridangam and other, as they sound in the mixture
    bleeding : the same mixture cut up by microphones instead of players; empty unless asked for
    desk : how it was mixed
    sample_rate : Hz
    """

    score: Score
    stems: dict[str, Audio]
    bleeding: dict[str, Audio]
    desk: Desk
    sample_rate: int

    @property
    def mixture(self) -> Audio:
        """The sum of the stems."""
        total = np.zeros_like(next(iter(self.stems.values())))
        for stem in self.stems.values():
            total += stem
        return total


@dataclass(frozen=True)
class EnsembleConfig:
    """How pieces are rendered.

    Attributes
    ----------
    desk : limits of levels, tones and mastering
    hall : see :data:`carnatic_sep.ensemble.hall.HallKind`
    halls : how many halls are drawn; pieces share them
    recordings : impulse responses of real halls, used in place of some of the drawn ones
    rule_share : share of pieces that are sung and bowed by rule although there are recordings
    mastered : whether compressor and limiter work, or only one gain is set
    staged : whether there is a hall, microphones and reverb; else players are panned dry
    bleed_db : limits of the bleed in the microphones, drawn for each piece; None for none
    seed : of halls and instruments
    """

    desk: DeskConfig = field(default_factory=DeskConfig)
    hall: HallKind = "diffuse"
    halls: int = _HALLS
    recordings: tuple[Path, ...] = ()
    rule_share: float = 0.0
    mastered: bool = True
    staged: bool = True
    bleed_db: tuple[float, float] | None = None
    seed: int = 0
