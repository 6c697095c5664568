"""Measure how well players are told from their bleed, and how pure solo regions are.

Run from the repository root: ``python recipes/alignment/activity.py --data ../shared/data``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scenes import RATE, players

from carnatic_sep.leakage.activity import frame_activity, silence_regions, solo_regions
from carnatic_sep.leakage.simulate import Simulated, draw_room, room_responses, simulate

ROOMS = 8
SEED = 900
BLEED_DB = (-20.0, -10.0, -5.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=24.0)
    arguments = parser.parse_args()

    rooms = []
    for number in range(ROOMS):
        sources = players(arguments.data, seconds=arguments.seconds, seed=SEED + number)
        room = draw_room(SEED + number)
        rooms.append((sources, room_responses(room, sample_rate=RATE, names=tuple(sources))))
    print(
        "| bleed | playing found | worst stem | silence taken for playing | worst stem "
        "| solos, s | bleed in them, dB | silences, s | player left in them, dB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for bleed_db in BLEED_DB:
        scenes = [
            simulate(sources, sample_rate=RATE, room=room, bleed_db=bleed_db)
            for sources, room in rooms
        ]
        print(row(bleed_db, scenes), flush=True)


def row(bleed_db: float, scenes: list[Simulated]) -> str:
    found, mistaken = [], []
    solo, silent = np.zeros(3), np.zeros(3)  # seconds, energy of player, of bleed or of all
    for scene in scenes:
        activity = frame_activity(np.stack(list(scene.bled.values())), sample_rate=RATE)
        truth = frame_activity(np.stack(list(scene.close.values())), sample_rate=RATE).level_db
        for index, name in enumerate(scene.close):
            loud = np.quantile(truth[index], 0.95)
            found.append(activity.active[index][truth[index] > loud - 20.0].mean())
            mistaken.append(activity.active[index][truth[index] < loud - 45.0].mean())
            close, bleed = scene.close[name], scene.bleed[name]
            for start, end in solo_regions(activity, index):
                span = slice(int(start * RATE), int(end * RATE))
                solo += (end - start, energy(close[span]), energy(bleed[span]))
            for start, end in silence_regions(activity, index):
                span = slice(int(start * RATE), int(end * RATE))
                mean = energy(close) * (end - start) * RATE / len(close)
                silent += (end - start, energy(close[span]), mean)
    return (
        f"| {bleed_db:g} dB | {np.mean(found):.1%} | {np.min(found):.1%} | {np.mean(mistaken):.1%} "
        f"| {np.max(mistaken):.1%} | {solo[0]:.0f} | {10 * np.log10(solo[2] / solo[1]):.1f} "
        f"| {silent[0]:.0f} | {10 * np.log10(silent[1] / silent[2]):.1f} |"
    )


def energy(sound: np.ndarray) -> float:
    return float(np.sum(np.square(sound, dtype=np.float64)))


if __name__ == "__main__":
    main()
