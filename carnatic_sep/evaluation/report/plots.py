"""The points of the report's charts, from the scores of tracks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carnatic_sep.evaluation.report import words
from carnatic_sep.evaluation.report.charts import Point, bleed_chart, place_bar, track_chart
from carnatic_sep.evaluation.report.tables import Summary, shown_stems

_FLOOR, _BOUND = "mixture", "oracle ratio mask"


def points(summary: Summary, system: str) -> dict[str, list[Point]]:
    """Return stem -> one point per track that has a score."""
    metric = summary["headline"]
    apart = {(each["track"], each["stem"]) for each in summary["set_apart"]}
    found: dict[str, list[Point]] = {}
    for stem in summary["stems"]:
        for track in summary["tracks"]:
            scores = track["scores"]

            def score(name: str, scores: Any = scores, stem: str = stem) -> float | None:
                value: float | None = scores.get(name, {}).get(stem, {}).get(metric)
                return value

            value = score(system)
            if value is not None:
                found.setdefault(stem, []).append(
                    Point(
                        label=track["track"],
                        score=value,
                        floor=score(_FLOOR),
                        bound=score(_BOUND),
                        ceiling_db=track["ceiling_db"].get(stem),
                        apart=(track["track"], stem) in apart,
                    )
                )
    return found


def by_track(summary: Summary, system: str) -> str:
    """Return the chart of every track's score; empty without scores."""
    found = points(summary, system)
    return track_chart(found, unit="dB") if found else ""


def against_bleed(summary: Summary, system: str) -> str:
    """Return the chart of score against signal over bleed; empty where references are clean."""
    found = points(summary, system)
    if not any(p.ceiling_db is not None for stem in found.values() for p in stem):
        return ""
    limit = summary["options"]["ceiling_db"]
    return bleed_chart(found, limit_db=limit, metric=words.title(summary["headline"]))


def cards(summary: Summary, system: str) -> str:
    """Return one card a stem: the headline, its interval, and where it lies."""
    metric = summary["headline"]
    means = summary["summary"]
    stems = [s for s in shown_stems(summary) if metric in means.get(system, {}).get(s, {})]
    return f'<div class="cards">{"".join(_card(summary, system, stem) for stem in stems)}</div>'


def _card(summary: Summary, system: str, stem: str) -> str:
    metric = summary["headline"]
    found = summary["summary"][system][stem][metric]
    others = {
        each["name"]: summary["summary"].get(each["name"], {}).get(stem, {}).get(metric)
        for each in summary["systems"]
        if each["name"] != system
    }
    marks = {name: other["mean"] for name, other in others.items() if other}
    places: Sequence[float] = [*marks.values(), found["mean"]]
    floor, bound = others.get(_FLOOR), others.get(_BOUND)
    said = [
        f"{name} {words.number(other['mean'], 'dB')}"
        for name, other in (("mixture", floor), ("oracle", bound))
        if other
    ]
    interval = (
        f"{words.number(found['low'], 'dB')} … {words.number(found['high'], 'dB')}"
        if found["low"] is not None
        else "one concert: no interval"
    )
    bar = place_bar(
        stem=stem,
        marks=marks,
        score=found["mean"],
        low=max(min(places), -15.0),
        high=max(places),
    )
    return (
        f'<div class="card {stem}"><h3><span class="dot"></span>{words.stem_name(stem)}</h3>'
        f'<p class="big">{words.number(found["mean"], "dB")} <small>dB</small></p>'
        f'<p class="note">{interval}</p>{bar}<p class="note">{" · ".join(said)}</p></div>'
    )
