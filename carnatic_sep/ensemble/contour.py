"""A melody of svaras and the continuous pitch line that gamakas make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.gamaka import (
    ahata,
    kampita,
    nokku,
    orikkai,
    slide_seconds,
    smoothstep,
    sphurita,
    vibrato,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


CONTROL_RATE = 500
"""Values of a contour a second."""


@dataclass(frozen=True)
class Note:
    """A svara as it is sung: times in seconds, heights in cents over the tonic.

    Attributes
    ----------
    kampita_cents, kampita_rate : its oscillation, 0 where it has none; in Hz
    opens_phrase, closes_phrase : whether a breath comes before it, and after it
    gamaka : ``"nokku"``, ``"orikkai"``, ``"ahata"`` or ``"jaru"`` as well; see :mod:`~.gamaka`
    gamaka_cents : how far a nokku, orikkai or ahata reaches
    vibrato_cents : of a long plain note
    speed : 1 slow, 2 middling, 3 fast
    svara : its name, such as ``"R1"``
    syllable : what is sung on it, such as ``"ri"``; empty to let the singer choose
    """

    start: float
    seconds: float
    cents: float
    kampita_cents: float
    kampita_rate: float
    opens_phrase: bool
    closes_phrase: bool
    gamaka: str = ""
    gamaka_cents: float = 0.0
    vibrato_cents: float = 0.0
    speed: int = 2
    svara: str = ""
    syllable: str = ""

    @property
    def end(self) -> float:
        """When the note gives way, in seconds."""
        return self.start + self.seconds


@dataclass(frozen=True)
class Contour:
    """A pitch line at :data:`CONTROL_RATE` values a second.

    Attributes
    ----------
    cents : (values,), height over the tonic, held through rests
    level : (values,), loudness from 0 (rest) to 1
    notes : what the line was drawn from
    """

    cents: NDArray[np.float64]
    level: NDArray[np.float64]
    notes: tuple[Note, ...]

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds of each value, (values,)."""
        return np.arange(self.cents.size) / CONTROL_RATE


def draw_contour(notes: Sequence[Note], *, seconds: float) -> Contour:
    """Join notes by slides and give each its gamakas.

    A svara sung twice in a row is touched from below the second time (sphurita).

    Parameters
    ----------
    notes : in order of time
    seconds : length of the line
    """
    from scipy.ndimage import gaussian_filter1d

    times = np.arange(int(np.ceil(seconds * CONTROL_RATE)) + 1) / CONTROL_RATE
    cents = np.full(times.size, notes[0].cents if notes else 0.0)
    level = np.zeros(times.size)
    previous = notes[0].cents if notes else 0.0
    for index, note in enumerate(notes):
        first, last = np.searchsorted(times, [note.start, note.end])
        since = times[first:last] - note.start
        leap = note.cents - previous
        slide = slide_seconds(
            leap, note_seconds=note.seconds, speed=note.speed, long=note.gamaka == "jaru"
        )
        if note.opens_phrase:
            slide, leap = 0.05, -60.0
        repeated = index > 0 and leap == 0.0
        cents[first:] = note.cents
        cents[first:last] += _ornaments(note, since, slide=slide, repeated=repeated)
        cents[first:last] -= leap * (1.0 - smoothstep(since / slide))
        level[first:last] = _loudness(note, since)
        previous = note.cents
    smooth = gaussian_filter1d(cents, 0.008 * CONTROL_RATE)
    return Contour(
        cents=np.asarray(smooth, dtype=np.float64),
        level=np.asarray(gaussian_filter1d(level, 0.012 * CONTROL_RATE), dtype=np.float64),
        notes=tuple(notes),
    )


def _ornaments(
    note: Note, since: NDArray[np.float64], *, slide: float, repeated: bool
) -> NDArray[np.float64]:
    """Return how many cents a note strays from its svara, over the seconds `since` its start."""
    if repeated:
        return sphurita(since, speed=note.speed)
    line = kampita(
        since,
        seconds=note.seconds,
        after=slide,
        cents=note.kampita_cents,
        rate=note.kampita_rate,
    )
    if note.gamaka == "nokku":
        line = line + nokku(since, cents=note.gamaka_cents, speed=note.speed)
    if note.gamaka == "orikkai":
        line = line + orikkai(
            since, seconds=note.seconds, cents=note.gamaka_cents, speed=note.speed
        )
    if note.gamaka == "ahata":
        line = line + ahata(since, seconds=note.seconds, cents=note.gamaka_cents)
    if note.vibrato_cents:
        line = line + vibrato(
            since, seconds=note.seconds, cents=note.vibrato_cents, rate=note.kampita_rate
        )
    return np.asarray(line)


def _loudness(note: Note, since: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the level of a note: phrases swell in and die away, notes lean on their start."""
    level = 0.85 + 0.15 * np.exp(-since / 0.25)
    if note.opens_phrase:
        level = level * smoothstep(since / 0.07)
    if note.closes_phrase:
        level = level * smoothstep((note.seconds - since) / min(0.3, 0.5 * note.seconds))
    return np.asarray(level)


def drift(contour: Contour, *, rng: np.random.Generator) -> Contour:
    """Let a line wander as voices do: 5 cents within a fifth of a second, 4 within seconds."""
    from scipy.ndimage import gaussian_filter1d

    wandering = contour.cents.copy()
    for width_seconds, cents in ((0.15, 5.0), (1.2, 4.0)):
        width = width_seconds * CONTROL_RATE
        line = gaussian_filter1d(rng.standard_normal(wandering.size), width, mode="wrap")
        # Divided by its expected deviation: that of a short line's own samples may be next to 0.
        wandering += cents * line * np.sqrt(2.0 * np.sqrt(np.pi) * width)
    return Contour(cents=wandering, level=contour.level, notes=contour.notes)
