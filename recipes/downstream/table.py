"""The tables of the recipe."""

from __future__ import annotations

import numpy as np

ROWS = {
    "overall_accuracy": ("overall accuracy, 50 cents", 100.0, "{:.1f} %"),
    "overall_accuracy_25": ("overall accuracy, 25 cents", 100.0, "{:.1f} %"),
    "plain_accuracy": ("overall accuracy, Melodia as it is", 100.0, "{:.1f} %"),
    "octave_accuracy": ("overall accuracy, octaves set right", 100.0, "{:.1f} %"),
    "raw_pitch": ("raw pitch, 50 cents", 100.0, "{:.1f} %"),
    "raw_pitch_25": ("raw pitch, 25 cents", 100.0, "{:.1f} %"),
    "raw_chroma": ("raw chroma, 50 cents", 100.0, "{:.1f} %"),
    "octave_errors": ("octave errors", 100.0, "{:.1f} %"),
    "voicing_recall": ("voicing recall", 100.0, "{:.1f} %"),
    "voicing_false_alarm": ("voicing false alarm", 100.0, "{:.1f} %"),
    "violin_capture": ("violin taken for the voice in its rests", 100.0, "{:.1f} %"),
    "gamaka_correlation": ("gamaka correlation", 1.0, "{:.3f}"),
    "gamaka_rms_cents": ("gamaka error, cents", 1.0, "{:.1f}"),
    "drone_locking": ("drone locking", 100.0, "{:.1f} %"),
    "histogram_distance": ("raga histogram, distance to truth", 1.0, "{:.3f}"),
    "tonic_cents": ("tonic error, cents, median", 1.0, "{:.1f}"),
    "onset_f": ("mridangam onsets, F at 25 ms", 1.0, "{:.3f}"),
}
BARS = {"concert": 3.0, "multitrack": 3.0, "rendered": 8.0}


def print_tables(found: list[dict[str, object]]) -> None:
    """Print one table a kind: a row a measure, a column a contender; and the bars."""
    for kind in ("concert", "multitrack", "rendered"):
        here = [each for each in found if each["kind"] == kind]
        if here:
            _print_table(kind, here)


def _print_table(kind: str, found: list[dict[str, object]]) -> None:
    names = list(dict.fromkeys(str(each["contender"]) for each in found))
    names.sort(key=lambda name: ({"mix": 0, "HPSS": 1, "true stems": 3}.get(name, 2), name))
    pieces = {str(each["piece"]) for each in found}
    print(f"\n{kind}, {len(pieces)} piece{'s' * (len(pieces) != 1)}\n")
    print("| | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    for key, (title, factor, form) in ROWS.items():
        cells = []
        for name in names:
            values = [
                float(str(each[key]))
                for each in found
                if each["contender"] == name and each.get(key) is not None
            ]
            middle = np.median if key == "tonic_cents" else np.mean
            cells.append(form.format(factor * float(middle(values))) if values else "")
        if any(cells):
            print(f"| {title} | " + " | ".join(cells) + " |")
    for name in names:
        if name not in ("mix", "HPSS", "true stems"):
            _print_bars(kind, found, name)


def _print_bars(kind: str, found: list[dict[str, object]], name: str) -> None:
    """Print the differences between a contender and the mix, piece by piece."""
    gains: dict[str, list[float]] = {"overall_accuracy": [], "gamaka_correlation": []}
    for piece in sorted({str(each["piece"]) for each in found}):
        pair = [
            next((e for e in found if e["piece"] == piece and e["contender"] == who), None)
            for who in (name, "mix")
        ]
        for key, row in gains.items():
            values = [each.get(key) for each in pair if each]
            if len(values) == 2 and None not in values:
                row.append(float(str(values[0])) - float(str(values[1])))
    if gains["overall_accuracy"]:
        points = [100.0 * gain for gain in gains["overall_accuracy"]]
        met = "met" if np.mean(points) >= BARS[kind] else "missed"
        print(
            f"\n{name} against the mix: overall accuracy {np.mean(points):+.1f} points "
            f"({min(points):+.1f} to {max(points):+.1f}); the bar of +{BARS[kind]:.0f} is {met}"
        )
    if gains["gamaka_correlation"]:
        mean = float(np.mean(gains["gamaka_correlation"]))
        met = "met" if mean >= 0.0 else "missed"
        print(f"{name} against the mix: gamaka correlation {mean:+.3f}; the bar of 0 is {met}")
