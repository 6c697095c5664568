"""What can be chosen about the removal of bleed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carnatic_sep.errors import UsageError

Method = Literal["joint-fir", "mira"]


@dataclass(frozen=True, kw_only=True)
class CleanConfig:
    """Settings of the cleaner; the defaults are what the documented figures were measured with.

    Attributes
    ----------
    method : ``"joint-fir"``, the subband canceller, or ``"mira"``, spectral masks after MIRA
    rounds : how often the canceller runs; its second run reads what the first one cleaned
    taps : columns of echo that each round cancels, one number a round
    early_taps : columns by which an interferer may come before its own microphone
    target_taps : columns of the target beside the interferers in the fit; kept, never subtracted
    quantile : of the power ratio that is taken as leakage, see `carnatic_sep.leakage.quantile`
    first_excess : factor on the leakage in the first round, so that regressors are clean
    smear_columns, smear_decay : echo in the model of powers: so many columns, by exp(-decay k)
    power_steps : steps of the power estimate
    weight_doubt : share of what a microphone records that is added to its target's power before
        weighing: how little the estimate of that power is trusted
    weight_floor_db : quietest that a target is taken to be, relative to its mean in the bin
    filter_headroom : leakage is at most this times the power that the round before let pass
    ridge : share of the diagonal that is added to it before solving
    post_filter : mask what the canceller leaves, where masks can be trusted; off, all that is
        done to a stem is linear, as references of metrics need it
    guard_db : highest removed share of a solo's energy; a stem above it falls back
    solo_db : by how much a target must exceed the others to count as solo
    segment_seconds : stretch that shares one set of filters
    overlap_seconds : cross-fade between segments
    drift_db : worse fit, against filters of its own, from which a segment forgets the ones before
    """

    method: Method = "joint-fir"
    rounds: int = 2
    taps: tuple[int, ...] = (8, 12)
    early_taps: int = 1
    target_taps: int = 3
    quantile: float = 0.15
    first_excess: float = 2.0
    smear_columns: int = 4
    smear_decay: float = 0.6
    power_steps: int = 10
    weight_doubt: float = 0.5
    weight_floor_db: float = -45.0
    filter_headroom: float = 3.0
    ridge: float = 1e-2
    post_filter: bool = True
    guard_db: float = -15.0
    solo_db: float = 20.0
    segment_seconds: float = 40.0
    overlap_seconds: float = 2.0
    drift_db: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises
        ------
        UsageError
            A value is out of its range; the message names it.
        """
        wrong = [
            (self.method not in ("joint-fir", "mira"), "method is joint-fir or mira"),
            (self.rounds < 1, "rounds is at least 1"),
            (
                len(self.taps) < self.rounds or min(self.taps, default=0) < 1,
                "taps needs one number of at least 1 a round",
            ),
            (self.target_taps < 1 or self.target_taps % 2 == 0, "target_taps is odd"),
            (self.early_taps < 0, "early_taps is at least 0"),
            (not 0.0 < self.quantile < 1.0, "quantile lies between 0 and 1"),
            (self.smear_columns < 1, "smear_columns is at least 1"),
            (self.power_steps < 0, "power_steps is at least 0"),
            (self.ridge <= 0.0, "ridge is above 0"),
            (
                not 0.0 <= self.overlap_seconds <= self.segment_seconds / 2,
                "overlap_seconds is at most half of segment_seconds",
            ),
        ]
        for broken, rule in wrong:
            if broken:
                raise UsageError(f"cleaning: {rule}")


def window_frames(sample_rate: int) -> int:
    """Return the length of the STFT's window: a power of two near 90 ms.

    >>> window_frames(44100), window_frames(16000)
    (4096, 1024)
    """
    from math import log2

    return int(2 ** round(log2(0.085 * sample_rate)))
