"""How pieces are rendered, and what a rendered piece is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from carnatic_sep.ensemble.desk import Desk, DeskConfig
from carnatic_sep.ensemble.hall import HallKind
from carnatic_sep.ensemble.score import Score
from carnatic_sep.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]

Apart = Literal["violin", "mridangam", "other"]
"""A stem that can be played without listening to the voice."""

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

    Every ingredient can be switched off by itself, and what is left is drawn as before: the same
    seed gives the same piece, in the same seats, without it.

    Attributes
    ----------
    desk : limits of levels, tones and mastering
    apart : stems that do not listen to the voice but play a piece of their own, with its own
        tonic, raga, tempo and phrases: any of violin, mridangam and other
    hall : see :data:`carnatic_sep.ensemble.hall.HallKind`; ``"open"`` for no hall at all
    halls : how many halls are drawn; pieces share them
    recordings : impulse responses of real halls, used in place of some of the drawn ones unless
        `hall` is ``"open"``
    rule_share : share of pieces that are sung and bowed by rule although there are recordings
    violin_variety : how far the recorded violin is varied from piece to piece: which one plays, its
        body, brightness and bow noise, and a vibrato of its own where it does not follow the voice;
        0 for the same one throughout, 1 for a usual spread
    mastered : whether compressor and limiter work, or only one gain is set
    staged : whether there is a hall, microphones and a desk; else players are panned dry
    equalised : whether players and mix have tone curves
    reverb : whether the desk adds its reverb
    bleed_db : limits of the bleed in the microphones, drawn for each piece; None for none
    seed : of halls and instruments
    """

    desk: DeskConfig = field(default_factory=DeskConfig)
    apart: tuple[Apart, ...] = ()
    hall: HallKind = "diffuse"
    halls: int = _HALLS
    recordings: tuple[Path, ...] = ()
    rule_share: float = 0.0
    violin_variety: float = 0.0
    mastered: bool = True
    staged: bool = True
    equalised: bool = True
    reverb: bool = True
    bleed_db: tuple[float, float] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse stems that nobody can play apart, and numbers that cannot be.

        Raises
        ------
        UnknownNameError
            `apart` names another stem, or `hall` another kind of hall.
        UsageError
            `violin_variety` is negative, bleed is not or is no two rising limits, there is no
            hall, or `rule_share` is no share.
        """
        if self.hall not in get_args(HallKind):
            raise UnknownNameError("kind of hall", str(self.hall), list(get_args(HallKind)))
        if self.halls < 1:
            raise UsageError(f"halls must be 1 or more, not {self.halls}")
        if not 0.0 <= self.rule_share <= 1.0:
            raise UsageError(f"rule_share is a share from 0 to 1, not {self.rule_share}")
        if self.bleed_db is not None and len(self.bleed_db) != 2:
            raise UsageError(f"bleed_db: give the lower and the upper limit, not {self.bleed_db}")
        if self.bleed_db is not None and self.bleed_db[0] > self.bleed_db[1]:
            low, high = self.bleed_db
            raise UsageError(f"bleed_db: the lower limit first, not {low:g} before {high:g}")
        for bleed in self.bleed_db or ():
            if not np.isfinite(bleed) or bleed >= 0.0:
                raise UsageError(f"bleed lies below the own player: below 0 dB, not {bleed:g}")
        if not self.violin_variety >= 0.0:
            raise UsageError(f"violin_variety must be 0 or above, not {self.violin_variety}")
        for name in self.apart:
            if name not in get_args(Apart):
                raise UnknownNameError("player who can play apart", name, list(get_args(Apart)))
