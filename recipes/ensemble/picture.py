"""Draw a rendered piece with its truth: stems as spectrograms, pitch lines and strokes over them.

carnatic-sep render --seconds 12 --seed 7 --out renders
python recipes/ensemble/picture.py renders/000007 docs/assets/render.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile
from scipy.signal import spectrogram

from carnatic_sep.ensemble.contour import Contour
from carnatic_sep.ensemble.score import Score
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, OTHER, VIOLIN, VOCALS

_TOP_HZ = 3000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("piece", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    draw(options.piece, options.picture)


def draw(piece: Path, picture: Path) -> None:
    """Draw the mixture and the stems of a rendered piece with its score over them."""
    score = Score.from_json((piece / "score.json").read_text(encoding="utf-8"))
    rows = ("mixture", *DEFAULT_STEMS)
    figure, axes = plt.subplots(len(rows), 1, figsize=(9, 9), sharex=True, layout="constrained")
    for axis, name in zip(axes, rows, strict=True):
        audio, rate = soundfile.read(piece / f"{name}.wav")
        hz, seconds, power = spectrogram(audio.mean(axis=1), rate, nperseg=2048, noverlap=1536)
        shown = hz < _TOP_HZ
        level = 10 * np.log10(power[shown] + 1e-14)
        axis.pcolormesh(
            seconds, hz[shown], level, vmin=level.max() - 75, cmap="magma", rasterized=True
        )
        axis.set_ylabel(f"{name}\nHz")
        if name in (VOCALS, VIOLIN):
            _line(axis, score, score.voice if name == VOCALS else score.violin)
        if name == MRIDANGAM:
            _strokes(axis, score, {MRIDANGAM})
        if name == OTHER:
            _strokes(axis, score, {"ghatam", "kanjira", "clap"})
    axes[-1].set_xlabel("seconds")
    beats = 60.0 / score.frame.beat_seconds
    figure.suptitle(
        f"{score.form}, raga {score.raga}, {score.tala} tala at {beats:.0f} beats a minute, "
        f"Sa {score.tonic_hz:.1f} Hz"
    )
    figure.savefig(picture, dpi=80)


def _line(axis: plt.Axes, score: Score, line: Contour) -> None:
    hz = score.tonic_hz * 2.0 ** (line.cents / 1200.0)
    axis.plot(line.times, np.where(line.level > 0.05, hz, np.nan), color="cyan", linewidth=0.9)


def _strokes(axis: plt.Axes, score: Score, instruments: set[str]) -> None:
    for stroke in score.strokes:
        if stroke.instrument in instruments:
            top = 0.25 + 0.35 * stroke.velocity
            axis.axvline(stroke.seconds, 1.0 - top / 3, 1.0, color="cyan", linewidth=0.7)


if __name__ == "__main__":
    main()
