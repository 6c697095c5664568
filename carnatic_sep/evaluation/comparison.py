"""Two evaluations of the same tracks, compared pair by pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carnatic_sep.errors import EvaluationError, UnknownNameError, UsageError
from carnatic_sep.evaluation.statistics import paired
from carnatic_sep.evaluation.summary import (
    MEAN,
    Scores,
    columns,
    interval_document,
    pair_document,
    read_summary,
)

_MUST_AGREE = ("references", "mixture", "cleaners")


@dataclass(frozen=True)
class Comparison:
    """How system `a` of one run does against system `b` of another.

    Attributes
    ----------
    a, b : the systems; with their file's folder where both are called the same
    tracks : that both have scored
    left_out : that only one of them has scored
    headline : the metric that ranks
    claims : one a stem, as in ``summary.json``: ``stem``, ``differences``, ``better``
    metrics : one a metric and stem: ``metric``, ``unit``, ``stem``, mean difference and interval
    """

    a: str
    b: str
    tracks: tuple[str, ...]
    left_out: tuple[str, ...]
    headline: str
    claims: tuple[dict[str, Any], ...]
    metrics: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON holds it."""
        return {
            "a": self.a,
            "b": self.b,
            "tracks": list(self.tracks),
            "left_out": list(self.left_out),
            "headline": self.headline,
            "claims": list(self.claims),
            "metrics": list(self.metrics),
        }


def compare(
    a: Path | str, b: Path | str, *, system_a: str | None = None, system_b: str | None = None
) -> Comparison:
    """Compare a system of one run with a system of another, on the tracks that both have scored.

    Parameters
    ----------
    a, b : ``summary.json`` of two runs, or the folders that hold them; may be the same
    system_a, system_b : which system of each; the one that the run is about if None

    Raises
    ------
    EvaluationError
        No summary, runs that were not measured alike, no track or no metric in common, or tracks
        that are called the same and are not.
    UnknownNameError
        A run has no such system.
    UsageError
        A run is about several systems, and none is named.
    """
    first, second = read_summary(Path(a)), read_summary(Path(b))
    _check_alike(first, second, Path(a), Path(b))
    names = _system(first, system_a, Path(a)), _system(second, system_b, Path(b))
    scores_a, scores_b = _scores(first), _scores(second)
    shared = [track for track in scores_a if track in scores_b]
    if not shared:
        raise EvaluationError(f"{a} and {b}: no track in common, so there is nothing to compare")
    _check_tracks(first, second, shared, Path(a), Path(b))
    concerts = {track["track"]: track["concert"] for track in first["tracks"]}
    clusters = [concerts[track] for track in shared]
    apart = {(x["track"], x["stem"]) for x in (*first["set_apart"], *second["set_apart"])}
    mine = {track: scores_a[track] for track in shared}
    yours = {track: scores_b[track] for track in shared}

    def both(metric: str, stem: str) -> tuple[list[float], list[float]]:
        return columns((mine, names[0]), (yours, names[1]), stem, metric, apart=apart)

    stems = [stem for stem in first["stems"] if stem in second["stems"]]
    claims = []
    for stem in (*stems, MEAN):
        found = pair_document({m: both(m, stem) for m in first["headlines"]}, clusters)
        if found is not None:
            claims.append({"stem": stem, **found})
    rows = []
    for metric, about in first["metrics"].items():
        for stem in stems if metric in second["metrics"] else ():
            pair = paired(*both(metric, stem), clusters)
            if pair is not None:
                rows.append(
                    {
                        "metric": metric,
                        "unit": about["unit"],
                        "better": about["better"],
                        "stem": stem,
                        **interval_document(pair.difference),
                        "p_value": pair.p_value,
                    }
                )
    same = names[0] == names[1]
    return Comparison(
        a=f"{names[0]} ({_place(Path(a))})" if same else names[0],
        b=f"{names[1]} ({_place(Path(b))})" if same else names[1],
        tracks=tuple(shared),
        left_out=tuple(sorted(set(scores_a) ^ set(scores_b))),
        headline=first["headline"],
        claims=tuple(claims),
        metrics=tuple(rows),
    )


def _place(path: Path) -> str:
    return path.resolve().name if path.is_dir() else path.resolve().parent.name


def _check_alike(first: Mapping[str, Any], second: Mapping[str, Any], a: Path, b: Path) -> None:
    """Refuse runs whose scores mean different things."""
    for key in _MUST_AGREE:
        mine, yours = first["options"][key], second["options"][key]
        if mine != yours:
            raise EvaluationError(
                f"{a} was evaluated with {key} {_said(mine)}, {b} with {_said(yours)}: their "
                "scores mean different things; evaluate one of them again"
            )
    mine, yours = first["versions"].get("cleaner"), second["versions"].get("cleaner")
    if mine != yours:
        raise EvaluationError(
            f"{a} has references of cleaner {mine}, {b} of cleaner {yours}; evaluate the older "
            "one again"
        )


def _check_tracks(
    first: Mapping[str, Any], second: Mapping[str, Any], shared: Sequence[str], a: Path, b: Path
) -> None:
    """Refuse runs on other music under the same names, and runs that share no metric."""
    mine, yours = (
        {track["track"]: track.get("seconds") for track in run["tracks"]} for run in (first, second)
    )
    for track in shared:
        lengths = mine[track], yours[track]
        if None not in lengths and abs(lengths[0] - lengths[1]) > 0.01:
            raise EvaluationError(
                f"{track} lasts {lengths[0]:.2f} s in {a} and {lengths[1]:.2f} s in {b}: these are "
                "two sets whose tracks share names; evaluate both systems on one of them"
            )
    if not set(first["metrics"]) & set(second["metrics"]):
        raise EvaluationError(
            f"{a} holds {', '.join(first['metrics'])}, {b} {', '.join(second['metrics'])}: no "
            "metric in common; evaluate one of them again with the other's --metrics"
        )


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _system(summary: Mapping[str, Any], wanted: str | None, path: Path) -> str:
    names = [system["name"] for system in summary["systems"]]
    if wanted is not None:
        if wanted not in names:
            raise UnknownNameError(f"system of {path}", wanted, names)
        return wanted
    tested = [s["name"] for s in summary["systems"] if s["kind"] in ("model", "estimates")]
    if len(tested) != 1:
        raise UsageError(f"{path}: holds {', '.join(tested) or 'baselines only'}; name one of them")
    return str(tested[0])


def _scores(summary: Mapping[str, Any]) -> Scores:
    """Return the scores of tracks that have any, with NaN where JSON has null."""
    tracks: Sequence[Mapping[str, Any]] = summary["tracks"]
    return {
        track["track"]: {
            system: {
                stem: {m: math.nan if x is None else float(x) for m, x in found.items()}
                for stem, found in stems.items()
            }
            for system, stems in track["scores"].items()
        }
        for track in tracks
        if track["scores"]
    }
