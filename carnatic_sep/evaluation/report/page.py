"""The page: what was found, from the headline down to the versions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from carnatic_sep.evaluation.report import plots, tables, words
from carnatic_sep.evaluation.report.examples import Found, gallery
from carnatic_sep.evaluation.report.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"


def report_page(
    summary: dict[str, Any], excerpts: Sequence[Found] = (), *, audio: bool = True
) -> str:
    """Return the report as one HTML document that asks for nothing from anywhere.

    Parameters
    ----------
    summary : as :func:`carnatic_sep.evaluation.summary.summarise` returns it
    excerpts : of every track; the best and worst of them are shown
    audio : whether excerpts get players; without, the page holds pictures and numbers only
    """
    sections = [section for section in _sections(summary, excerpts, audio=audio) if section[2]]
    links = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title, _ in sections)
    body = "".join(
        f'<section><h2 id="{key}">{escape(title)}</h2>{content}</section>'
        for key, title, content in sections
    )
    name = " and ".join(tables.tested(summary)) or "baselines"
    heading = f"{name} on {summary['dataset']['name']}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)}</title><style>{STYLE}</style></head><body><main>"
        f'<header><p class="kicker">carnatic-sep evaluate</p><h1>{escape(heading)}</h1>'
        f'<p class="sub">{_subtitle(summary)}</p><nav>{links}</nav></header>'
        f"{_failures(summary)}{body}"
        f"<footer>Made by carnatic-sep {escape(summary['versions']['carnatic_sep'])}. "
        "The numbers behind this page are in summary.json and scores.csv beside it."
        "</footer></main></body></html>\n"
    )


def _subtitle(summary: dict[str, Any]) -> str:
    dataset = summary["dataset"]
    parts = [
        words.plural(dataset["tracks"], "track"),
        words.plural(dataset["concerts"], "concert"),
        words.duration(dataset["seconds"]),
    ]
    if dataset.get("split"):
        parts.insert(0, f"split {dataset['split']}")
    if not summary["stems"] or not _has_headline(summary):
        parts.append("no references: only what needs none is measured")
    elif summary["options"]["references"] == "bleeding":
        cleaners = ", ".join(summary["options"]["cleaners"])
        parts.append(f"bleeding references, cleaned by {cleaners}")
    else:
        parts.append("clean references")
    return " · ".join(escape(part) for part in parts)


def _has_headline(summary: dict[str, Any]) -> bool:
    return any(
        summary["headline"] in metrics
        for track in summary["tracks"]
        for system in track["scores"].values()
        for metrics in system.values()
    )


def _failures(summary: dict[str, Any]) -> str:
    told = [why for track in summary["tracks"] for why in track["failures"].values()]
    if not told:
        return ""
    items = "".join(f"<p>{escape(why)}</p>" for why in told)
    return f'<div class="warn"><b>Not everything could be scored.</b>{items}</div>'


def _sections(
    summary: dict[str, Any], excerpts: Sequence[Found], *, audio: bool
) -> list[tuple[str, str, str]]:
    """Return (anchor, title, HTML) of each section; one without content is left out."""
    scored = _has_headline(summary)
    names = tables.tested(summary)
    headline = words.title(summary["headline"])
    clean = summary["options"]["references"] == "clean"
    meaning = "distance from the true stem" if clean else words.MEANINGS[summary["headline"]]
    return [
        (
            "headline",
            f"{headline} at a glance",
            f"<p>{headline} in dB, higher is better: {meaning}. The mean over tracks, its 95 % "
            "interval, and where it lies among all other systems on a line from the lowest to the "
            "highest.</p>" + "".join(_named(n, plots.cards(summary, n), names) for n in names)
            if scored and names
            else "",
        ),
        (
            "standing",
            "Between floor and ceiling",
            f"<p>The same figure for everything: floors that every system must beat, methods that "
            f"learn nothing, and masks that know the truth, which no mask of the mixture beats by "
            f"much. {_interval_note(summary)}</p>{tables.standing(summary)}"
            if scored
            else "",
        ),
        (
            "better",
            "Who is better",
            f"<p>Differences on the same tracks, in dB. {_claim_note(summary)}</p>"
            f"{tables.rivals(summary)}"
            if scored and summary["pairs"]
            else "",
        ),
        (
            "tracks",
            "Track by track",
            "".join(_named(n, _chart(plots.by_track(summary, n), _TRACKS), names) for n in names)
            if scored
            else "",
        ),
        (
            "bleed",
            "Signal to bleed against score",
            "".join(
                _named(n, _chart(plots.against_bleed(summary, n), _BLEED), names) for n in names
            )
            + _apart(summary)
            if any(track["ceiling_db"] for track in summary["tracks"]) and names
            else "",
        ),
        (
            "listen",
            "Best and worst" if audio else "Best and worst, seen",
            _EXCERPTS + gallery(excerpts, audio=audio) if excerpts else "",
        ),
        ("metrics", "Every metric", _metrics(summary)),
        (
            "list",
            "Every track",
            f"<details{'' if scored else ' open'}><summary>{len(summary['tracks'])} tracks, with "
            f"what was noted</summary>{tables.every_track(summary)}</details>",
        ),
        ("configuration", "Configuration and versions", _configuration(summary)),
    ]


_TRACKS = (
    "Every track, from worst to best: the dot is its score, the coloured line how far it lies from "
    "the mixture (grey tick); the dark tick is the oracle ratio mask. Hollow dots are set apart."
)
_BLEED = (
    "Every stem of every track. A reference that bleeds sets a ceiling: on the dotted line a score "
    "equals the signal over bleed of the recorded reference. Scores near or above it say more "
    "about the reference than about the system."
)
_EXCERPTS = (
    "<p>The excerpts with the highest and the lowest SDR against the reference, of all tracks. "
    "Lowest is often a passage in which the stem is soft.</p>"
)


def _named(name: str, content: str, names: Sequence[str]) -> str:
    heading = f"<h3>{escape(name)}</h3>" if len(names) > 1 and content else ""
    return heading + content


def _chart(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>" if svg else ""


def _interval_note(summary: dict[str, Any]) -> str:
    if summary["dataset"]["concerts"] < 2:
        return "With one concert there are no intervals."
    return "Small figures: 95 % intervals, by drawing whole concerts again and again."


def _claim_note(summary: dict[str, Any]) -> str:
    if len(summary["headlines"]) > 1:
        rule = "leaves out 0 on the same side against the references of every cleaner"
    else:
        rule = "leaves out 0"
    return (
        f"A system is called better only where the interval of the difference {rule}; "
        "otherwise it is open. p: Wilcoxon's signed-rank test over tracks."
    )


def _apart(summary: dict[str, Any]) -> str:
    limit = summary["options"]["ceiling_db"]
    listed = tables.set_apart(summary)
    if not listed:
        return f'<p class="note">No reference has less than {limit:g} dB of signal over bleed.</p>'
    return (
        f"<h3>Set apart</h3><p>References with less than {limit:g} dB of signal over bleed: they "
        f"count in no mean and in no claim.</p>{listed}"
    )


def _metrics(summary: dict[str, Any]) -> str:
    names = tables.tested(summary)
    beside = [s["name"] for s in summary["systems"] if s["name"] not in names]
    found = []
    for name in [*names, *beside]:
        if name in summary["summary"]:
            state = " open" if name in names else ""
            found.append(
                f"<details{state}><summary>{escape(name)}</summary>"
                f"{tables.every_metric(summary, name)}</details>"
            )
    return (
        "<p>Means over tracks with their intervals. ↑ higher is better, ↓ lower is better. Point "
        "at a name for its source.</p>" + "".join(found)
        if found
        else ""
    )


def _configuration(summary: dict[str, Any]) -> str:
    entries = [
        *(
            (s["name"], f"{s['kind']} {s['source']} {s['identity'][:12]}".strip())
            for s in summary["systems"]
            if s["kind"] in ("model", "estimates")
        ),
        *((key, _plain(value)) for key, value in summary["options"].items()),
        *summary["versions"].items(),
    ]
    items = "".join(
        f"<dt>{escape(str(key).replace('_', ' '))}</dt><dd><code>{escape(value)}</code></dd>"
        for key, value in entries
    )
    return f"<dl>{items}</dl>"


def _plain(value: Any) -> str:
    if value is None:
        return "all"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
