"""Recordings that break the cleaner's assumptions: what solos lose, and where the guard fires.

python recipes/leakage/wrong.py --data ../shared/data
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from measure import MOVING_ROOMS, ROOMS
from sources import SAMPLE_RATE, draw_sources

from carnatic_sep.leakage.clean import clean
from carnatic_sep.leakage.simulate import draw_room, room_responses, simulate

LEVEL_DB = -10
SOLO_DB = 20.0
HOP = SAMPLE_RATE // 20


def spoil(bled: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return each mishap's stems; all begin halfway, but for the copy."""
    voice, violin = bled["vocals"], bled["violin"]
    later = np.roll(violin, round(0.05 * SAMPLE_RATE))
    return {
        "none": bled,
        "cables swapped": {**bled, "vocals": _from(voice, violin), "violin": _from(violin, voice)},
        "voice in both cables": {**bled, "violin": _from(violin, voice)},
        "polarity flips": {**bled, "violin": _from(violin, -violin)},
        "clock jumps by 50 ms": {**bled, "violin": _from(violin, later)},
        "voice copied under another name": {**bled, "copy": np.float32(0.7) * voice},
    }


def lost_db(stem: np.ndarray, cleaned: np.ndarray, alone: np.ndarray) -> float:
    """Return which share of the energy went where `alone` (hops,), in dB."""
    gone, there = _levels(stem - cleaned)[alone].sum(), _levels(stem)[alone].sum()
    return float(10 * np.log10((gone + 1e-20) / (there + 1e-20)))


def solos(scene, name: str) -> np.ndarray:
    """Return hops (hops,) of the first half where a stem's own sound exceeds its bleed."""
    own, bleed = _levels(scene.close[name]), _levels(scene.bled[name] - scene.close[name])
    loud = own > 1e-3 * own.max()
    found = loud & (own > 10 ** (SOLO_DB / 10) * bleed)
    found[len(found) // 2 - 2 :] = False
    return found


def _levels(sound: np.ndarray) -> np.ndarray:
    """Return energies of hops of 50 ms."""
    kept = len(sound) // HOP * HOP
    return np.square(sound[:kept].astype(np.float64)).reshape(-1, HOP).sum(1)


def _from(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    half = len(before) // 2
    return np.concatenate([before[:half], after[half:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    args = parser.parse_args()
    sources = draw_sources(args.data, args.cache, pieces=ROOMS, test=True)
    table: dict[str, list[tuple[float, bool]]] = {}
    for room in range(MOVING_ROOMS):
        names = list(sources[room])
        responses = room_responses(draw_room(room), sample_rate=SAMPLE_RATE, names=names)
        scene = simulate(
            sources[room], sample_rate=SAMPLE_RATE, room=responses, bleed_db=LEVEL_DB, seed=room
        )
        for mishap, stems in spoil(scene.bled).items():
            found = clean(stems, sample_rate=SAMPLE_RATE)
            for name in stems:
                own = "vocals" if name == "copy" else name
                alone = solos(scene, own)
                if alone.any():
                    lost = lost_db(stems[name], found.stems[name], alone)
                    table.setdefault(mishap, []).append((lost, found.report.stems[name].guarded))
    print("| what goes wrong | stems with solos | guard | most lost in solos without it |")
    print("|---|---|---|---|")
    for mishap, rows in table.items():
        kept = [lost for lost, guarded in rows if not guarded]
        print(
            f"| {mishap} | {len(rows)} | {sum(guarded for _, guarded in rows)} of {len(rows)} "
            f"| {max(kept):.1f} dB |"
        )


if __name__ == "__main__":
    main()
