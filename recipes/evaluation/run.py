"""Evaluate a model on all sets, and write numbers and pictures, no audio, to docs/results."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

from sets import BLEED_DB, write_sets

from carnatic_sep.evaluation.dataset import Evaluation, evaluate
from carnatic_sep.evaluation.options import EvaluationOptions
from carnatic_sep.evaluation.report.page import report_page

FEW = ("mixture", "HPSS", "NMF", "oracle ratio mask")
STEMS = ("vocals", "violin", "mridangam", "mean")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="default")
    parser.add_argument("--mixtures", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("runs/evaluation"))
    parser.add_argument("--docs", type=Path, default=Path("docs/results"))
    given = parser.parse_args()
    begin = perf_counter()
    sets = given.work / "sets"
    write_sets(given.data, sets, mixtures=given.mixtures, cache=Path("runs/cache"))
    clean = EvaluationOptions(references="clean")
    asked = {
        "kept-out": (clean, None),
        "bleeding": (EvaluationOptions(), FEW),
        "bleeding-truth": (
            EvaluationOptions(
                references="clean", mixture="file", metrics=("sdr",), excerpt_seconds=0
            ),
            FEW,
        ),
        "multitrack": (EvaluationOptions(), FEW),
        "concert": (EvaluationOptions(references="clean", mixture="file"), ("mixture",)),
    }
    found = {}
    for name, (options, baselines) in asked.items():
        print(f"{perf_counter() - begin:5.0f} s  {name}", flush=True)
        found[name] = evaluate(
            given.model,
            dataset=sets / name,
            out=given.work / name,
            options=options,
            baselines=baselines,
            jobs=given.jobs,
            overwrite=True,
        )
        for what, why in found[name].failures.items():
            print(f"  failed: {what}: {why}")
        if name != "bleeding-truth":
            publish(found[name], given.docs / name)
    model = next(s["name"] for s in found["kept-out"].summary["systems"] if s["kind"] == "model")
    text = index(found, model, given)
    (given.docs / "index.md").write_text(text, encoding="utf-8")
    print(text)
    print(f"{perf_counter() - begin:.0f} s in all")


def publish(found: Evaluation, folder: Path) -> None:
    """Write the page without players, and the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    excerpts = [(part.track, excerpt) for part in found.parts for excerpt in part.excerpts]
    page = report_page(found.summary, excerpts, audio=False)
    (folder / "report.html").write_text(page, encoding="utf-8")
    text = json.dumps(found.summary, separators=(",", ":"), allow_nan=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")


def index(found: dict[str, Evaluation], model: str, given: argparse.Namespace) -> str:
    """Return the page that the tables are on."""
    kept, bled, truth, real = (
        found[name].summary for name in ("kept-out", "bleeding", "bleeding-truth", "multitrack")
    )
    checkpoint = next(s["identity"] for s in kept["systems"] if s["name"] == model)
    levels = ", ".join(f"{x:g}" for x in BLEED_DB)
    lines = [
        "# How well the bundled model does",
        "",
        "Made by one command, which `recipes/evaluation/README.md` explains:",
        "",
        "```console",
        f"$ python recipes/evaluation/run.py --data recordings --mixtures {given.mixtures}",
        "```",
        "",
        f"Model `{model}`, checkpoint `{checkpoint[:12]}`; "
        f"carnatic-sep {kept['versions']['carnatic_sep']}, cleaner {bled['versions']['cleaner']}. "
        "In brackets: 95 % intervals by drawing mixtures again and again. The mixtures share one "
        "singer and a few takes, so the intervals say how far other mixtures of these takes would "
        "differ, not other concerts.",
        "",
        f"## {kept['dataset']['tracks']} mixtures of kept-out takes, clean truth",
        "",
        "SDR in dB. [Report with everything else](kept-out/report.html).",
        "",
        *table(kept, "sdr"),
        "",
        "## The same takes on a simulated stage, references that bleed",
        "",
        f"Microphones hear the others at {levels} dB in turn. Against such references plain SDR "
        "misjudges; LC-SDR, against references cleaned without any model, should stay near the "
        "true SDR, which is known here because the stage was computed. "
        "[Report](bleeding/report.html).",
        "",
        *truth_table(bled, truth, model),
        "",
        "## A real multitrack, 20 s",
        "",
        "Five microphones that hear each other; their sum is separated. Stems whose reference has "
        "less than 8 dB of signal over bleed are set apart, so they are listed with their ceiling. "
        "One recording: no interval. [Report](multitrack/report.html).",
        "",
        *real_table(real, model),
        "",
        "## A real concert, without references",
        "",
        f"{found['concert'].summary['dataset']['seconds']:.0f} s of voice, violin, mridangam, "
        "kanjira and tanpura; the melody in the vocal stem and in the mixture against Saraga's "
        "annotation (itself an estimate). [Report](concert/report.html).",
        "",
        *concert_table(found["concert"].summary, model),
        "",
    ]
    return "\n".join(lines)


def cell(entry: dict[str, Any] | None) -> str:
    if not entry:
        return ""
    if entry["low"] is None:
        return f"{entry['mean']:.2f}"
    return f"{entry['mean']:.2f} [{entry['low']:.2f}, {entry['high']:.2f}]"


def table(summary: dict[str, Any], metric: str) -> list[str]:
    lines = [f"| system | {' | '.join(STEMS)} |", "|---|" + "---:|" * len(STEMS)]
    for system in summary["systems"]:
        means = summary["summary"].get(system["name"], {})
        cells = (cell(means.get(stem, {}).get(metric)) for stem in STEMS)
        name = f"**{system['name']}**" if system["kind"] == "model" else system["name"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def truth_table(bled: dict[str, Any], truth: dict[str, Any], model: str) -> list[str]:
    """Mean over stems of all tracks, none set apart: plain, cleaned and true SDR."""
    lines = [
        "| system | SDR, bleeding references | LC-SDR | LC-SDR, other cleaner | true SDR |",
        "|---|---:|---:|---:|---:|",
    ]
    for system in (*FEW[:3], model, FEW[3]):
        columns = [(bled, "sdr"), (bled, "lc_sdr"), (bled, "lc_sdr@masked"), (truth, "sdr")]
        cells = (f"{over_all(summary, system, metric):.2f}" for summary, metric in columns)
        lines.append(f"| {f'**{system}**' if system == model else system} | {' | '.join(cells)} |")
    note = (
        "Means over vocals, violin and mridangam of every mixture, whatever its bleed, in dB. The "
        "oracle of the first three columns masks by cleaned references, that of the last by the "
        "truth."
    )
    return [*lines, "", note]


def over_all(summary: dict[str, Any], system: str, metric: str) -> float:
    values = [
        track["scores"][system][stem][metric]
        for track in summary["tracks"]
        for stem in STEMS[:3]
        if track["scores"].get(system, {}).get(stem, {}).get(metric) is not None
    ]
    return sum(values) / len(values) if values else float("nan")


def real_table(summary: dict[str, Any], model: str) -> list[str]:
    track = summary["tracks"][0]
    metrics = ("sdr", "lc_sdr", "lc_sdr@masked", "lc_sir", "slr")
    head = ["stem", "system", "ceiling", *metrics]
    lines = [f"| {' | '.join(head)} |", "|---|---|" + "---:|" * (len(head) - 2)]
    for stem in STEMS[:3]:
        for system in ("mixture", "HPSS", model, "oracle ratio mask"):
            scores = track["scores"].get(system, {}).get(stem, {})
            ceiling = track["ceiling_db"].get(stem)
            cells = [
                f"{x:.2f}" if x is not None else "" for x in (ceiling, *map(scores.get, metrics))
            ]
            lines.append(f"| {stem} | {system} | {' | '.join(cells)} |")
    return lines


def concert_table(summary: dict[str, Any], model: str) -> list[str]:
    scores = summary["tracks"][0]["scores"]
    mixture, vocals = (scores.get(system, {}).get("vocals", {}) for system in ("mixture", model))
    lines = ["| metric | mixture | vocal stem |", "|---|---:|---:|"]
    for name, about in summary["metrics"].items():
        values = [found.get(name) for found in (mixture, vocals)]
        if any(value is not None for value in values):
            share = about["unit"] == "share"
            shown = [
                ""
                if x is None
                else f"{100 * x:.1f} %"
                if share
                else f"{x:.2f} {about['unit'].replace('correlation', '')}".strip()
                for x in values
            ]
            lines.append(f"| {name.replace('_', ' ')} | {' | '.join(shown)} |")
    return lines


if __name__ == "__main__":
    main()
