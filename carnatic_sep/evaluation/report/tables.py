"""The tables of the report: who stands where, who is better, every metric, every track."""

from __future__ import annotations

from html import escape
from typing import Any

from carnatic_sep.evaluation.report import words
from carnatic_sep.evaluation.summary import MEAN

Summary = dict[str, Any]

_KINDS = {"floor": "floor", "classic": "no learning", "bound": "bound"}


def tested(summary: Summary) -> list[str]:
    """Return the names of the systems that the evaluation is about."""
    return [s["name"] for s in summary["systems"] if s["kind"] in ("model", "estimates")]


def shown_stems(summary: Summary) -> list[str]:
    """Return the stems, and the mean over them where there is one."""
    means = any(MEAN in stems for stems in summary["summary"].values())
    return [*summary["stems"], *([MEAN] if means and len(summary["stems"]) > 1 else [])]


def standing(summary: Summary) -> str:
    """Return the table of all systems by the headline, floors first and bounds last."""
    metric, unit = summary["headline"], "dB"
    stems = shown_stems(summary)
    body = []
    for system in summary["systems"]:
        found = summary["summary"].get(system["name"], {})
        cells = "".join(
            f"<td>{words.interval(found.get(stem, {}).get(metric), unit)}</td>" for stem in stems
        )
        if not any(metric in found.get(stem, {}) for stem in stems):
            continue
        chip = _KINDS.get(system["kind"])
        label = escape(system["name"]) + (f'<span class="chip">{chip}</span>' if chip else "")
        row = ' class="tested"' if chip is None else ""
        body.append(f'<tr{row}><th scope="row">{label}</th>{cells}</tr>')
    head = ["system", *(escape(words.stem_name(stem)) for stem in stems)]
    return words.table(head, body, label=f"{words.title(metric)} of every system")


def rivals(summary: Summary) -> str:
    """Return the table of differences between what is tested and each rival, with the claims."""
    stems = shown_stems(summary)
    by_pair: dict[tuple[str, str], dict[str, Any]] = {}
    for pair in summary["pairs"]:
        by_pair.setdefault((pair["a"], pair["b"]), {})[pair["stem"]] = pair
    body = []
    for (a, b), found in by_pair.items():
        cells = "".join(f"<td>{_difference(found.get(stem))}</td>" for stem in stems)
        name = f"{escape(a)} <small>against {escape(b)}</small>"
        body.append(f"<tr><td>{name}</td>{cells}</tr>")
    head = ["pair", *(escape(words.stem_name(stem)) for stem in stems)]
    return words.table(head, body, label="Paired differences") if body else ""


def _difference(pair: dict[str, Any] | None) -> str:
    if pair is None:
        return words.DASH
    first = next(iter(pair["differences"].values()))
    verdicts = {"a": ("win", "better"), "b": ("loss", "worse")}
    style, verdict = verdicts.get(pair["better"], ("", "open"))
    lines = [verdict]
    for name, found in pair["differences"].items():
        if found["low"] is not None:
            low, high = (words.number(found[end], "dB", signed=True) for end in ("low", "high"))
            cleaner = name.partition("@")[2]
            lines.append(f"{escape(cleaner) + ': ' if cleaner else ''}{low} … {high}")
    p_value = "" if first["p_value"] is None else f", p {_p_value(first['p_value'])}"
    lines.append(f"wins {first['wins']} of {first['count']}{p_value}")
    small = "".join(f"<small>{line}</small>" for line in lines)
    return f'<span class="{style}">{words.number(first["mean"], "dB", signed=True)}</span>{small}'


def _p_value(p: float) -> str:
    return "&lt; 0.001" if p < 0.001 else f"= {p:.3f}"


def every_metric(summary: Summary, system: str) -> str:
    """Return the table of all metrics of one system, by group."""
    found = summary["summary"].get(system, {})
    stems = [stem for stem in shown_stems(summary) if stem in found]
    body: list[str] = []
    group = None
    for metric, about in summary["metrics"].items():
        if not any(metric in found[stem] for stem in stems):
            continue
        if about["group"] != group:
            group = about["group"]
            body.append(
                f'<tr class="group"><th colspan="{len(stems) + 1}" scope="rowgroup">'
                f"{escape(group)}</th></tr>"
            )
        cells = "".join(
            f"<td>{words.interval(found[stem].get(metric), about['unit'])}</td>" for stem in stems
        )
        arrow = "↑" if about["better"] == "higher" else "↓"
        name = metric.partition("@")[0]
        meaning = words.MEANINGS.get(name, "")
        unit = "" if about["unit"] == "share" else f", {about['unit']}"
        small = f"<small>{meaning}</small>" if meaning and "@" not in metric else ""
        body.append(
            f'<tr><td class="words" title="{escape(about["source"])}">'
            f"{escape(words.title(metric))} {arrow}{unit}{small}</td>{cells}</tr>"
        )
    head = ["metric", *(escape(words.stem_name(stem)) for stem in stems)]
    return words.table(head, body, label=f"Every metric of {system}")


def set_apart(summary: Summary) -> str:
    """Return the table of stems whose references bleed too much, with their scores."""
    metric = summary["headline"]
    scores = {track["track"]: track["scores"] for track in summary["tracks"]}
    systems = [*tested(summary), "mixture"]
    body = []
    for each in summary["set_apart"]:
        cells = "".join(
            "<td>"
            + words.number(
                scores[each["track"]].get(name, {}).get(each["stem"], {}).get(metric), "dB"
            )
            + "</td>"
            for name in systems
        )
        body.append(
            f'<tr><td class="words">{escape(each["track"])}</td><td>{escape(each["stem"])}</td>'
            f"<td>{words.number(each['ceiling_db'], 'dB')}</td>{cells}</tr>"
        )
    head = ["track", "stem", "signal over bleed, dB", *map(escape, systems)]
    return words.table(head, body, label="Set apart") if body else ""


def every_track(summary: Summary) -> str:
    """Return the table of tracks: length, headline of what is tested, and what was noted."""
    metric = summary["headline"]
    stems = summary["stems"]
    body = []
    for track in summary["tracks"]:
        for name in tested(summary) or ["mixture"]:
            found = track["scores"].get(name, {})
            cells = "".join(
                f"<td>{words.number(found.get(stem, {}).get(metric), 'dB')}</td>" for stem in stems
            )
            told = [*track["notes"], *track["failures"].values()]
            notes = "<br>".join(escape(note) for note in told) or words.DASH
            body.append(
                f'<tr><td class="words">{escape(track["track"])}</td>'
                f'<td class="words">{escape(name)}</td>'
                f"<td>{words.duration(track['seconds'])}</td>{cells}"
                f'<td class="words">{notes}</td></tr>'
            )
    head = ["track", "system", "length", *map(escape, stems), "notes"]
    return words.table(head, body, label="Every track")
