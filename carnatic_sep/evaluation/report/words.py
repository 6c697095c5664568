"""Numbers and names as people read them, and marked up safely."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from carnatic_sep.evaluation.summary import MEAN

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

TITLES = {
    "lc_sdr": "LC-SDR",
    "lc_csdr": "LC-SDR by the second",
    "lc_sir": "LC-SIR",
    "lc_sar": "LC-SAR",
    "slr": "SLR",
    "lw_sdr": "LW-SDR",
    "psd_sir": "PSD-SIR",
    "sdr": "SDR",
    "usdr": "uSDR",
    "si_sdr": "SI-SDR",
    "csdr": "SDR by the second",
}

MEANINGS = {
    "lc_sdr": "distance from the reference after a linear canceller has taken the bleed out of it",
    "lc_sir": "how far what is left of the other instruments lies below the target",
    "lc_sar": "how far what belongs to nobody, artefacts, lies below the rest",
    "slr": "how much of the mixture is gone where the target rests",
    "lw_sdr": "distance from the recorded stem, only where it can be trusted",
    "psd_sir": "as LC-SIR, by power in bands: blind to phase",
    "sdr": "distance from the reference as it was recorded, with whatever bleed it has",
}


def title(metric: str) -> str:
    """Return what a metric is called in headings: ``lc_sdr@masked``: masked references."""
    name, _, cleaner = metric.partition("@")
    words = TITLES.get(name) or name.replace("_", " ")
    return f"{words}, {cleaner} references" if cleaner else words


def number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Return a score with a sensible number of digits, without its unit."""
    if value is None:
        return DASH
    if unit == "share":
        return f"{100 * value:+.1f} %" if signed else f"{100 * value:.1f} %"
    digits = 1 if unit in ("cents", "points") else 2
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.replace("-", MINUS)


def interval(found: Mapping[str, Any] | None, unit: str, *, signed: bool = False) -> str:
    """Return a mean with its interval below, as HTML."""
    if not found:
        return DASH
    mean = number(found["mean"], unit, signed=signed)
    if found.get("low") is None:
        return mean
    low, high = (number(found[end], unit, signed=signed) for end in ("low", "high"))
    return f"{mean}<small>{low} … {high}</small>"


def stem_name(stem: str) -> str:
    """Return a stem's name, or what the mean over stems is called."""
    return "mean of stems" if stem == MEAN else stem


def duration(seconds: float) -> str:
    """Return a length in words: 3 min 20 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join([*parts, *([f"{rest} s"] if rest or not parts else [])])


def plural(count: int, word: str) -> str:
    """Return ``1 track`` or ``3 tracks``."""
    return f"{count} {word}" + ("" if count == 1 else "s")


def table(head: list[str], body: list[str], *, label: str) -> str:
    """Return a table that scrolls sideways where the window is narrow; cells are HTML."""
    cells = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    return (
        f'<div class="scroll"><table aria-label="{escape(label)}"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
