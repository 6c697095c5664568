"""Where a melody counts: only while the player of its stem sounds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.stems import VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.analysis.levels import Levels
    from carnatic_sep.analysis.pitch import PitchTrack

_RIVAL = {VOCALS: VIOLIN, VIOLIN: VOCALS}
_BELOW_LOUD_DB = 30.0
_BELOW_RIVAL_DB = 12.0
_SMOOTH_SECONDS = 0.1


def gate(
    pitch: PitchTrack,
    levels: Levels,
    *,
    part: str = VOCALS,
    below_loud_db: float = _BELOW_LOUD_DB,
    below_rival_db: float = _BELOW_RIVAL_DB,
) -> PitchTrack:
    """Unvoice a melody where the stem it was found in is only what other players leave there.

    A sample keeps its pitch where the stem, over 0.1 s, lies less than `below_loud_db` below its
    own loud passages and less than `below_rival_db` below the stem that plays the same notes: the
    violin shadows the voice, and what a separator leaves of one in the other follows its level.

    Parameters
    ----------
    pitch : found in the stem `part`
    levels : of that stem, and of the others where they are known
    part : ``vocals`` or ``violin``

    Returns
    -------
    the same melody, 0 Hz where it does not count; confidence is kept

    Source: this project; both thresholds are set by reason, not tuned on what is reported.
    """
    sounds = levels.smoothed(part, _SMOOTH_SECONDS)
    loud = float(np.quantile(sounds[sounds > -90.0], 0.95)) if (sounds > -90.0).any() else 0.0
    counts = sounds > max(loud - below_loud_db, -90.0)
    rival = _RIVAL.get(part)
    if rival is not None and rival in levels.db:
        counts &= sounds > levels.smoothed(rival, _SMOOTH_SECONDS) - below_rival_db
    return replace(pitch, f0=np.where(_at(counts, pitch, levels.hop_seconds), pitch.f0, 0.0))


def _at(flags: NDArray[np.bool_], pitch: PitchTrack, hop_seconds: float) -> NDArray[np.bool_]:
    if not len(flags):
        return np.zeros(len(pitch.f0), dtype=bool)
    index = np.round(pitch.times / hop_seconds).astype(np.int64)
    return np.asarray(flags[np.minimum(index, len(flags) - 1)])
