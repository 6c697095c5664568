"""What a violinist makes of a singer's line: shadow, echo, sustain, solo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour, Note, draw_contour
from carnatic_sep.ensemble.pen import Pen
from carnatic_sep.ensemble.raga import raga
from carnatic_sep.ensemble.score import Frame, ViolinPart, generator, spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Line = NDArray[np.float64]

_DELAY_SECONDS = (0.08, 0.5)
_CLOSED_GAP_SECONDS = 0.3
_RING_SECONDS = 0.25
_SHORTEST_SUSTAIN_SECONDS = 0.6
_SHORTEST_ECHO_SECONDS = 1.5
_SHORTEST_SOLO_SECONDS = 2.2
_FADE_SECONDS = 0.06
_TACET = 0.06


@dataclass(frozen=True)
class _Manner:
    """How one player accompanies through one section."""

    delay_seconds: float
    octave: int
    tacet: bool


def accompany(frame: Frame, voice: Contour) -> tuple[Contour, tuple[ViolinPart, ...]]:
    """Write the violin's line for any singer's line.

    Each phrase is shadowed: the same line, exactly, `delay_seconds` later and `octave` octaves up.
    Where the singer rests the violin rings on; in longer rests it sustains, echoes what was sung,
    or plays a phrase of its own, `octave` octaves above the singer's range.

    Parameters
    ----------
    frame : gives raga, sections and seed
    voice : the singer's line; its notes are not needed

    Returns
    -------
    the violin's line, and its parts in order, together from 0 to the end
    """
    rng = generator(frame.seed, "accompanist")
    player = _Player(frame, voice, rng)
    heard = spans(voice.level, rate=CONTROL_RATE, shortest_gap_seconds=_CLOSED_GAP_SECONDS)
    manners = [_draw_manner(frame, rng) for _ in frame.sections]
    for index, (start, end) in enumerate(heard):
        manner = manners[_section(frame, start)]
        last = index + 1 == len(heard)
        until = frame.seconds if last else heard[index + 1][0]
        if manner.tacet:
            continue
        delay = float(np.clip(manner.delay_seconds + rng.normal(0.0, 0.015), *_DELAY_SECONDS))
        player.shadow(start, end, until, delay=delay, octave=manner.octave)
        player.fill(start, end, min(until, _rest_end(frame, start, until)), octave=manner.octave)
    return player.line(), player.timeline()


def _draw_manner(frame: Frame, rng: np.random.Generator) -> _Manner:
    raised = rng.random() < (0.2 if frame.high_voice else 0.7)
    return _Manner(float(rng.uniform(*_DELAY_SECONDS)), int(raised), bool(rng.random() < _TACET))


def _section(frame: Frame, seconds: float) -> int:
    starts = [section.start for section in frame.sections]
    return max(0, int(np.searchsorted(starts, seconds + 1e-6)) - 1)


def _rest_end(frame: Frame, start: float, until: float) -> float:
    """Return the end of the section in which a phrase starts if drums alone follow, or `until`."""
    here = _section(frame, start)
    if here + 1 < len(frame.sections) and frame.sections[here + 1].form == "thani":
        return min(until, frame.sections[here].end)
    return until


class _Player:
    """Lines of cents and level that parts are written into, one after the other."""

    def __init__(self, frame: Frame, voice: Contour, rng: np.random.Generator) -> None:
        from scipy.ndimage import gaussian_filter1d, maximum_filter1d

        self.frame, self.voice, self.rng = frame, voice, rng
        self._bridged = maximum_filter1d(voice.level, int(0.2 * CONTROL_RATE))
        self._rounded = gaussian_filter1d(voice.cents, 0.012 * CONTROL_RATE)
        self.times = voice.times
        self.cents = voice.cents.copy()
        self.level = np.zeros(self.times.size)
        self.notes: list[Note] = []
        self.parts: list[ViolinPart] = []

    def shadow(self, start: float, end: float, until: float, *, delay: float, octave: int) -> None:
        """Play the singer's phrase from `start` to `end` a little later, and ring on after it."""
        first = self._free_from(start + delay)
        last = min(end + delay, self.frame.seconds)
        if last - first < 0.1:
            return
        self._delayed(first, last, delay=delay, octave=octave, rounded=False)
        self._add("shadow", first, last, delay, octave)
        for note in self.voice.notes:
            if start - 0.01 <= note.start < end:
                self.notes.append(_moved(note, delay, octave))
        ring = min(_RING_SECONDS, until + delay - last - 0.05)
        if ring > 0.05:
            self._hold(last, last + ring, fade=ring)

    def fill(self, start: float, end: float, until: float, *, octave: int) -> None:
        """Use the rest after a phrase: solo, echo or sustain, as far as there is time."""
        first = self._free_from(end + 0.3)
        room = min(until, self.frame.seconds - 0.2) - first
        roll = self.rng.random()
        if room >= _SHORTEST_ECHO_SECONDS and roll < 0.45 and end - start > 0.8:
            seconds = min(end - start, room)
            delay = first - (end - seconds)
            self._delayed(first, first + seconds, delay=delay, octave=octave, rounded=True)
            self._add("echo", first, first + seconds, delay, octave)
        elif room >= _SHORTEST_SOLO_SECONDS and roll < 0.85:
            self._solo(first, first + min(room, 8.0), octave=octave)
        elif room >= _SHORTEST_SUSTAIN_SECONDS and self.parts:
            seconds = min(room, float(self.rng.uniform(0.6, 2.5)))
            begin = self.parts[-1].end
            self._hold(begin, first + seconds, fade=0.3)
            self._add("sustain", begin, first + seconds, self.parts[-1].delay_seconds, octave)

    def line(self) -> Contour:
        """Return the whole line, levels rounded at the edges of parts."""
        from scipy.ndimage import gaussian_filter1d

        level = gaussian_filter1d(self.level, 0.015 * CONTROL_RATE)
        notes = tuple(sorted(self.notes, key=lambda note: note.start))
        return Contour(cents=self.cents, level=np.asarray(level, dtype=np.float64), notes=notes)

    def timeline(self) -> tuple[ViolinPart, ...]:
        """Return the parts with rests between them, from 0 to the end."""
        whole: list[ViolinPart] = []
        now = 0.0
        for part in self.parts:
            if part.start - now > 1e-6:
                whole.append(ViolinPart(now, part.start, "rest"))
            whole.append(part)
            now = part.end
        if self.frame.seconds - now > 1e-6:
            whole.append(ViolinPart(now, self.frame.seconds, "rest"))
        return tuple(whole)

    def _free_from(self, seconds: float) -> float:
        """Return when the player can begin: not before the last part has ended."""
        return max(seconds, self.parts[-1].end if self.parts else 0.0)

    def _add(self, role: str, start: float, end: float, delay: float, octave: int) -> None:
        self.parts.append(ViolinPart(start, end, role, delay, octave))

    def _span(self, start: float, end: float) -> slice:
        first, last = np.searchsorted(self.times, [start - 1e-9, end - 1e-9])
        return slice(int(first), int(last))

    def _delayed(
        self, start: float, end: float, *, delay: float, octave: int, rounded: bool
    ) -> None:
        """Copy the singer's line from `delay` seconds before; a bow bridges the consonants."""
        span = self._span(start, end)
        heard = self.times[span] - delay
        cents = self._rounded if rounded else self.voice.cents
        self.cents[span] = np.interp(heard, self.times, cents) + 1200.0 * octave
        self.level[span] = np.interp(heard, self.times, self._bridged) * _fades(self.times[span])

    def _hold(self, start: float, end: float, *, fade: float) -> None:
        """Stay on the last pitch from `start` to `end` and let it die away over `fade`."""
        span = self._span(start, end)
        if span.start == 0 or span.start >= span.stop:
            return
        since = self.times[span] - start
        self.cents[span] = self.cents[span.start - 1]
        before = max(float(np.max(self.level[max(0, span.start - 150) : span.start])), 0.3)
        self.level[span] = 0.8 * before * np.clip((end - start - since) / fade, 0.0, 1.0)

    def _solo(self, start: float, end: float, *, octave: int) -> None:
        """Play a phrase of one's own on the frame's raga."""
        pen = Pen(raga(self.frame.raga), self.rng)
        speed = int(self.rng.choice([1, 2, 3], p=[0.3, 0.5, 0.2]))
        median = {1: 0.45, 2: 0.25, 3: 0.14}[speed]
        count = max(2, int((end - start - 0.8) / (1.08 * median)))
        degrees = pen.to_rest(pen.walk(count, low_cents=-500.0, high_cents=1500.0)[:count])
        lengths = median * self.rng.lognormal(0.0, 0.35, len(degrees))
        lengths[-1] = 0.8
        done = pen.phrase(degrees, lengths, start=start, end=end, speed=speed)
        notes = [_moved(note, 0.0, octave) for note in pen.notes]
        span = self._span(start, done)
        begin = float(self.times[span.start])
        phrase = draw_contour([_moved(note, -begin, 0) for note in notes], seconds=done - begin)
        size = min(span.stop - span.start, phrase.cents.size)
        self.cents[span.start : span.start + size] = phrase.cents[:size]
        self.level[span.start : span.start + size] = phrase.level[:size]
        self.notes += notes
        self._add("solo", start, done, 0.0, octave)


def _fades(times: Line) -> Line:
    """Return a gain that opens and closes a stretch over 60 ms."""
    since = np.minimum(times - times[0], times[-1] - times)
    return np.asarray(np.clip(since / _FADE_SECONDS, 0.0, 1.0))


def _moved(note: Note, delay: float, octave: int) -> Note:
    return replace(note, start=note.start + delay, cents=note.cents + 1200.0 * octave)
