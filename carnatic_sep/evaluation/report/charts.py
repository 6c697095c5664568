"""Charts as inline SVG: they take the page's colours, light and dark, and stay sharp."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from carnatic_sep.evaluation.report.words import MINUS

WIDTH = 1040
_LEFT, _RIGHT = 54, 16


@dataclass(frozen=True)
class Point:
    """One track in a chart.

    Attributes
    ----------
    label : shown when pointed at
    score : of what is tested
    floor, bound : of the mixture and of the oracle, None if unknown
    ceiling_db : signal over bleed of the reference, None if unknown
    apart : whether it counts in no mean
    """

    label: str
    score: float
    floor: float | None = None
    bound: float | None = None
    ceiling_db: float | None = None
    apart: bool = False


def scale(
    low: float, high: float, start: float, end: float
) -> tuple[Callable[[float], float], list[float]]:
    """Return a function from values to places, and round values to mark between them."""
    if not math.isfinite(low) or not math.isfinite(high) or high - low < 1e-9:
        low, high = low - 1.0, high + 1.0
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 7)
    first, last = math.floor(low / step), math.ceil(high / step)
    low, high = first * step, last * step
    marks = [k * step for k in range(first, last + 1)]
    return lambda value: start + (value - low) / (high - low) * (end - start), marks


def place_bar(
    *, stem: str, marks: Mapping[str, float], score: float, low: float, high: float
) -> str:
    """Draw where a score lies between floors and bounds, on one line from `low` to `high` dB."""
    width, middle = 240, 13

    def x(value: float) -> float:
        return 8 + (min(max(value, low), high) - low) / max(high - low, 1e-9) * (width - 16)

    ticks = "".join(
        f'<line class="low" x1="{x(v):.1f}" x2="{x(v):.1f}" y1="{middle - 6}" y2="{middle + 6}">'
        f"<title>{escape(name)}: {v:.2f} dB</title></line>"
        for name, v in marks.items()
    )
    return (
        f'<svg class="{stem}" viewBox="0 0 {width} 26" role="img" '
        f'aria-label="{score:.2f} dB between {low:.1f} and {high:.1f} dB">'
        f'<line class="span" x1="8" x2="{width - 8}" y1="{middle}" y2="{middle}"/>{ticks}'
        f'<circle class="point" cx="{x(score):.1f}" cy="{middle}" r="7">'
        f"<title>{score:.2f} dB</title></circle></svg>"
    )


def track_chart(stems: Mapping[str, Sequence[Point]], *, unit: str) -> str:
    """Draw the score of every track, worst first, with floor and bound; one panel a stem."""
    panels, top = [], 8
    height = 168
    shown = {stem: points for stem, points in stems.items() if points}
    for stem, points in shown.items():
        panels.append(_track_panel(stem, points, top=top, height=height, unit=unit))
        top += height + 14
    return (
        f'<svg viewBox="0 0 {WIDTH} {top}" role="img" aria-label="score of every track">'
        f"{''.join(panels)}</svg>"
    )


def _track_panel(stem: str, points: Sequence[Point], *, top: int, height: int, unit: str) -> str:
    bottom = top + height - 14
    values = [v for p in points for v in (p.score, p.floor, p.bound) if v is not None]
    y, marks = scale(min(values), max(values), bottom, top + 24)
    ordered = sorted(points, key=lambda point: point.score)
    step = (WIDTH - _LEFT - _RIGHT) / len(ordered)
    half = min(step * 0.32, 12)
    drawn = [
        f'<text class="title" x="{_LEFT}" y="{top + 13}">{escape(stem)}</text>',
        *(_mark(y(m), f"{m:g}", zero=m == 0) for m in marks),
    ]
    for number, point in enumerate(ordered):
        x = _LEFT + (number + 0.5) * step
        for kind, value in (("low", point.floor), ("high", point.bound)):
            if value is not None:
                drawn.append(
                    f'<line class="{kind}" x1="{x - half:.1f}" x2="{x + half:.1f}" '
                    f'y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
                )
        if point.floor is not None:
            drawn.append(
                f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{y(point.floor):.1f}" '
                f'y2="{y(point.score):.1f}"/>'
            )
        said = f"{escape(point.label)}: {point.score:.2f} {unit}"
        drawn.append(_dot(x, y(point.score), said, apart=point.apart))
    return f'<g class="{stem}">{"".join(drawn)}</g>'


def _mark(y: float, text: str, *, zero: bool) -> str:
    return (
        f'<line class="{"zero" if zero else "grid"}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" '
        f'y1="{y:.1f}" y2="{y:.1f}"/><text class="end" x="{_LEFT - 8}" y="{y + 4:.1f}">'
        f"{text.replace('-', MINUS)}</text>"
    )


def _legend(stems: Sequence[str]) -> list[str]:
    """Return the stems' names with their colours, from the right edge leftwards."""
    drawn, x = [], float(WIDTH - _RIGHT)
    for stem in reversed(stems):
        drawn.append(f'<text class="end" x="{x:.0f}" y="18">{escape(stem)}</text>')
        x -= 7.2 * len(stem) + 12
        drawn.append(f'<circle class="point {stem}" cx="{x:.0f}" cy="14" r="5"/>')
        x -= 18
    return drawn


def _dot(x: float, y: float, said: str, *, apart: bool) -> str:
    return (
        f'<circle class="{"apart" if apart else "point"}" cx="{x:.1f}" cy="{y:.1f}" r="5">'
        f"<title>{said}</title></circle>"
    )


def bleed_chart(stems: Mapping[str, Sequence[Point]], *, limit_db: float, metric: str) -> str:
    """Draw score against signal over bleed of the reference, every stem of every track a dot."""
    points = [(s, p) for s, found in stems.items() for p in found if p.ceiling_db is not None]
    ceilings = [min(p.ceiling_db, 60.0) for _, p in points if p.ceiling_db is not None]
    height = 360
    x, across = scale(
        min([0.0, *ceilings]), max([limit_db + 2, *ceilings]), _LEFT, WIDTH - _RIGHT - 8
    )
    scores = [p.score for _, p in points]
    y, up = scale(min(scores), max(scores), height - 44, 28)
    lowest, highest = max(up[0], across[0]), min(up[-1], across[-1])
    drawn = [
        *(_mark(y(m), f"{m:g}", zero=m == 0) for m in up),
        *(f'<text class="mid" x="{x(m):.1f}" y="{height - 24}">{m:g}</text>' for m in across),
        f'<text class="mid" x="{WIDTH / 2}" y="{height - 6}">'
        "signal over bleed of the recorded reference, dB</text>",
        f'<text class="title" x="{_LEFT}" y="18">{escape(metric)}, dB</text>',
        f'<line class="rule" x1="{x(limit_db):.1f}" x2="{x(limit_db):.1f}" y1="28" '
        f'y2="{height - 44}"/><text x="{x(limit_db) + 6:.1f}" y="40">'
        f"below {limit_db:g} dB: set apart</text>",
    ]
    drawn += _legend([stem for stem in stems if any(stem == s for s, _ in points)])
    if highest > lowest:
        drawn.append(
            f'<line class="diagonal" x1="{x(lowest):.1f}" y1="{y(lowest):.1f}" '
            f'x2="{x(highest):.1f}" y2="{y(highest):.1f}"/>'
        )
    for stem, point in points:
        place = x(min(point.ceiling_db or 0.0, 60.0))
        said = f"{escape(point.label)}, {stem}: {point.score:.2f} dB at {point.ceiling_db:.1f} dB"
        drawn.append(
            f'<g class="{stem}">{_dot(place, y(point.score), said, apart=point.apart)}</g>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="score against signal over bleed">{"".join(drawn)}</svg>'
    )
