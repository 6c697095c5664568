"""Who strikes what and when: mridangam, ghatam, kanjira and hands, written onto a frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from carnatic_sep.ensemble.score import Frame, Section, generator
from carnatic_sep.ensemble.sollukattu import REST, SHORTEST_KORVAI, Line, fill, korvai, mohra
from carnatic_sep.ensemble.sollukattu import sarvalaghu as keep_time
from carnatic_sep.ensemble.tala import TALAS, Stroke, Tala

if TYPE_CHECKING:
    import numpy as np

SECOND_DRUMS = ("ghatam", "kanjira")
"""Who may sit beside the mridangam."""

_FASTEST_UNIT_SECONDS = 0.068
_SPEEDS = (Fraction(1), Fraction(5, 4), Fraction(3, 2), Fraction(2), Fraction(3))
"""Units to a pulse: the plain speed, khanda and tisra nadai, double speed, double tisra."""

_ANSWERS = {
    "ghatam": {"tham": "gumma", "thom": "gumma", "gumki": "gumma", "dhin": "tone", "nam": "tone"},
    "kanjira": {
        "tham": "bass",
        "thom": "bass",
        "gumki": "slide",
        "dhin": "bass",
        "chapu": "jingle",
    },
}
_PLAIN_ANSWER = {"ghatam": "tap", "kanjira": "slap"}


@dataclass(frozen=True)
class Bar:
    """A line of strokes that starts at `pulse` of a section's grid, `speed` units to a pulse."""

    pulse: int
    line: Line
    speed: Fraction
    vigour: float


def compose_drumming(
    frame: Frame,
    *,
    second_drum: str | None = None,
    claps: bool = False,
    stray_seconds: float = 0.003,
) -> tuple[Stroke, ...]:
    """Write what the drummers play through the metrical sections of a frame.

    Under a song the mridangam keeps time (sarvalaghu), runs in double speed now and then, and
    closes each section with a korvai that falls on sama. In a thani avartanam it goes through the
    speeds, passes cycles to and fro with the second drum, and ends with mohra and korvai.

    Parameters
    ----------
    frame : tala, tempo and sections; its seed decides what is played
    second_drum : one of :data:`SECOND_DRUMS`, or None
    claps : whether the tala is clapped aloud
    stray_seconds : how far hands stray from the grid (standard deviation; 12 ms at most)

    Returns
    -------
    strokes of all instruments, in order of time; none in alapana and tanam
    """
    tala = TALAS[frame.tala]
    strokes: list[Stroke] = []
    rng = generator(frame.seed, "drumming")
    hand = generator(frame.seed, "hands")
    for first, last, section in _runs(frame, tala):
        bars = _arrange(section, tala, first, last, frame.beat_seconds, rng)
        passed = second_drum is not None and section.form == "thani"
        own, answered = _share(bars, tala, rng) if passed else (bars, [])
        played = _strokes(own, frame, tala, hand=hand, stray_seconds=stray_seconds)
        strokes += played
        if second_drum is not None:
            strokes += _join(played, second_drum, rng=rng, hand=hand)
            replies = _strokes(answered, frame, tala, hand=hand, stray_seconds=stray_seconds)
            strokes += _join(replies, second_drum, rng=rng, hand=hand, share=1.0)
        if claps:
            strokes += _clap(frame, tala, first, last, hand)
    return tuple(sorted(strokes, key=lambda stroke: stroke.seconds))


def _runs(frame: Frame, tala: Tala) -> list[tuple[int, int, Section]]:
    """Return, for each metrical section, its first pulse and the pulse after its last."""
    pulse = frame.beat_seconds / tala.pulses_per_beat
    found = []
    for section in frame.sections:
        if not section.metrical:
            continue
        start = max(0.0, section.start - frame.first_beat_seconds) / pulse
        end = (min(section.end, frame.seconds) - frame.first_beat_seconds) / pulse
        first, last = int(-(-(start - 1e-6) // 1)), int(-(-(end - 1e-6) // 1))
        if last > first:
            found.append((first, last, section))
    return found


def _arrange(
    section: Section,
    tala: Tala,
    first: int,
    last: int,
    beat_seconds: float,
    rng: np.random.Generator,
) -> list[Bar]:
    """Fill the pulses from `first` to `last` with bars."""
    cycle = tala.pulses
    bars: list[Bar] = []
    sama = first
    if first % cycle:  # the section starts inside a cycle: wait for sama with running phrases
        sama = min(last, first + cycle - first % cycle)
        if sama - first >= 2:
            bars.append(Bar(first, fill(sama - first, rng=rng), Fraction(1), 0.6))
    cycles = (last - sama) // cycle
    pulse_seconds = beat_seconds / tala.pulses_per_beat
    speeds = [s for s in _SPEEDS if pulse_seconds / s >= _FASTEST_UNIT_SECONDS]
    closing = 0
    if cycles >= 2 or section.form == "thani":
        closing = next((n for n in (1, 2, 3) if n <= cycles and n * cycle >= SHORTEST_KORVAI), 0)
    solo = section.form == "thani"
    announced = 0
    if solo and cycles - closing >= 3:
        announced = next((n for n in (1, 2, 4) if n * cycle % 8 == 0 and n * cycle >= 32), 0)
        announced = announced if announced <= cycles - closing - 1 else 0
    pace = 0
    for index in range(cycles - closing - announced):
        at = sama + index * cycle
        if solo:
            pace = min(len(speeds) - 1, max(pace, index * len(speeds) // max(1, cycles)))
            bars.append(_run(at, cycle, speeds[int(rng.integers(pace + 1))], rng))
        elif rng.random() < 0.2 and Fraction(2) in speeds:
            bars += _keep_and_run(at, tala, rng)
        else:
            bars.append(Bar(at, keep_time(tala.groups, rng=rng), Fraction(1), 0.75))
    at = sama + (cycles - closing - announced) * cycle
    if announced:
        bars.append(Bar(at, mohra(announced * cycle, rng=rng), Fraction(1), 0.9))
        at += announced * cycle
    if closing:
        fitting = [s for s in speeds if (closing * cycle * s).denominator == 1]
        speed = fitting[int(rng.integers(min(3, len(fitting))))]
        bars.append(Bar(at, korvai(int(closing * cycle * speed), rng=rng), speed, 0.95))
        at += closing * cycle
    if last - at:  # a cycle that the section cuts short, or the sama that the korvai falls on
        line = keep_time(tala.groups, rng=rng)[: last - at]
        bars.append(Bar(at, line, Fraction(1), 0.8))
    return bars


def _run(at: int, pulses: int, speed: Fraction, rng: np.random.Generator) -> Bar:
    """Return a bar of running phrases; `speed` gives way to the plain one where it does not fit."""
    units = pulses * speed
    if units.denominator != 1:
        speed, units = Fraction(1), Fraction(pulses)
    return Bar(at, fill(int(units), rng=rng), speed, 0.85)


def _keep_and_run(at: int, tala: Tala, rng: np.random.Generator) -> list[Bar]:
    """Keep time through a cycle but for its last group, which runs in double speed."""
    last = tala.groups[-1]
    kept = keep_time(tala.groups, rng=rng)[:-last]
    start = at + len(kept)
    return [
        Bar(at, kept, Fraction(1), 0.75),
        Bar(start, fill(2 * last, rng=rng), Fraction(2), 0.8),
    ]


def _share(bars: list[Bar], tala: Tala, rng: np.random.Generator) -> tuple[list[Bar], list[Bar]]:
    """Give every other running bar to the second drum; closing figures are played together."""
    own: list[Bar] = []
    answered: list[Bar] = []
    turn = int(rng.integers(2))
    for bar in bars:
        whole = len(bar.line) == tala.pulses * bar.speed
        if whole and bar.vigour == 0.85:
            turn = 1 - turn
            (own if turn else answered).append(bar)
        else:
            own.append(bar)
    return own, answered


def _strokes(
    bars: list[Bar],
    frame: Frame,
    tala: Tala,
    *,
    hand: np.random.Generator,
    stray_seconds: float,
) -> list[Stroke]:
    pulse_seconds = frame.beat_seconds / tala.pulses_per_beat
    starts = {sum(tala.groups[:index]) for index in range(len(tala.groups))}
    strokes = []
    for bar in bars:
        for index, name in enumerate(bar.line):
            if name == REST:
                continue
            pulse = bar.pulse + index / bar.speed
            written = frame.first_beat_seconds + float(pulse) * pulse_seconds
            stray = stray_seconds * float(min(max(hand.standard_normal(), -3.0), 3.0))
            stray = min(max(stray, -0.012, -written), 0.012)
            seconds = written + stray
            if not 0.0 <= written < frame.seconds:
                continue
            weight = _weight(pulse % tala.pulses, starts)
            velocity = bar.vigour * weight * float(hand.uniform(0.8, 1.05))
            strokes.append(Stroke(name, seconds, min(velocity, 1.0), stray_seconds=stray))
    return strokes


def _weight(place: Fraction, starts: set[int]) -> float:
    """Return how heavy a place in the cycle is: sama, starts of groups, pulses, what is between."""
    if place == 0:
        return 1.25
    if place in starts:
        return 1.0
    return 0.85 if place % 2 == 0 else 0.72 if place.denominator == 1 else 0.62


def _join(
    strokes: list[Stroke],
    instrument: str,
    *,
    rng: np.random.Generator,
    hand: np.random.Generator,
    share: float = 0.7,
) -> list[Stroke]:
    """Return what the second drum makes of `strokes`: most of them, a little off."""
    answers = _ANSWERS[instrument]
    joined = []
    for stroke in strokes:
        if rng.random() > share:
            continue
        stray = float(min(max(hand.normal(0.002, 0.004), -0.012), 0.012))
        stray = max(stray, -stroke.written_seconds)
        joined.append(
            Stroke(
                answers.get(stroke.name, _PLAIN_ANSWER[instrument]),
                stroke.written_seconds + stray,
                min(1.0, stroke.velocity * float(hand.uniform(0.7, 1.0))),
                instrument,
                stray,
            )
        )
    return joined


def _clap(
    frame: Frame, tala: Tala, first: int, last: int, hand: np.random.Generator
) -> list[Stroke]:
    """Return the claps of the tala between two pulses."""
    claps = []
    for pulse in range(first, last, 1):
        beat, inside = divmod(pulse, tala.pulses_per_beat)
        if inside or beat % tala.beats not in tala.claps:
            continue
        written = frame.first_beat_seconds + beat * frame.beat_seconds
        stray = max(float(min(max(hand.normal(0.0, 0.006), -0.012), 0.012)), -written)
        if written < frame.seconds:
            velocity = float(hand.uniform(0.5, 1.0))
            claps.append(Stroke("clap", written + stray, velocity, "clap", stray))
    return claps
