"""Talas as cycles of beats, what a stroke is, and a short adi tala for :mod:`~.plan`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BEATS = 8
PULSES_PER_BEAT = 4
CYCLE_PULSES = BEATS * PULSES_PER_BEAT
_REST = "-"

_SARVALAGHU = tuple(
    tuple(beat.split())
    for beat in (
        "tham - dhin na",
        "na dhin dhin na",
        "tham ki dhin na",
        "na - dhin na",
        "thom ta ki na",
        "tham - gumki na",
    )
)
_TURN = ("tham", "ki", "ta", "dhin", "na", "-", "thom", "-")

# Gopuccha yati 6 + 4 + 3, then three times five with gaps of two: 13 + 19 = 32 pulses, one cycle.
_YATI = ("tham", "ta", "ki", "ta", "dhin", "na", "tham", "ta", "ki", "ta", "tham", "ta", "ki")
_FIVE = ("tham", "dhin", "ki", "na", "thom")
_GAP = ("-", "-")
KORVAI = (*_YATI, *_FIVE, *_GAP, *_FIVE, *_GAP, *_FIVE)


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


def compose_strokes(
    *, start: float, cycles: int, beat_seconds: float, rng: np.random.Generator
) -> tuple[Stroke, ...]:
    """Play `cycles` of adi tala from `start` (seconds), the last a korvai, and close on sama.

    Strokes stray from the grid by about 3 ms, as hands do.
    """
    pulses: list[str] = []
    for _ in range(cycles - 1):
        for beat in range(BEATS - 2):
            pulses += _SARVALAGHU[0 if beat == 0 else int(rng.integers(len(_SARVALAGHU)))]
        pulses += _TURN
    pulses += [*KORVAI, "tham"]
    pulse_seconds = beat_seconds / PULSES_PER_BEAT
    return tuple(
        Stroke(
            name=name,
            seconds=max(0.0, start + index * pulse_seconds + 0.003 * rng.standard_normal()),
            velocity=_accent(index, last=len(pulses) - 1) * rng.uniform(0.85, 1.0),
        )
        for index, name in enumerate(pulses)
        if name != _REST
    )


def _accent(pulse: int, *, last: int) -> float:
    """Return how hard the hand comes down: sama, then beats, then half beats, then the rest."""
    if pulse % CYCLE_PULSES == 0:
        return 1.0
    if last - CYCLE_PULSES <= pulse:
        return 0.85
    return 0.8 if pulse % PULSES_PER_BEAT == 0 else 0.65 if pulse % 2 == 0 else 0.5
