"""Set rendered pitch lines against measured ones: a table, and the figure of docs/howto/melody.md.

Run from the repository root:

    python recipes/ensemble/contours.py --data ../shared/data --figure docs/assets/contours.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from carnatic_sep.datasets.bank import load_voice, select
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.modulation import Modulation, measure_modulation, together

FORMS = ("alapana", "tanam", "kriti", "neraval", "kalpanasvara")
PIECES, SECONDS = 12, 24.0


def main() -> None:
    options = _options()
    rows = {
        "alapana, woman (Performer1)": _singer(options.data, "Performer1", options.cache),
        "alapana, man (Performer3)": _singer(options.data, "Performer3", options.cache),
    }
    annotation = _annotation(options.data)
    if annotation is not None:
        rows["kriti, Saraga's annotation"] = annotation
    for form in FORMS:
        rows[f"rendered {form}"] = _rendered(form)
    print(_table(rows))
    if options.figure:
        _draw(rows, options.figure)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of solo recordings")
    parser.add_argument("--cache", type=Path, default=Path("runs/contours"), help="pitch contours")
    parser.add_argument("--figure", type=Path, help="where to draw the figure (PNG)")
    return parser.parse_args()


def _singer(root: Path, name: str, cache: Path) -> Modulation:
    clips = [
        load_voice(root, path, cache=cache)
        for path in select(root, ["voice/alapana/*"])
        if Path(path).name.startswith(name)
    ]
    return together(
        [
            measure_modulation(
                1200.0 * np.log2(clip.contour.f0), clip.contour.voiced, rate=PITCH_RATE
            )
            for clip in clips
        ]
    )


def _annotation(root: Path) -> Modulation | None:
    """Measure the first Saraga track that has a pitch annotation of more than a minute."""
    for path in sorted(root.glob("saraga1.5_carnatic/*/*/*.pitch.txt")):
        seconds, hz = np.loadtxt(path, unpack=True)
        if seconds[-1] > 60.0:
            voiced = hz > 0
            cents = 1200.0 * np.log2(np.where(voiced, hz, 1.0))
            cents = np.interp(seconds, seconds[voiced], cents[voiced])
            return measure_modulation(cents, voiced, rate=1.0 / float(np.median(np.diff(seconds))))
    return None


def _rendered(form: str) -> Modulation:
    parts = []
    for seed in range(PIECES):
        voice = write_melody(draw_frame(seconds=SECONDS, seed=seed, form=form)).voice
        parts.append(measure_modulation(voice.cents, voice.level > 0.05, rate=CONTROL_RATE))
    return together(parts)


def _table(rows: dict[str, Modulation]) -> str:
    lines = [
        "| line | voiced (s) | rate (Hz) | extent (cents) | glide (ms) | oscillating | steady |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in rows.items():
        cells = [
            f"{found.voiced:.0f}",
            _quartiles(found.rate_hz, "{:.1f}"),
            _quartiles(found.extent_cents, "{:.0f}"),
            _quartiles(1000.0 * found.glide_seconds, "{:.0f}"),
            f"{100.0 * found.oscillating / found.voiced:.0f} %",
            f"{100.0 * found.steady / found.voiced:.0f} %",
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _quartiles(values: np.ndarray, form: str) -> str:
    low, middle, high = (form.format(each) for each in np.percentile(values, [25, 50, 75]))
    return f"{middle} ({low} to {high})"


def _draw(rows: dict[str, Modulation], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    real = together([found for name, found in rows.items() if not name.startswith("rendered")])
    made = together([found for name, found in rows.items() if name.startswith("rendered")])
    panels = (
        ("oscillations: cycles a second", real.rate_hz, made.rate_hz, np.linspace(2, 10, 33)),
        ("oscillations: cents, turn to turn", real.extent_cents, made.extent_cents,
         np.linspace(30, 400, 38)),
        ("glides: ms from 10 to 90 %", 1000 * real.glide_seconds, 1000 * made.glide_seconds,
         np.linspace(0, 500, 51)),
    )  # fmt: skip
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for axis, (label, measured, rendered, bins) in zip(axes, panels, strict=True):
        axis.hist(measured, bins=bins, density=True, alpha=0.55, label="singers", color="#c25b2a")
        axis.hist(rendered, bins=bins, density=True, histtype="step", lw=1.6, label="rendered",
                  color="#1f3a5f")  # fmt: skip
        axis.set_xlabel(label)
        axis.set_yticks([])
    axes[0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    main()
