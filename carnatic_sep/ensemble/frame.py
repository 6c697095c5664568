"""What the players agree on before they start: tonic, raga, tala, tempo, sections."""

from __future__ import annotations

import numpy as np

from carnatic_sep.ensemble.raga import raga as raga_called
from carnatic_sep.ensemble.raga import ragas
from carnatic_sep.ensemble.score import FORMS, Frame, Section, generator
from carnatic_sep.ensemble.tala import TALAS
from carnatic_sep.errors import UnknownNameError

_TONICS_HZ = (116.54, 123.47, 130.81, 138.59, 146.83, 174.61, 185.0, 196.0, 207.65)
_TALA_WEIGHTS = {"adi": 0.5, "rupaka": 0.2, "misra chapu": 0.18, "khanda chapu": 0.12}
_FORM_WEIGHTS = {
    "alapana": 0.2,
    "tanam": 0.08,
    "kriti": 0.42,
    "neraval": 0.1,
    "kalpanasvara": 0.15,
    "thani": 0.05,
}
_LONGEST_SECTION_SECONDS = 24.0
_LEAD_IN_SECONDS = 0.5


def draw_frame(
    *,
    seconds: float,
    seed: int,
    tonic_hz: float | None = None,
    raga: str | None = None,
    tala: str | None = None,
    form: str | None = None,
) -> Frame:
    """Draw a frame; whatever is given stays.

    A piece of up to 24 s is of one form; a longer one changes form on samas. Its first cycle
    starts within half a second.

    Raises
    ------
    UnknownNameError
        No raga, tala or form has that name.
    """
    if form is not None and form not in FORMS:
        raise UnknownNameError("form", form, list(FORMS))
    if tala is not None and tala not in TALAS:
        raise UnknownNameError("tala", tala, list(TALAS))
    rng = generator(seed, "frame")
    drawn_tonic = float(rng.choice(_TONICS_HZ)) * 2.0 ** (rng.uniform(-50.0, 50.0) / 1200.0)
    drawn_raga = ragas()[int(rng.integers(len(ragas())))].name
    drawn_tala = str(rng.choice(list(_TALA_WEIGHTS), p=list(_TALA_WEIGHTS.values())))
    chosen = TALAS[tala or drawn_tala]
    beat = float(rng.uniform(*chosen.beat_seconds))
    sections = _sections(seconds, cycle=chosen.beats * beat, form=form, rng=rng)
    return Frame(
        seconds=seconds,
        seed=seed,
        tonic_hz=drawn_tonic if tonic_hz is None else float(tonic_hz),
        raga=drawn_raga if raga is None else raga_called(raga).name,
        tala=chosen.name,
        beats=chosen.beats,
        beat_seconds=beat,
        first_beat_seconds=sections[0].start,
        sections=sections,
    )


def _sections(
    seconds: float, *, cycle: float, form: str | None, rng: np.random.Generator
) -> tuple[Section, ...]:
    """Cut a piece at samas into sections of at most 24 s, or a cycle if that is longer."""
    count = max(1, int(np.ceil(seconds / _LONGEST_SECTION_SECONDS)))
    cuts = [_LEAD_IN_SECONDS if seconds > 4.0 else 0.0]
    for index in range(1, count):
        sama = _LEAD_IN_SECONDS + cycle * round(seconds * index / count / cycle)
        if cuts[-1] + cycle < sama < seconds - cycle:
            cuts.append(sama)
    names = [_form(rng) if form is None else form for _ in cuts]
    edges = [*cuts, seconds]
    return tuple(
        Section(float(start), float(end), name)
        for start, end, name in zip(edges, edges[1:], names, strict=False)
    )


def _form(rng: np.random.Generator) -> str:
    return str(rng.choice(list(_FORM_WEIGHTS), p=list(_FORM_WEIGHTS.values())))
