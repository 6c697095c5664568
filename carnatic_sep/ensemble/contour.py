"""A melody of svaras and the continuous pitch line that gamakas make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.raga import Raga

CONTROL_RATE = 500
_LOWEST_DEGREE, _HIGHEST_DEGREE = -3, 9
_NOTE_BEATS = (0.25, 0.5, 1.0, 1.5, 2.0)
_NOTE_WEIGHTS = (0.26, 0.36, 0.27, 0.07, 0.04)
_SHORTEST_KAMPITA_SECONDS = 0.3


@dataclass(frozen=True)
class Note:
    """A svara as it is sung: times in seconds, heights in cents over the tonic."""

    start: float
    seconds: float
    cents: float
    kampita_cents: float
    kampita_rate: float
    opens_phrase: bool
    closes_phrase: bool

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


def compose_melody(
    raga: Raga,
    *,
    start: float,
    beats: int,
    beat_seconds: float,
    end: float,
    rng: np.random.Generator,
) -> tuple[Note, ...]:
    """Walk along the raga in phrases with rests, and end on a long Sa.

    Parameters
    ----------
    start : seconds of the first beat
    beats : length of the tala cycles; the closing Sa falls on the beat after them
    beat_seconds : length of a beat
    end : seconds at which the closing Sa dies away
    """
    notes: list[Note] = []
    degree, direction, position = 0, 1, 0.0

    def sing(beat: float, seconds: float, *, opens: bool, closes: bool) -> None:
        svara = raga.svara(degree)
        held = closes or (not opens and seconds < _SHORTEST_KAMPITA_SECONDS)
        notes.append(
            Note(
                start=start + beat * beat_seconds,
                seconds=seconds,
                cents=raga.cents(degree),
                kampita_cents=0.0 if held else svara.kampita_cents * rng.uniform(0.8, 1.1),
                kampita_rate=rng.uniform(4.2, 6.0),
                opens_phrase=opens,
                closes_phrase=closes,
            )
        )

    while position < beats:
        phrase_end = min(float(beats), position + float(rng.integers(5, 8)))
        if beats - phrase_end < 3.0:
            phrase_end = float(beats)
        singing_end = phrase_end - float(rng.choice([0.5, 0.75, 1.0]))
        opens = True
        while position < singing_end:
            left = singing_end - position
            length = min(float(rng.choice(_NOTE_BEATS, p=_NOTE_WEIGHTS)), max(left - 0.75, 0.25))
            closes = left <= 1.25
            if closes:
                length, degree = left, _nearest_nyasa(raga, degree)
            sing(position, length * beat_seconds, opens=opens, closes=closes)
            position, opens = position + length, False
            degree, direction = _step(degree, direction, rng)
        position = phrase_end
    degree = 0
    last = max(end - start - beats * beat_seconds, 0.2)
    sing(float(beats), last, opens=True, closes=True)
    return tuple(notes)


def _step(degree: int, direction: int, rng: np.random.Generator) -> tuple[int, int]:
    """Move one or two degrees on, turning now and then and at the ends of the range."""
    if rng.random() < 0.18:
        direction = -direction
    if degree >= _HIGHEST_DEGREE - 1:
        direction = -1
    if degree <= _LOWEST_DEGREE + 1:
        direction = 1
    size = int(rng.choice([0, 1, 2], p=[0.08, 0.68, 0.24]))
    return int(np.clip(degree + direction * size, _LOWEST_DEGREE, _HIGHEST_DEGREE)), direction


def _nearest_nyasa(raga: Raga, degree: int) -> int:
    """Return the resting svara closest to `degree`, the lower of two."""
    near = sorted(range(degree - 3, degree + 4), key=lambda d: (abs(d - degree), d))
    return next(d for d in near if raga.svara(d).nyasa and d >= _LOWEST_DEGREE)


def draw_contour(notes: Sequence[Note], *, seconds: float) -> Contour:
    """Join notes by jaru (slides) and shake them: kampita (oscillation), sphurita (touch).

    A slide takes 60 to 200 ms, longer for wider intervals, and never more than half its note. A
    kampita swings whole cycles between its svara and the neighbour, so that the note ends where
    it stands. A svara sung twice in a row is touched from below the second time.

    Parameters
    ----------
    notes : in order of time
    seconds : length of the line
    """
    from scipy.ndimage import gaussian_filter1d

    times = np.arange(int(np.ceil(seconds * CONTROL_RATE)) + 1) / CONTROL_RATE
    cents = np.full(times.size, notes[0].cents)
    level = np.zeros(times.size)
    previous = notes[0].cents
    for index, note in enumerate(notes):
        first, last = np.searchsorted(times, [note.start, note.end])
        since = times[first:] - note.start
        leap = note.cents - previous
        slide = min(0.06 + 0.00015 * abs(leap), 0.2, 0.5 * note.seconds)
        if note.opens_phrase:
            slide, leap, cents[first:] = 0.05, -60.0, note.cents
        cents[first:] = note.cents - leap * (1.0 - _smoothstep(since / slide))
        inside = since[: last - first]
        cents[first:last] += _ornament(
            note, inside, slide=slide, repeated=index > 0 and leap == 0.0
        )
        level[first:last] = _loudness(note, inside)
        previous = note.cents
    smooth = gaussian_filter1d(cents, 0.008 * CONTROL_RATE)
    return Contour(
        cents=np.asarray(smooth, dtype=np.float64),
        level=np.asarray(gaussian_filter1d(level, 0.012 * CONTROL_RATE), dtype=np.float64),
        notes=tuple(notes),
    )


def _smoothstep(x: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(x, 0.0, 1.0)
    return np.asarray(clipped * clipped * (3.0 - 2.0 * clipped))


def _ornament(
    note: Note, since: NDArray[np.float64], *, slide: float, repeated: bool
) -> NDArray[np.float64]:
    """Return how many cents a note strays from its svara, over the seconds `since` its start."""
    if repeated:
        return np.where(since < 0.1, -90.0 * np.sin(np.pi * np.minimum(since / 0.1, 1.0)) ** 2, 0.0)
    room = note.seconds - slide
    if note.kampita_cents == 0.0 or note.seconds < _SHORTEST_KAMPITA_SECONDS:
        return np.zeros(since.size)
    cycles = max(1, round(note.kampita_rate * room))
    turn = np.clip((since - slide) / room, 0.0, 1.0)
    return np.asarray(note.kampita_cents * 0.5 * (1.0 - np.cos(2 * np.pi * cycles * turn)))


def _loudness(note: Note, since: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the level of a note: phrases swell in and die away, notes lean on their start."""
    level = 0.85 + 0.15 * np.exp(-since / 0.25)
    if note.opens_phrase:
        level = level * _smoothstep(since / 0.07)
    if note.closes_phrase:
        level = level * _smoothstep((note.seconds - since) / min(0.3, 0.5 * note.seconds))
    return np.asarray(level)


def follow(
    contour: Contour, *, delay_seconds: float, hold_seconds: float, rng: np.random.Generator
) -> Contour:
    """Return the line of an accompanist who hears each turn and plays it `delay_seconds` later.

    The delay wavers by some 15 ms, the fastest turns are rounded off, and the last note of a
    phrase rings on for `hold_seconds` while the singer takes breath.
    """
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d

    times = contour.times
    waver = gaussian_filter1d(rng.standard_normal(times.size), 0.6 * CONTROL_RATE)
    heard = times - delay_seconds - 0.015 * waver / np.max(np.abs(waver))
    held = max(1, int(hold_seconds * CONTROL_RATE))
    sustained = maximum_filter1d(contour.level, held, origin=(held - 1) // 2, mode="constant")
    level = gaussian_filter1d(np.interp(heard, times, sustained, left=0.0), 0.03 * CONTROL_RATE)
    cents = gaussian_filter1d(np.interp(heard, times, contour.cents), 0.012 * CONTROL_RATE)
    return Contour(cents=np.asarray(cents), level=np.asarray(level), notes=contour.notes)
