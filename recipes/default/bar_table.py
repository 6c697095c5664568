"""Tables of `bars.py`: what each contender scored, and each bar as asked, found, met or missed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

TARGETS = ("vocals", "violin", "mridangam")
KEPT_OUT, REAL = "mixtures of kept-out takes", "real multitrack"
RENDERED, CONCERT = "rendered ensembles of kept-out takes", "real concert"
SPLEETER, OURS = "Spleeter's architecture", "ours, same budget"
FIRST, DEFAULT, MIXTURE = "first default", "default", "mixture"

Rows = list[dict]
Found = Mapping[str, Mapping[str, Rows]]


def print_tables(found: Found) -> None:
    """Print a table a set, then the bars."""
    for name in (KEPT_OUT, REAL, RENDERED):
        if name in found:
            print(f"\n**{name}** ({_count(found[name])})\n")
            _print_set(found[name], confused=name == RENDERED)
    if CONCERT in found:
        print(f"\n**{CONCERT}**\n")
        _print_concert(found[CONCERT])
    print("\n| bar | asked | found | |\n|---|---|---|---|")
    for bar, asked, value, met in bars(found):
        verdict = "not measured" if met is None else "met" if met else "**missed**"
        print(f"| {bar} | {asked} | {value} | {verdict} |")


def mean(rows: Rows, key: str, stem: str | None = None) -> float:
    """Mean over cases of `key`, where it is finite; of one stem, or of the three stems' means."""
    if stem is None:
        return float(np.mean([mean(rows, key, each) for each in TARGETS]))
    values = [row[key] for row in rows if row["stem"] == stem and _finite(row.get(key))]
    return float(np.mean(values)) if values else float("nan")


def bars(found: Found) -> list[tuple[str, str, str, bool | None]]:
    """Return each bar: what, asked, found, whether it is met; None where nothing was measured."""
    rows = []
    for bar, asked, least, value in (
        ("real multitrack, mean SDR", "3.5 dB", 3.5, _sdr(found, REAL, DEFAULT)),
        ("real multitrack, worst stem", "1.5 dB", 1.5, _worst(found, REAL)),
        ("kept-out mixtures, mean SDR", "7.5 dB", 7.5, _sdr(found, KEPT_OUT, DEFAULT)),
        ("kept-out mixtures, worst stem", "4.5 dB", 4.5, _worst(found, KEPT_OUT)),
        (
            "above Spleeter's architecture, same data and budget, kept-out mixtures",
            "1 dB",
            1.0,
            _sdr(found, KEPT_OUT, OURS) - _sdr(found, KEPT_OUT, SPLEETER),
        ),
        (
            "rendered ensembles with a shadowing violin, violin SDR",
            "4 dB",
            4.0,
            _value(found, RENDERED, DEFAULT, "sdr", "violin"),
        ),
        (
            "violin in vocals, against the first default",
            "3 dB less (half)",
            3.0,
            _less_confused(found, "vocals"),
        ),
        (
            "vocals in violin, against the first default",
            "3 dB less (half)",
            3.0,
            _less_confused(found, "violin"),
        ),
        (
            "concert, leakage in vocal pauses (SLR)",
            "12 dB",
            12.0,
            _value(found, CONCERT, DEFAULT, "slr", "vocals"),
        ),
    ):
        rows.append((bar, asked, f"{value:.2f} dB", None if np.isnan(value) else value >= least))
    gain = 100 * (
        _value(found, CONCERT, DEFAULT, "raw_pitch", "vocals")
        - _value(found, CONCERT, MIXTURE, "raw_pitch", "vocals")
    )
    met = None if np.isnan(gain) else bool(gain >= 5.0)
    rows.append(
        ("concert, raw pitch of the vocal stem above the mix", "5 points", f"{gain:+.1f}", met)
    )
    for name in (KEPT_OUT, REAL, RENDERED):
        stem, mix = (
            _value(found, name, each, "onset_f", "mridangam") for each in (DEFAULT, MIXTURE)
        )
        met = None if np.isnan(stem - mix) else bool(stem > mix)
        rows.append((f"mridangam onset F, {name}", "above the mix", f"{stem:.3f} ({mix:.3f})", met))
    return rows


def _print_set(contenders: Mapping[str, Rows], *, confused: bool) -> None:
    heads = ["vocals", "violin", "mridangam", "mean SDR", "onset F", "SLR"]
    heads += ["violin in vocals", "vocals in violin"] if confused else []
    print(f"| | {' | '.join(heads)} |\n|---{'|---:' * len(heads)}|")
    for name, rows in contenders.items():
        values = [mean(rows, "sdr", stem) for stem in TARGETS] + [mean(rows, "sdr")]
        values += [mean(rows, "onset_f", "mridangam"), mean(rows, "slr", "vocals")]
        values += [mean(rows, "confusion", s) for s in ("vocals", "violin")] if confused else []
        print(f"| {name} | {' | '.join(_cell(value) for value in values)} |")


def _print_concert(contenders: Mapping[str, Rows]) -> None:
    print("| | raw pitch, 50 cents | SLR in vocal rests |\n|---|---:|---:|")
    for name, (row,) in contenders.items():
        print(f"| {name} | {100 * row['raw_pitch']:.1f} % | {_cell(row['slr'])} |")


def _count(contenders: Mapping[str, Rows]) -> str:
    cases = {row["case"] for rows in contenders.values() for row in rows}
    return f"{len(cases)} case{'s' if len(cases) > 1 else ''}"


def _sdr(found: Found, name: str, contender: str) -> float:
    rows = found.get(name, {}).get(contender)
    return mean(rows, "sdr") if rows else float("nan")


def _value(found: Found, name: str, contender: str, key: str, stem: str) -> float:
    rows = found.get(name, {}).get(contender)
    return mean(rows, key, stem) if rows else float("nan")


def _worst(found: Found, name: str) -> float:
    return min(_value(found, name, DEFAULT, "sdr", stem) for stem in TARGETS)


def _less_confused(found: Found, stem: str) -> float:
    first, now = (_value(found, RENDERED, each, "confusion", stem) for each in (FIRST, DEFAULT))
    return first - now


def _finite(value: object) -> bool:
    return isinstance(value, float | int) and bool(np.isfinite(value))


def _cell(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else ""
