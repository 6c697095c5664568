"""The best and worst excerpts: a picture of each, and players beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from carnatic_sep.evaluation.excerpts import Excerpt
from carnatic_sep.evaluation.report import words
from carnatic_sep.evaluation.report.pictures import draw_excerpt

Found = tuple[str, Excerpt]
"""A track's id, and an excerpt of it."""


def choose(excerpts: Sequence[Found]) -> list[Found]:
    """Return the best of the best and the worst of the worst, for each system and stem."""
    chosen: dict[tuple[str, str, str], Found] = {}
    for track, excerpt in excerpts:
        key = (excerpt.system, excerpt.stem, excerpt.which)
        sign = 1 if excerpt.which == "best" else -1
        known = chosen.get(key)
        if known is None or sign * excerpt.score_db > sign * known[1].score_db:
            chosen[key] = (track, excerpt)
    order = list(dict.fromkeys((e.system, e.stem) for _, e in excerpts))
    return sorted(
        chosen.values(), key=lambda f: (order.index((f[1].system, f[1].stem)), f[1].which)
    )


def gallery(excerpts: Sequence[Found], *, audio: bool) -> str:
    """Return the chosen excerpts as HTML, with players if `audio`."""
    figures = [_figure(track, excerpt, audio=audio) for track, excerpt in choose(excerpts)]
    return f'<div class="examples">{"".join(figures)}</div>' if figures else ""


def _figure(track: str, excerpt: Excerpt, *, audio: bool) -> str:
    picture = draw_excerpt(excerpt.audio)
    start, end = excerpt.start_seconds, excerpt.start_seconds + excerpt.seconds
    name = f"{excerpt.which} {excerpt.stem}"
    players = "".join(
        f"<label>{escape(what)}"
        f'<audio controls preload="metadata" src="data:audio/mpeg;base64,{coded}"></audio></label>'
        for what, coded in excerpt.audio.items()
    )
    said = (
        f'<b><span class="dot"></span> {escape(name)}</b>, '
        f"{words.number(excerpt.score_db, 'dB')} dB "
        f"<span>· {escape(excerpt.system)} · {escape(track)}, {start:.0f} to {end:.0f} s</span>"
    )
    return (
        f'<figure class="example {excerpt.stem}"><img alt="Spectrograms of mixture, reference and '
        f'estimate: {escape(name)}" src="data:image/png;base64,{picture}">'
        f"<figcaption>{said}</figcaption>"
        + (f'<div class="players">{players}</div>' if audio else "")
        + "</figure>"
    )
