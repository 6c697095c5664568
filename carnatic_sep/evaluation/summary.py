"""The summary of an evaluation: means, intervals, pairs and claims, as one JSON document."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carnatic_sep.errors import EvaluationError
from carnatic_sep.evaluation.contenders import Contender
from carnatic_sep.evaluation.options import EvaluationOptions
from carnatic_sep.evaluation.parts import Part
from carnatic_sep.evaluation.statistics import Interval, better, bootstrap, capped, finite, paired
from carnatic_sep.stems import DEFAULT_STEMS, OTHER

FORMAT = "carnatic-sep-evaluation-1"
MEAN = "mean"
"""What stands in a stem's place for the mean over vocals, violin and mridangam."""

Scores = dict[str, dict[str, dict[str, dict[str, float]]]]
"""track -> system -> stem -> metric -> value"""


def summarise(
    parts: Sequence[Part],
    systems: Sequence[Contender],
    options: EvaluationOptions,
    *,
    dataset: Mapping[str, Any],
    versions: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the summary of all parts as JSON holds it.

    Stems whose ceiling is below `options.ceiling_db` are left out of every mean and claim, and
    listed under ``set_apart``. Scores beyond ±100 dB count as ±100 dB.
    """
    from carnatic_sep.metrics.registry import METRICS

    apart = {
        (part.track, stem)
        for part in parts
        for stem, ceiling in part.ceiling_db.items()
        if ceiling < options.ceiling_db
    }
    scores = {part.track: _whole(part) for part in parts}
    metrics = list(dict.fromkeys(s.metric for p in parts for s in p.scores))
    specs = {name: METRICS.get(name.partition("@")[0]) for name in metrics}
    stems = [s for s in DEFAULT_STEMS if any(s in st for t in scores.values() for st in t.values())]
    concerts = {part.track: part.concert for part in parts}
    names = [system.name for system in systems]
    return {
        "format": FORMAT,
        "dataset": {
            **dataset,
            "tracks": len(parts),
            "concerts": len(set(concerts.values())),
            "seconds": round(sum(part.seconds for part in parts), 3),
        },
        "options": options.as_dict(),
        "headline": options.headline,
        "headlines": list(options.headlines),
        "versions": dict(versions),
        "systems": [
            {"name": s.name, "kind": s.kind, "source": s.source, "identity": s.identity}
            for s in systems
        ],
        "stems": stems,
        "metrics": {
            name: {
                "unit": spec.unit,
                "better": spec.better,
                "group": spec.group,
                "source": spec.source,
            }
            for name, spec in specs.items()
            if spec is not None
        },
        "summary": _means(scores, concerts, names, [*stems, MEAN], metrics, apart=apart),
        "set_apart": [
            {"track": part.track, "stem": stem, "ceiling_db": _number(part.ceiling_db[stem])}
            for part in parts
            for stem in part.stems
            if (part.track, stem) in apart
        ],
        "pairs": _pairs(scores, concerts, systems, stems, options, apart=apart),
        "tracks": [
            {
                "track": part.track,
                "concert": part.concert,
                "seconds": round(part.seconds, 3),
                "ceiling_db": {stem: _number(x) for stem, x in part.ceiling_db.items()},
                "scores": {
                    system: {
                        stem: {metric: _number(x) for metric, x in found.items()}
                        for stem, found in each.items()
                    }
                    for system, each in scores[part.track].items()
                },
                "notes": list(part.notes),
                "failures": part.failed,
                "cpu_seconds": round(part.cpu_seconds, 2),
            }
            for part in parts
        ],
    }


def _whole(part: Part) -> dict[str, dict[str, dict[str, float]]]:
    """Return system -> stem -> metric -> score of the whole track."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for score in part.scores:
        if score.start_seconds is None:
            stems = found.setdefault(score.system, {})
            stems.setdefault(score.stem, {})[score.metric] = score.value
    return found


def column(
    scores: Scores, system: str, stem: str, metric: str, *, apart: set[tuple[str, str]]
) -> list[float]:
    """Return one score per track, NaN where there is none or its stem is set apart.

    The mean over stems takes vocals, violin and mridangam as far as they are there and counted;
    it is NaN on tracks where a system lacks one of them that another system was scored for.
    """
    if stem != MEAN:
        return [
            _counted(systems.get(system, {}), track, stem, metric, apart)
            for track, systems in scores.items()
        ]
    values = []
    for track, systems in scores.items():
        there = {s for stems in systems.values() for s, found in stems.items() if metric in found}
        own = systems.get(system, {})
        complete = all(metric in own.get(s, {}) for s in there - {OTHER})
        found = [_counted(own, track, s, metric, apart) for s in own if s != OTHER]
        values.append(_mean(found) if complete else math.nan)
    return values


def columns(
    a: tuple[Scores, str],
    b: tuple[Scores, str],
    stem: str,
    metric: str,
    *,
    apart: set[tuple[str, str]],
) -> tuple[list[float], list[float]]:
    """Return the scores of two systems, one per track, to be held against each other.

    Their means are over the stems that both have on a track: what one lacks says nothing.

    Parameters
    ----------
    a, b : scores of the same tracks in the same order, and the name of a system in them
    """
    if stem != MEAN:
        return (
            column(a[0], a[1], stem, metric, apart=apart),
            column(b[0], b[1], stem, metric, apart=apart),
        )
    first, second = [], []
    for track in a[0]:
        mine, yours = a[0][track].get(a[1], {}), b[0][track].get(b[1], {})
        pairs = [
            tuple(_counted(stems, track, s, metric, apart) for stems in (mine, yours))
            for s in mine
            if s != OTHER
        ]
        shared = [pair for pair in pairs if not any(map(math.isnan, pair))]
        first.append(_mean([pair[0] for pair in shared]))
        second.append(_mean([pair[1] for pair in shared]))
    return first, second


def _counted(
    stems: Mapping[str, Mapping[str, float]],
    track: str,
    stem: str,
    metric: str,
    apart: set[tuple[str, str]],
) -> float:
    """Return a score as means take it: NaN where there is none or its stem is set apart."""
    value = stems.get(stem, {}).get(metric, math.nan)
    if (track, stem) in apart:
        return math.nan
    return capped(value) if _in_decibels(metric) else finite(value)


def _in_decibels(metric: str) -> bool:
    from carnatic_sep.metrics.registry import METRICS

    spec = METRICS.get(metric.partition("@")[0])
    return spec is None or spec.unit == "dB"


def _mean(values: Sequence[float]) -> float:
    kept = [value for value in values if not math.isnan(value)]
    return float(np.mean(kept)) if kept else math.nan


def _means(
    scores: Scores,
    concerts: Mapping[str, str],
    systems: Sequence[str],
    stems: Sequence[str],
    metrics: Sequence[str],
    *,
    apart: set[tuple[str, str]],
) -> dict[str, Any]:
    clusters = [concerts[track] for track in scores]
    alone = _of_one_stem(scores)
    found: dict[str, Any] = {}
    for system in systems:
        for stem in stems:
            for metric in metrics:
                if stem == MEAN and metric in alone:
                    continue
                values = column(scores, system, stem, metric, apart=apart)
                interval = bootstrap(values, clusters)
                if interval is not None:
                    entry = interval_document(interval)
                    entry["median"] = _number(float(np.nanmedian(values)))
                    found.setdefault(system, {}).setdefault(stem, {})[metric] = entry
    return found


def _of_one_stem(scores: Scores) -> set[str]:
    """Return the metrics that only one stem has: a mean over stems would repeat it."""
    stems: dict[str, set[str]] = {}
    for systems in scores.values():
        for each in systems.values():
            for stem, found in each.items():
                for metric in found:
                    stems.setdefault(metric, set()).add(stem)
    return {metric for metric, found in stems.items() if len(found - {OTHER}) < 2}


def _pairs(
    scores: Scores,
    concerts: Mapping[str, str],
    systems: Sequence[Contender],
    stems: Sequence[str],
    options: EvaluationOptions,
    *,
    apart: set[tuple[str, str]],
) -> list[dict[str, Any]]:
    """Compare what is tested with everything else, by every headline."""
    found = []
    tested = [system for system in systems if system.tested]
    for number, a in enumerate(tested):
        rivals = [s for s in systems if not s.tested and s.kind != "bound"]
        for b in (*tested[number + 1 :], *rivals):
            for stem in (*stems, MEAN):
                found_columns = {
                    metric: columns((scores, a.name), (scores, b.name), stem, metric, apart=apart)
                    for metric in options.headlines
                }
                document = pair_document(found_columns, [concerts[track] for track in scores])
                if document is not None:
                    found.append({"a": a.name, "b": b.name, "stem": stem, **document})
    return found


def pair_document(
    columns: Mapping[str, tuple[Sequence[float], Sequence[float]]], clusters: Sequence[str]
) -> dict[str, Any] | None:
    """Compare two systems by each metric, all of which are better when higher.

    Parameters
    ----------
    columns : metric -> (scores of a, scores of b), one per track
    clusters : concert of each track

    Returns
    -------
    ``differences`` by metric and ``better``, which is a, b or open; None where nothing is shared
    """
    compared = {metric: paired(a, b, clusters) for metric, (a, b) in columns.items()}
    if all(each is None for each in compared.values()):
        return None
    return {
        "differences": {
            metric: {
                **interval_document(each.difference),
                "p_value": each.p_value,
                "wins": each.wins,
            }
            for metric, each in compared.items()
            if each is not None
        },
        "better": better(list(compared.values())),
    }


def interval_document(interval: Interval) -> dict[str, Any]:
    """Return an interval as JSON holds it."""
    return {
        "mean": _number(interval.mean),
        "low": _number(interval.low),
        "high": _number(interval.high),
        "count": interval.count,
        "concerts": interval.clusters,
    }


def _number(value: float | None) -> float | None:
    """Return what JSON has a way to write: no NaN, and nothing infinite."""
    if value is None or math.isnan(value):
        return None
    return round(finite(value), 5)


def read_summary(path: Path) -> dict[str, Any]:
    """Read the summary that an evaluation wrote.

    Parameters
    ----------
    path : ``summary.json``, or the folder that holds it

    Raises
    ------
    EvaluationError
        It is missing, or no such summary.
    """
    file = path / "summary.json" if path.is_dir() else path
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"{file}: cannot be read ({error}); name the summary.json of an evaluation"
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise EvaluationError(
            f"{file}: is no summary of `carnatic-sep evaluate` as this version writes it "
            f"({FORMAT}); evaluate again"
        )
    return document
