"""Measure alignment on simulated kutcheris, and show it on real excerpts.

Run from the repository root: ``python recipes/alignment/measure.py --data ../shared/data``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scenes import RATE, players

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.alignment import BAND_CENTRES_HZ, Alignment, align_stem, shifted
from carnatic_sep.leakage.simulate import (
    GainRide,
    Limiter,
    Turn,
    Variation,
    draw_room,
    room_responses,
    simulate,
)

ROOMS = 8
SEED = 900
STEADY = Variation()
MOVING = Variation(turn=Turn(), gain_ride=GainRide(), limiter=Limiter())
SCENES = {
    "-20 dB": (-20.0, STEADY),
    "-10 dB": (-10.0, STEADY),
    "-5 dB": (-5.0, STEADY),
    "-10 dB, all that moves": (-10.0, MOVING),
}
REAL = {
    "20 s excerpt": ("real_multitrack", "*.flac", "mix.flac"),
    "2 s excerpt": ("saraga1.5_carnatic/Cherthala*/*", "*multitrack-*.mp3", "*.mp3.mp3"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20.0)
    data = parser.parse_args().data
    seconds = parser.parse_args().seconds

    print("| bleed | stems | lag error, median | worst | polarity right | confidence |")
    print("|---|---|---|---|---|---|")
    rooms = []
    for number in range(ROOMS):
        sources = players(data, seconds=seconds, seed=SEED + number)
        room = draw_room(SEED + number)
        rooms.append((sources, room_responses(room, sample_rate=RATE, names=tuple(sources))))
    for name, (bleed_db, variation) in SCENES.items():
        rng = np.random.default_rng(SEED)
        rows = []
        for sources, room in rooms:
            scene = simulate(
                sources, sample_rate=RATE, room=room, bleed_db=bleed_db, variation=variation
            )
            rows += [imposed(stem, scene.mixture, rng) for stem in scene.bled.values()]
        errors, right, confidence = (np.array(column) for column in zip(*rows, strict=True))
        print(
            f"| {name} | {len(rows)} | {np.median(errors):.4f} | {errors.max():.4f} "
            f"| {np.mean(right):.0%} "
            f"| {np.median(confidence):.2f} ({confidence.min():.2f} at least) |",
            flush=True,
        )
    for name, (folder, stems, mixture) in REAL.items():
        print(f"\n{name}\n")
        show(next(data.glob(folder)), stems, mixture)


def imposed(
    stem: np.ndarray, mixture: np.ndarray, rng: np.random.Generator
) -> tuple[float, bool, float]:
    """Shift, scale and perhaps turn over a stem; return error in frames, polarity, confidence."""
    lag = rng.uniform(-1000.0, 1000.0)
    polarity = int(rng.choice([-1, 1]))
    gain = 10.0 ** (rng.uniform(-12.0, 12.0) / 20.0)
    found = align_stem(polarity * gain * shifted(stem, lag), mixture, sample_rate=RATE)
    error = abs(found.lag_seconds * RATE - lag)
    return error, found.polarity == polarity, found.confidence


def show(folder: Path, stems: str, mixture: str) -> None:
    """Print what is found of each stem of a real multitrack."""
    files = sorted(folder.glob(stems))
    mixed = next(iter(folder.glob(mixture)))
    whole, rate = read_audio(mixed)
    octaves = " / ".join(f"{centre:g}" for centre in BAND_CENTRES_HZ)
    print(f"| stem | lag, ms | polarity | confidence | lags of octaves ({octaves} Hz), ms |")
    print("|---|---|---|---|---|")
    for file in files:
        if file == mixed:
            continue
        audio, _ = read_audio(file)
        found = align_stem(audio.mean(axis=0), whole.mean(axis=0), sample_rate=rate)
        print(row(file.stem.split("multitrack-")[-1], found))


def row(name: str, found: Alignment) -> str:
    octaves = " / ".join(f"{1000 * lag:.1f}" for lag in found.band_lags_seconds)
    return (
        f"| {name} | {1000 * found.lag_seconds:.2f} | {found.polarity:+d} "
        f"| {found.confidence:.2f} | {octaves} |"
    )


if __name__ == "__main__":
    main()
