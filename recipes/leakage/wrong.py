"""What cleaning does to recordings that break its assumptions, and where the guard fires.

python recipes/leakage/wrong.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from measure import FIRST_ROOM, MOVING, MOVING_ROOMS, ROOMS
from sources import SAMPLE_RATE, draw_sources

from carnatic_sep.leakage.clean import CLEANER_VERSION, clean
from carnatic_sep.leakage.simulate import Variation, draw_room, room_responses, simulate

LEVEL_DB = -10
SOLO_DB = 20.0
HOP = SAMPLE_RATE // 20
STRETCH = 5 * SAMPLE_RATE
STEP = round(3.5 * SAMPLE_RATE)
HARM_DB = -0.5
COPY = "copy"

Stems = dict[str, np.ndarray]


def spoil(stems: Stems) -> dict[str, Stems]:
    """Return each mishap's stems; all begin halfway, but for the copies.

    Done to what microphones record, and to what they would without bleed: that is the truth.
    """
    voice, violin = stems["vocals"], stems["violin"]
    later = np.roll(violin, round(0.05 * SAMPLE_RATE))
    swapped = {"vocals": _from(voice, violin), "violin": _from(violin, voice)}
    return {
        "cables swapped": {**stems, **swapped},
        "voice in both cables": {**stems, "violin": _from(violin, voice)},
        "polarity flips": {**stems, "violin": _from(violin, -violin)},
        "clock jumps by 50 ms": {**stems, "violin": _from(violin, later)},
        "voice copied under another name": {**stems, COPY: np.float32(0.7) * voice},
        "violin copied under another name": {**stems, COPY: np.float32(0.7) * violin},
    }


def measure(recorded: Stems, truth: Stems, alone: dict[str, np.ndarray]) -> list[dict]:
    """Clean, and return for each stem what it lost and won."""
    found = clean(recorded, sample_rate=SAMPLE_RATE)
    rows = []
    for name, sound in recorded.items():
        cleaned, true = found.stems[name], truth[name]
        starts = range(0, len(sound) - STRETCH + 1, STEP)
        stretches = [slice(start, start + STRETCH) for start in starts]
        solo = alone.get(name, np.zeros(0, dtype=bool))
        rows.append(
            {
                "stem": name,
                "guarded": found.report.stems[name].guarded,
                "gain": gain_db(true, sound, cleaned),
                "stretches": [gain_db(true[s], sound[s], cleaned[s]) for s in stretches],
                "solos": lost_db(sound, cleaned, solo) if solo.any() else None,
            }
        )
    return rows


def gain_db(true: np.ndarray, before: np.ndarray, after: np.ndarray) -> float:
    """Return by how much the SDR rises."""
    errors = [np.sum(np.square(sound - true, dtype=np.float64)) for sound in (before, after)]
    return float(10 * np.log10((errors[0] + 1e-20) / (errors[1] + 1e-20)))


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


def run_room(args, room: int, cells: dict[str, list[dict]]) -> None:
    """Measure the cases in one room that `cells` does not hold yet."""
    cases = {case: (LEVEL_DB, variation) for case, variation in MOVING.items()}
    cases = {"none": (LEVEL_DB, Variation()), **cases, "none, at -20 dB": (-20, Variation())}
    cases = {case: how for case, how in cases.items() if case not in cells}
    if not cases:
        return
    side = "development" if args.development else "reported"
    sources = draw_sources(args.data, args.cache, pieces=ROOMS, test=not args.development)[room]
    responses = room_responses(
        draw_room(FIRST_ROOM[side] + room), sample_rate=SAMPLE_RATE, names=list(sources)
    )
    for case, (level, variation) in cases.items():
        scene = simulate(
            sources,
            sample_rate=SAMPLE_RATE,
            room=responses,
            bleed_db=level,
            seed=room,
            variation=variation,
        )
        alone = {name: solos(scene, name) for name in scene.bled}
        cells[case] = measure(scene.bled, scene.close, alone)
        if case == "none":
            truths = spoil(scene.close)
            for mishap, recorded in spoil(scene.bled).items():
                copied = mishap.split()[0].replace("voice", "vocals")
                here = {**alone, COPY: alone.get(copied, np.zeros(0, dtype=bool))}
                cells[mishap] = measure(recorded, truths[mishap], here)


def show(rooms: list[dict[str, list[dict]]]) -> None:
    print("| what goes wrong | stems | guard | harmed, of them guarded ", end="")
    print("| worst stem | stretches harmed, of them guarded | worst stretch | most lost in solos |")
    print("|---|---|---|---|---|---|---|---|")
    for case in rooms[0]:
        rows = [row for room in rooms for row in room[case]]
        harmed = [row for row in rows if row["gain"] < HARM_DB]
        pieces = [(gain, row["guarded"]) for row in rows for gain in row["stretches"]]
        bad = [guarded for gain, guarded in pieces if gain < HARM_DB]
        kept = [row["solos"] for row in rows if row["solos"] is not None and not row["guarded"]]
        print(
            f"| {case} | {len(rows)} | {sum(row['guarded'] for row in rows)} "
            f"| {len(harmed)}, {sum(row['guarded'] for row in harmed)} "
            f"| {min(row['gain'] for row in rows):+.1f} dB "
            f"| {len(bad)} of {len(pieces)}, {sum(bad)} "
            f"| {min(gain for gain, _ in pieces):+.1f} dB | {max(kept):.1f} dB |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--results", type=Path, default=Path("runs/leakage/wrong.json"))
    parser.add_argument("--rooms", type=int, default=MOVING_ROOMS)
    parser.add_argument("--development", action="store_true", help="rooms and sources to tune on")
    args = parser.parse_args()
    side = "development" if args.development else "reported"
    kept = json.loads(args.results.read_text()) if args.results.is_file() else {}
    rooms = []
    for room in range(args.rooms):
        key = f"{side}, cleaner {CLEANER_VERSION}, room {room}"
        run_room(args, room, kept.setdefault(key, {}))
        args.results.parent.mkdir(parents=True, exist_ok=True)
        args.results.write_text(json.dumps(kept, indent=1))
        rooms.append(kept[key])
    show(rooms)


if __name__ == "__main__":
    main()
