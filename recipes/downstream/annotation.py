"""What the concert's pitch annotation is: whose output, and of which sound.

    python recipes/downstream/annotation.py --data DATA

prints how much of it lies on Melodia's own grid, and how often essentia's Melodia finds the very
same step of 10 cents in the mix, at several shifts of time, and in the newest stem of the voice
that run.py has kept (--stems).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile

from carnatic_sep.analysis.trackers import essentia_standard
from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.pitch_annotation import SARAGA_DELAY_SECONDS

REFERENCE_HZ, STEP_CENTS = 55.0, 10.0
HOP = 196
LOOSE = 1.4
SHIFTS = {
    "decoder delay taken off": SARAGA_DELAY_SECONDS,
    "not shifted": 0.0,
    "half a second late": SARAGA_DELAY_SECONDS - 0.5,
}


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--stems", type=Path, default=Path("runs/downstream/stems/concert"))
    given = parser.parse_args()
    path = next((given.data / "saraga1.5_carnatic").glob("Live at Vani Mahal*/*/*.mp3"))
    times, f0 = np.loadtxt(path.with_suffix(".pitch.txt")).T
    steps = 1200.0 * np.log2(f0[f0 > 0.0] / REFERENCE_HZ) / STEP_CENTS
    on_grid = np.mean(np.abs(steps - np.round(steps)) < 0.02)
    print(
        f"{len(f0)} samples, {np.mean(f0 > 0):.1%} voiced; {on_grid:.1%} of these on steps of "
        f"{STEP_CENTS:g} cents from {REFERENCE_HZ:g} Hz"
    )
    mixture, rate = read_audio(path)
    print("\n| Melodia on | time | both voiced: same step | within 50 cents | voicing agrees |")
    print("|---|---|---:|---:|---:|")
    name, shift = next(iter(SHIFTS.items()))
    loose = _melodia(mixture, rate, tolerance=LOOSE)
    _compare(f"the mix, voicing tolerance {LOOSE}", name, loose, times - shift, f0)
    found = _melodia(mixture, rate)
    for name, shift in SHIFTS.items():
        _compare("the mix", name, found, times - shift, f0)
    name, shift = next(iter(SHIFTS.items()))
    newest = sorted(given.stems.glob("*/*/vocals.flac"), key=lambda path: path.stat().st_mtime)
    for stem in newest[-1:]:
        audio = soundfile.read(stem, dtype="float32", always_2d=True)[0].T
        _compare(stem.parent.name, name, _melodia(audio, rate), times - shift, f0)


def _melodia(audio: np.ndarray, rate: int, *, tolerance: float = 0.2) -> np.ndarray:
    """Track with the settings that the annotation's grid speaks of: 10 cents from 55 Hz."""
    assert rate == 44100
    standard = essentia_standard()
    loud = standard.EqualLoudness(sampleRate=rate)(np.ascontiguousarray(audio.mean(axis=0)))
    track = standard.PredominantPitchMelodia(
        sampleRate=rate, frameSize=2048, hopSize=HOP, voicingTolerance=tolerance
    )
    return np.maximum(np.asarray(track(loud)[0], dtype=np.float64), 0.0)


def _compare(what: str, when: str, found: np.ndarray, times: np.ndarray, f0: np.ndarray) -> None:
    inside = (times >= 0.0) & (times * 44100 / HOP < len(found) - 1)
    heard = found[np.round(times[inside] * 44100 / HOP).astype(np.int64)]
    told = f0[inside]
    both = (heard > 0.0) & (told > 0.0)
    apart = np.abs(1200.0 * np.log2(heard[both] / told[both]))
    print(
        f"| {what} | {when} | {np.mean(apart < STEP_CENTS / 2):.1%} | {np.mean(apart < 50):.1%} | "
        f"{np.mean((heard > 0.0) == (told > 0.0)):.1%} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
