"""Adi tala for the mridangam: sarvalaghu cycles, and a korvai that lands on sama."""

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
    """One hit: what is struck, when (seconds), and how hard (1 is an accent)."""

    name: str
    seconds: float
    velocity: float


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
