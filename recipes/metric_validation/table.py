"""Which metric ranks systems as the truth does: tables and a figure from the scores of `run.py`.

    python recipes/metric_validation/table.py validation --figure metric-validation.svg

Exit code 1 if a bar is missed. Prints Markdown.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from systems import copies

Cell = dict[str, NDArray[np.float64]]
Cells = dict[tuple[str, str, float], Cell]

NAMES = {
    "lc_sdr": "LC-SDR",
    "lc_sdr_masked": "LC-SDR, masking cleaner",
    "lc_sdr_blind": "LC-SDR, default `clean`",
    "lc_csdr": "LC-cSDR",
    "lc_si_sdr": "SI-SDR, cleaned",
    "sdr": "SDR",
    "csdr": "cSDR (museval)",
    "si_sdr": "SI-SDR",
    "lw_sdr": "LW-SDR",
    "lc_sir": "LC-SIR",
    "lc_sir_masked": "LC-SIR, masking cleaner",
    "lc_sir_taps": "SIR (512 taps), cleaned",
    "sir": "SIR (512 taps)",
    "psd_sir": "PSD-SIR",
    "slr": "SLR",
    "lc_sar": "LC-SAR",
    "sar": "SAR (512 taps)",
}
SECTIONS = {
    "true_sdr": [
        "lc_sdr",
        "lc_sdr_masked",
        "lc_sdr_blind",
        "lc_csdr",
        "lc_si_sdr",
        "lw_sdr",
        "psd_sir",
        "slr",
        "sdr",
        "csdr",
        "si_sdr",
    ],
    "true_sir": [
        "lc_sir",
        "lc_sir_masked",
        "lc_sir_taps",
        "psd_sir",
        "slr",
        "lw_sdr",
        "sir",
        "sdr",
    ],
    "true_sar": ["lc_sar", "sar", "sdr"],
}
BARS = {("true_sdr", "lc_sdr"): 0.95, ("true_sir", "lc_sir"): 0.9}
REFERENCES = {
    "bleeding_reference": "as recorded",
    "cleaned_reference": "cleaned by filters that learn in rests",
    "masked_reference": "cleaned in one round and masked",
    "blind_reference": "cleaned by default, two rounds and a mask",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scores", type=Path, help="the folder that run.py wrote")
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()

    cells = read(options.scores)
    levels = sorted({level for *_, level in cells})
    counts = {len(cell["true_sdr"]) for cell in cells.values()}
    print(
        f"{len(cells)} cells ({len({piece for piece, *_ in cells})} pieces, 3 targets, "
        f"{len(levels)} levels), {min(counts)} systems in each.\n"
    )
    for truth, metrics in SECTIONS.items():
        print_section(cells, levels, truth, metrics)
    print_references(cells, levels)
    print_quality(cells)
    if options.figure:
        draw(cells, levels, options.figure)
    missed = print_bars(cells, levels)
    sys.exit(1 if missed else 0)


def read(folder: Path) -> Cells:
    """Read every CSV: (piece, stem, level) -> column -> (systems,)."""
    rows: dict[tuple[str, str, float], list[dict[str, str]]] = defaultdict(list)
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows[row["piece"], row["stem"], float(row["level"])].append(row)
    if not rows:
        sys.exit(f"{folder}: no scores; run recipes/metric_validation/run.py --out {folder} first")
    cells: Cells = {}
    for key, found in rows.items():
        numbers = [name for name in found[0] if name not in ("piece", "stem", "level", "system")]
        cells[key] = {name: np.array([float(row[name]) for row in found]) for name in numbers}
        # A copy of the reference is perfect in every second, which has no median.
        perfect = np.isnan(cells[key]["csdr"]) & (cells[key]["sdr"] > 80.0)
        cells[key]["csdr"][perfect] = np.inf
        cells[key]["copies"] = np.array([float(copies(row["system"])) for row in found])
    return cells


def correlations(cells: Cells, level: float, truth: str, metric: str) -> list[float]:
    """Spearman's rho over systems, one number a cell; cells with NaN are left out."""
    found = []
    for (*_, at), cell in cells.items():
        pair = cell[metric], cell[truth]
        if at == level and not any(np.isnan(values).any() for values in pair):
            found.append(float(spearmanr(*pair).statistic))
    return found


def caught(cells: Cells, metric: str) -> float:
    """Share of truly worse copiers (by 1.5 dB of SDR) called worse, at -10 dB of bleed and up."""
    right = total = 0
    for (*_, level), cell in cells.items():
        if level < -10.0:
            continue
        copier, other = cell["copies"] > 0, cell["copies"] == 0
        truth = cell["true_sdr"][copier][:, None] - cell["true_sdr"][other][None]
        said = cell[metric][copier][:, None] - cell[metric][other][None]
        right += int(np.sum((truth < -1.5) & (said < 0)))
        total += int(np.sum(truth < -1.5))
    return right / max(total, 1)


def print_section(cells: Cells, levels: list[float], truth: str, metrics: list[str]) -> None:
    heads = [f"{level:g} dB" for level in levels]
    last = ["mean", "worst cell"] + (["copiers caught"] if truth == "true_sdr" else [])
    print(f"Spearman with the true {truth[5:].upper()}, mean over cells, by level of bleed\n")
    print("| metric | " + " | ".join(heads + last) + " |")
    print("|---|" + "---|" * len(heads + last))
    for metric in metrics:
        by_level = [correlations(cells, level, truth, metric) for level in levels]
        every = [value for values in by_level for value in values]
        numbers = [float(np.mean(values)) for values in by_level]
        numbers += [float(np.mean(every)), min(every)]
        if truth == "true_sdr":
            numbers.append(caught(cells, metric))
        print(f"| {NAMES[metric]} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |")
    print()


def print_references(cells: Cells, levels: list[float]) -> None:
    print("SDR of each reference against the true stem, dB, mean over cells\n")
    print("| reference | " + " | ".join(f"{level:g} dB" for level in levels) + " |")
    print("|---|" + "---|" * len(levels))
    for column, name in REFERENCES.items():
        means = [_mean(cells, level, column) for level in levels]
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in means) + " |")
    means = [_mean(cells, level, "ceiling") for level in levels]
    print("| ceiling, estimated | " + " | ".join(f"{value:.1f}" for value in means) + " |\n")


def print_quality(cells: Cells) -> None:
    """How good the cleaned reference must be: correlation by its own SDR, both cleaners pooled."""
    points = [
        (cell[reference][0], float(spearmanr(cell[metric], cell["true_sdr"]).statistic))
        for cell in cells.values()
        for reference, metric in (
            ("cleaned_reference", "lc_sdr"),
            ("masked_reference", "lc_sdr_masked"),
        )
    ]
    print("LC-SDR by the SDR of the cleaned reference itself, cells of both cleaners\n")
    print("| reference, dB | cells | mean | worst |")
    print("|---|---|---|---|")
    for low, high in pairwise((-np.inf, 10.0, 13.0, 16.0, 20.0, np.inf)):
        found = [rho for quality, rho in points if low <= quality < high]
        if found:
            name = f"{low:g} to {high:g}".replace("-inf to", "below").replace("to inf", "and up")
            print(f"| {name} | {len(found)} | {np.mean(found):.2f} | {min(found):.2f} |")
    print()


def print_bars(cells: Cells, levels: list[float]) -> int:
    missed = 0
    for (truth, metric), bar in BARS.items():
        lowest = min(float(np.mean(correlations(cells, at, truth, metric))) for at in levels)
        ok = lowest >= bar
        missed += not ok
        print(
            f"{NAMES[metric]}: lowest level {lowest:.3f}, at least {bar} wanted: "
            f"{'ok' if ok else 'MISSED'}"
        )
    return missed


def draw(cells: Cells, levels: list[float], path: Path) -> None:
    """Correlation by level for SDR and SIR, and one level's scores beside their truth."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "metric-validation"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    shown = {
        "true_sdr": ["lc_sdr", "lc_sdr_masked", "lw_sdr", "sdr", "si_sdr"],
        "true_sir": ["lc_sir", "lc_sir_masked", "psd_sir", "slr", "sir", "sdr"],
    }
    for axis, (truth, metrics) in zip(axes, shown.items(), strict=False):
        for metric in metrics:
            means = [float(np.mean(correlations(cells, at, truth, metric))) for at in levels]
            ours = metric.startswith("lc_")
            axis.plot(levels, means, "o-" if ours else "s--", label=NAMES[metric], ms=4)
        axis.set_xlabel("bleed / target (dB)")
        axis.set_ylabel(f"Spearman with true {truth[5:].upper()}")
        axis.set_ylim(-0.35, 1.03)
        axis.axhline(0.0, color="0.8", lw=0.8, zorder=0)
        axis.legend(fontsize=7, loc="lower left")
    level = -7.0 if -7.0 in levels else levels[-1]
    picked = [cell for (*_, at), cell in cells.items() if at == level]
    for metric, marker in (("sdr", "x"), ("lc_sdr", "o")):
        axes[2].scatter(
            np.concatenate([cell["true_sdr"] for cell in picked]),
            np.minimum(np.concatenate([cell[metric] for cell in picked]), 40.0),
            s=10,
            marker=marker,
            alpha=0.6,
            label=NAMES[metric],
        )
    axes[2].set_xlabel("true SDR (dB)")
    axes[2].set_ylabel(f"measured at {level:g} dB of bleed (dB, at most 40)")
    axes[2].legend(fontsize=7, loc="upper left")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _mean(cells: Cells, level: float, column: str) -> float:
    values = [cell[column][0] for (*_, at), cell in cells.items() if at == level]
    return float(np.nanmean(values))


if __name__ == "__main__":
    main()
