"""Talas as cycles of beats, and what a stroke is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stroke:
    """One hit.

    Attributes
    ----------
    name : what is struck
    seconds : when it sounds
    velocity : how hard; 1 is an accent
    instrument : who strikes: ``"mridangam"``, ``"ghatam"``, ``"kanjira"`` or ``"clap"``
    stray_seconds : how far the hand strays from the grid; part of `seconds`
    """

    name: str
    seconds: float
    velocity: float
    instrument: str = "mridangam"
    stray_seconds: float = 0.0

    @property
    def written_seconds(self) -> float:
        """Where the grid of the tala has the stroke."""
        return self.seconds - self.stray_seconds


@dataclass(frozen=True)
class Tala:
    """A cycle of beats.

    Attributes
    ----------
    name : as a :class:`~carnatic_sep.ensemble.score.Frame` names it
    beats : in a cycle
    pulses_per_beat : strokes that fill a beat at the drummer's plain speed
    groups : pulses of each part into which drummers divide the cycle
    claps : beats, from 0, on which the audience claps; the others are counted on fingers
    beat_seconds : shortest and longest beat that it is played at
    """

    name: str
    beats: int
    pulses_per_beat: int
    groups: tuple[int, ...]
    claps: tuple[int, ...]
    beat_seconds: tuple[float, float]

    @property
    def pulses(self) -> int:
        """Pulses in a cycle."""
        return self.beats * self.pulses_per_beat


TALAS = {
    tala.name: tala
    for tala in (
        Tala("adi", 8, 4, (4,) * 8, (0, 4, 6), (0.6, 1.0)),
        Tala("rupaka", 3, 4, (4,) * 3, (0, 1), (0.6, 1.0)),
        Tala("misra chapu", 7, 2, (6, 4, 4), (0, 3, 5), (0.26, 0.42)),
        Tala("khanda chapu", 5, 2, (4, 6), (0, 2, 3), (0.26, 0.42)),
    )
}
"""The talas that are played, by name. Rupaka is counted in three, as it is performed.

Source: P. Sambamurthy, South Indian Music, book III (angas and the chapu talas).
"""
