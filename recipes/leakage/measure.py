"""Measure the cleaner on simulated kutcheris. One table a command; cells are kept in a JSON file.

python recipes/leakage/measure.py steady  --data ../shared/data
python recipes/leakage/measure.py moving  --data ../shared/data
python recipes/leakage/measure.py ceiling --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from sources import SAMPLE_RATE, draw_sources

from carnatic_sep.leakage.clean import CLEANER_VERSION, CleanConfig, clean
from carnatic_sep.leakage.estimate import ceiling_sdr
from carnatic_sep.leakage.simulate import (
    GainRide,
    Limiter,
    Turn,
    Variation,
    draw_room,
    room_responses,
    simulate,
)
from carnatic_sep.metrics.filters import FilterProjection
from carnatic_sep.metrics.sdr import sdr

ROOMS = 8
MOVING_ROOMS = 3
LEVELS = (-20, -10, -5)
SYSTEMS = {
    "joint FIR": CleanConfig(),
    "joint FIR + post-filter": CleanConfig(post_filter=True),
    "MIRA-like": CleanConfig(method="mira"),
}
MOVING = {
    "singer turns": Variation(turn=Turn()),
    "gain rides": Variation(gain_ride=GainRide()),
    "soft limiter": Variation(limiter=Limiter()),
}
# Development uses other rooms, and the sources that the test side keeps out.
FIRST_ROOM = {"reported": 0, "development": 100}


def measure_cell(scene, systems) -> dict:
    """Score systems on one scene: gains in dB per stem, guard, and ceilings."""
    names = list(scene.close)
    truth = np.stack([scene.close[name] for name in names])
    bled = np.stack([scene.bled[name] for name in names])
    before = [sdr(scene.close[name], scene.bled[name]) for name in names]
    projection = FilterProjection(truth, taps=512)
    energies = projection.energies(bled)
    interference = [energies.sir_db(k, k) for k in range(len(names))]
    cell: dict = {
        "stems": names,
        "sdr": before,
        "ceiling": ceiling_sdr(bled, sample_rate=SAMPLE_RATE).tolist(),
        "true_ceiling": [sdr(scene.bled[name], scene.close[name]) for name in names],
        "systems": {},
    }
    for system in systems:
        found = clean(scene.bled, sample_rate=SAMPLE_RATE, config=SYSTEMS[system])
        audio = np.stack([found.stems[name] for name in names])
        energies = projection.energies(audio)
        cell["systems"][system] = {
            "dsdr": [sdr(truth[k], audio[k]) - before[k] for k in range(len(names))],
            "dsir": [energies.sir_db(k, k) - interference[k] for k in range(len(names))],
            "guarded": [found.report.stems[name].guarded for name in names],
        }
    return cell


def run_cells(args, wanted: list[tuple[str, int, int, Variation, list[str]]]) -> dict:
    """Measure what is not in the results yet, and save after each cell."""
    results = _load(args.results)
    side = "development" if args.development else "reported"
    missing = [cell for cell in wanted if f"{side}/{cell[0]}" not in results]
    sources = responses = None
    for key, room, level, variation, systems in missing:
        sources = sources or draw_sources(
            args.data, args.cache, pieces=ROOMS, test=not args.development
        )
        if responses is None or responses[0] != room:
            drawn = draw_room(FIRST_ROOM[side] + room)
            stems = list(sources[room])
            responses = room, room_responses(drawn, sample_rate=SAMPLE_RATE, names=stems)
        scene = simulate(
            sources[room],
            sample_rate=SAMPLE_RATE,
            room=responses[1],
            bleed_db=level,
            seed=room,
            variation=variation,
        )
        results[f"{side}/{key}"] = measure_cell(scene, systems)
        _save(args.results, results)
        gains = results[f"{side}/{key}"]["systems"][systems[0]]["dsdr"]
        print(key, np.round(gains, 1), flush=True)
    return {cell[0]: results[f"{side}/{cell[0]}"] for cell in wanted}


def steady(args) -> None:
    cells = run_cells(args, _steady_cells())
    print("\n| bleed | system | SDR gain | SIR gain | worst stem (SDR) | guard |")
    print("|---|---|---|---|---|---|")
    for level in LEVELS:
        chosen = [cells[f"room {room}, {level} dB"] for room in range(ROOMS)]
        for system in SYSTEMS:
            gain, interference, guarded = _pool(chosen, system)
            print(
                f"| {level} dB | {system} | {gain.mean():.1f} dB | {interference.mean():.1f} dB "
                f"| {gain.min():+.1f} dB | {guarded.sum()} of {guarded.size} |"
            )


def moving(args) -> None:
    system = "joint FIR"
    wanted = [
        (f"{name}, room {room}", room, -10, variation, [system])
        for room in range(MOVING_ROOMS)
        for name, variation in MOVING.items()
    ]
    cells = run_cells(args, wanted)
    print("\n| what changes | SDR gain | SIR gain | worst stem (SDR) | guard |")
    print("|---|---|---|---|---|")
    for name in MOVING:
        chosen = [cells[f"{name}, room {room}"] for room in range(MOVING_ROOMS)]
        gain, interference, guarded = _pool(chosen, system)
        print(
            f"| {name} | {gain.mean():.1f} dB | {interference.mean():.1f} dB "
            f"| {gain.min():+.1f} dB | {guarded.sum()} of {guarded.size} |"
        )


def ceiling(args) -> None:
    cells = run_cells(args, _steady_cells())
    print("\n| bleed | stems | within 2 dB | median error | worst |")
    print("|---|---|---|---|---|")
    for level in LEVELS:
        chosen = [cells[f"room {room}, {level} dB"] for room in range(ROOMS)]
        error = np.array([np.subtract(c["ceiling"], c["true_ceiling"]) for c in chosen]).ravel()
        print(
            f"| {level} dB | {error.size} | {np.mean(np.abs(error) <= 2.0):.0%} "
            f"| {np.median(error):+.1f} dB | {error[np.argmax(np.abs(error))]:+.1f} dB |"
        )


def _steady_cells() -> list[tuple[str, int, int, Variation, list[str]]]:
    return [
        (f"room {room}, {level} dB", room, level, Variation(), list(SYSTEMS))
        for room in range(ROOMS)
        for level in LEVELS
    ]


def _pool(cells: list[dict], system: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = [cell["systems"][system] for cell in cells]
    return tuple(np.array([one[key] for one in found]) for key in ("dsdr", "dsir", "guarded"))


def _load(path: Path) -> dict:
    if not path.is_file():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    return document["cells"] if document["cleaner"] == CLEANER_VERSION else {}


def _save(path: Path, cells: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_name(path.name + ".partial")
    growing.write_text(json.dumps({"cleaner": CLEANER_VERSION, "cells": cells}, indent=1))
    growing.replace(path)


if __name__ == "__main__":
    tables = {"steady": steady, "moving": moving, "ceiling": ceiling}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=tables)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--results", type=Path, default=Path("runs/leakage/results.json"))
    parser.add_argument("--development", action="store_true", help="rooms and sources to tune on")
    chosen = parser.parse_args()
    tables[chosen.table](chosen)
