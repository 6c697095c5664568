"""What the singer sings: notes for every form, written onto a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carnatic_sep.ensemble.accompany import accompany
from carnatic_sep.ensemble.contour import Contour, Note, draw_contour, drift
from carnatic_sep.ensemble.pen import Pen, sargam, tanam
from carnatic_sep.ensemble.raga import Svara, raga
from carnatic_sep.ensemble.score import Frame, Section, ViolinPart, generator
from carnatic_sep.ensemble.tala import TALAS

if TYPE_CHECKING:
    import numpy as np

_TANAM_GROUPS = ((1, 1, 2), (1, 2), (2, 1, 2), (1, 1, 1, 1, 2), (1, 1, 2, 2))
_PULSES = {1: (2, 4, 4, 6, 8), 2: (1, 2, 2, 3, 4), 3: (1, 1, 1, 2)}
_ALAPANA_SECONDS = {1: 0.46, 2: 0.25, 3: 0.14}
_LONGEST_LINE_SECONDS = 8.0


@dataclass(frozen=True)
class Melody:
    """All that is melodic in a score: the singer's line, the violin's, and what the violin does."""

    voice: Contour
    violin: Contour
    violin_parts: tuple[ViolinPart, ...]


def write_melody(frame: Frame) -> Melody:
    """Compose voice and violin for a frame; the same frame gives the same melody."""
    notes = compose(frame, rng=generator(frame.seed, "melody"))
    line = draw_contour(notes, seconds=frame.seconds)
    voice = drift(line, rng=generator(frame.seed, "drift"))
    violin, parts = accompany(frame, voice)
    return Melody(voice, violin, parts)


def compose(frame: Frame, *, rng: np.random.Generator) -> tuple[Note, ...]:
    """Write the singer's notes, section by section, in order of time."""
    pen = Pen(raga(frame.raga), rng)
    for section in frame.sections:
        written = len(pen.notes)
        _FORMS[section.form](pen, frame, section)
        if len(pen.notes) == written and section.form != "thani":
            _alapana(pen, frame, section)
        if pen.notes[written:]:  # a section that runs over its end gives way to the next
            begins = pen.notes[written].start
            pen.notes[:written] = [note for note in pen.notes[:written] if note.start < begins]
    return tuple(pen.notes)


def _alapana(pen: Pen, frame: Frame, section: Section) -> None:
    """Phrases without metre that climb from the middle Sa, with breaths and rests for the violin.

    The first speed dwells, the third runs (brigha).
    """
    rng, now, sung = pen.rng, section.start + 0.4, 0
    while section.end - now > 1.6:
        risen = (now - section.start) / (section.end - section.start)
        speed = int(rng.choice([1, 2, 3], p=[0.45, 0.38, 0.17]))
        degrees = pen.walk(
            int(rng.integers(4, 9) * (1 + speed) // 2),
            low_cents=-520.0 + 500.0 * risen,
            high_cents=900.0 + 800.0 * risen,
        )
        lengths = _ALAPANA_SECONDS[speed] * rng.lognormal(0.0, 0.4, len(degrees))
        lengths[-1] = rng.uniform(0.7, 2.0)
        now = pen.phrase(degrees, lengths, start=now, end=section.end - 0.3, speed=speed)
        sung += 1
        now += rng.uniform(2.8, 5.0) if sung % 4 == 0 else rng.uniform(0.35, 1.3)


def _tanam(pen: Pen, frame: Frame, section: Section) -> None:
    """Pulsed groups of two, three and five on every svara, each sung once or twice."""
    rng, now = pen.rng, section.start + 0.4
    pulse = rng.uniform(0.15, 0.21)
    while section.end - now > 1.6:
        degrees, lengths = [], []
        for degree in pen.walk(int(rng.integers(5, 10)), low_cents=-520.0, high_cents=1500.0):
            group = _TANAM_GROUPS[int(rng.integers(len(_TANAM_GROUPS)))][: int(rng.integers(1, 4))]
            degrees += [degree] * len(group)
            lengths += [pulse * each for each in group]
        lengths[-1] = rng.uniform(0.6, 1.2)
        now = pen.phrase(
            degrees, lengths, start=now, end=section.end - 0.3, speed=3, syllables=tanam
        )
        now += rng.uniform(0.3, 0.9)


def _kriti(pen: Pen, frame: Frame, section: Section) -> None:
    """Lines of whole cycles, each sung twice, the second time with another ending (sangati)."""
    cycles, pulse = _line(frame)
    now, speed = section.start, int(pen.rng.choice([1, 2], p=[0.35, 0.65]))
    while section.end - now >= cycles * frame.cycle_seconds - 0.01:
        rhythm = _rhythm(pen, frame, cycles, speed=speed)
        first = pen.walk(len(rhythm), low_cents=-520.0, high_cents=1500.0)
        for verse in range(2):
            if section.end - now < cycles * frame.cycle_seconds - 0.01:
                break
            kept = len(rhythm) if verse == 0 else int(pen.rng.integers(1, len(rhythm) + 1))
            degrees = (
                first[:kept] + pen.walk_from(first[min(kept, len(first)) - 1], len(rhythm))[1:]
            )
            _set(pen, degrees, rhythm, start=now, pulse=pulse, speed=speed)
            now += cycles * frame.cycle_seconds
    _close(pen, now, section, pulse=pulse)


def _neraval(pen: Pen, frame: Frame, section: Section) -> None:
    """One line's rhythm kept while its melody changes; in the second half, at double speed."""
    cycles, pulse = _line(frame)
    now, slow = section.start, _rhythm(pen, frame, cycles, speed=1)
    quick = [*(max(1, each // 2) for each in slow), *(max(1, each // 2) for each in slow)]
    while section.end - now >= cycles * frame.cycle_seconds - 0.01:
        late = now - section.start > 0.5 * (section.end - section.start)
        rhythm = quick if late else slow
        degrees = pen.walk(len(rhythm), low_cents=-520.0, high_cents=1620.0)
        _set(pen, degrees, rhythm, start=now, pulse=pulse, speed=3 if late else 1)
        now += cycles * frame.cycle_seconds
    _close(pen, now, section, pulse=pulse)


def _kalpanasvara(pen: Pen, frame: Frame, section: Section) -> None:
    """Turns of improvised svaras that the violin answers, each as long as the answer."""
    _, pulse = _line(frame)
    now = section.start
    while section.end - now >= frame.cycle_seconds - 0.01:
        pulses = round(frame.cycle_seconds / pulse)
        turns = 2 if 2 * frame.cycle_seconds <= _LONGEST_LINE_SECONDS else 1
        step = int(pen.rng.choice([1, 2]))
        length = int(pen.rng.integers(1, turns + 1)) * pulses
        rhythm = [step] * (length // step - 2) + [2 * step]
        degrees = pen.walk(len(rhythm), low_cents=-400.0, high_cents=1500.0)
        speed = 3 if step == 1 else 2
        _set(pen, degrees, rhythm, start=now, pulse=pulse, speed=speed, syllables=sargam)
        now += 2 * length * pulse
    _close(pen, min(now, section.end), section, pulse=pulse)


def _thani(pen: Pen, frame: Frame, section: Section) -> None:
    """Drums alone."""


_FORMS: dict[str, Callable[[Pen, Frame, Section], None]] = {
    "alapana": _alapana,
    "tanam": _tanam,
    "kriti": _kriti,
    "neraval": _neraval,
    "kalpanasvara": _kalpanasvara,
    "thani": _thani,
}


def _line(frame: Frame) -> tuple[int, float]:
    """Return how many cycles make a line of up to 8 s, and how long a pulse of the tala lasts."""
    cycles = max(1, min(4, int(_LONGEST_LINE_SECONDS / frame.cycle_seconds)))
    return cycles, frame.beat_seconds / TALAS[frame.tala].pulses_per_beat


def _rhythm(pen: Pen, frame: Frame, cycles: int, *, speed: int) -> list[int]:
    """Fill a line with pulses, and leave its last 2 to 4 as a breath."""
    total = cycles * TALAS[frame.tala].pulses - int(pen.rng.integers(2, 5))
    lengths: list[int] = []
    while sum(lengths) < total:
        left = total - sum(lengths)
        length = int(pen.rng.choice(_PULSES[speed]))
        lengths.append(left if left - length < 2 else length)
    return lengths


def _set(
    pen: Pen,
    degrees: list[int],
    rhythm: list[int],
    *,
    start: float,
    pulse: float,
    speed: int,
    syllables: Callable[[Svara, int], str] | None = None,
) -> None:
    """Sing as many of `degrees` as the rhythm has places, and end where a phrase may rest."""
    chosen = pen.to_rest(degrees[: len(rhythm)])
    lengths = [pulse * each for each in rhythm[: len(chosen)]]
    lengths[-1] += pulse * sum(rhythm[len(chosen) :])
    end = start + sum(lengths) + 0.01
    pen.phrase(chosen, lengths, start=start, end=end, speed=speed, syllables=syllables)


def _close(pen: Pen, now: float, section: Section, *, pulse: float) -> None:
    """Fill what no whole line fits into, and end on a long svara."""
    room = section.end - now - 0.2
    if room < 0.5:
        return
    if room < 2.5:
        pen.phrase([0], [room], start=now, end=section.end, speed=1)
        return
    last = float(pen.rng.uniform(1.2, 2.0))
    degrees = pen.walk(
        max(2, int((room - last) / (2 * pulse))), low_cents=-520.0, high_cents=1300.0
    )
    degrees = pen.to_rest(degrees[: 1 + int((room - last) / (2 * pulse))])
    lengths = [2 * pulse] * (len(degrees) - 1) + [last]
    pen.phrase(degrees, lengths, start=now, end=section.end, speed=2)
