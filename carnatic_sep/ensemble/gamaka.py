"""The shapes of gamakas: how many cents a sung note strays from its svara, and when.

Every shape takes `since`, the seconds since the note began, and the note's length, and returns
cents to add. Shapes are quicker at the third speed than at the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Line = NDArray[np.float64]

KAMPITA_HZ = {1: (3.4, 4.8), 2: (4.2, 6.0), 3: (5.4, 7.2)}
"""Slowest and fastest oscillation at each speed; recipes/ensemble prints what singers do."""

SHORTEST_KAMPITA_SECONDS = 0.18
_TOUCH_SECONDS = {1: 0.12, 2: 0.1, 3: 0.075}
_SPHURITA_CENTS = 90.0


def smoothstep(x: Line) -> Line:
    """Rise from 0 to 1 over 0 to 1 without corners."""
    clipped = np.clip(x, 0.0, 1.0)
    return np.asarray(clipped * clipped * (3.0 - 2.0 * clipped))


def kampita(since: Line, *, seconds: float, after: float, cents: float, rate: float) -> Line:
    """Swing between the svara and `cents` beside it, in whole cycles from `after` to the end.

    Parameters
    ----------
    since : (values,), seconds since the note began
    seconds : length of the note
    after : when the swinging starts
    cents : to the neighbour; negative is below
    rate : cycles a second, rounded so that the note ends on its svara
    """
    room = seconds - after
    if cents == 0.0 or seconds < SHORTEST_KAMPITA_SECONDS:
        return np.zeros(since.size)
    cycles = max(1, round(rate * room))
    turn = np.clip((since - after) / room, 0.0, 1.0)
    return np.asarray(cents * 0.5 * (1.0 - np.cos(2.0 * np.pi * cycles * turn)))


def sphurita(since: Line, *, speed: int) -> Line:
    """Touch the svara below at the start of a note that repeats the one before."""
    span = _TOUCH_SECONDS[speed]
    return _dip(since, span) * -_SPHURITA_CENTS


def nokku(since: Line, *, cents: float, speed: int) -> Line:
    """Fall into the svara from `cents` above it: a stress on the note's start."""
    span = 1.1 * _TOUCH_SECONDS[speed]
    return np.asarray(cents * (1.0 - smoothstep(since / span)))


def orikkai(since: Line, *, seconds: float, cents: float, speed: int) -> Line:
    """Flick to `cents` above just before the note gives way to a lower one."""
    span = min(1.2 * _TOUCH_SECONDS[speed], 0.5 * seconds)
    return _dip(since - (seconds - span), span) * cents


def ahata(since: Line, *, seconds: float, cents: float) -> Line:
    """Touch a neighbour, `cents` away, in the middle of a quick passing note."""
    return _dip(since - 0.3 * seconds, 0.65 * seconds) * cents


def slide_seconds(leap_cents: float, *, note_seconds: float, speed: int, long: bool) -> float:
    """Return how long the way from one svara to the next takes.

    A passing slide takes 50 to 150 ms, more for wider intervals, less at higher speed; a jaru (a
    `long` slide) takes 1.6 to 3 times as long. Neither takes more than half of its note.
    """
    seconds = min(0.05 + 0.00012 * abs(leap_cents), 0.15) * {1: 1.25, 2: 1.0, 3: 0.75}[speed]
    if long:
        seconds = max(1.6 * seconds, min(0.5 * note_seconds, 3.0 * seconds))
    return min(seconds, 0.5 * note_seconds)


def vibrato(since: Line, *, seconds: float, cents: float, rate: float) -> Line:
    """Shake lightly about a long plain note: silent at first, grown after half a second."""
    grown = smoothstep((since - 0.25) / 0.4) * smoothstep((seconds - since) / 0.15)
    return np.asarray(cents * grown * np.sin(2.0 * np.pi * rate * since))


def _dip(since: Line, span: float) -> Line:
    inside = np.clip(since / span, 0.0, 1.0)
    return np.asarray(np.sin(np.pi * inside) ** 2)
