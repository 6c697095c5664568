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
import torch
from sources import SAMPLE_RATE, draw_sources

from carnatic_sep.audio.spectral import istft, stft
from carnatic_sep.leakage.clean import CLEANER_VERSION, CleanConfig
from carnatic_sep.leakage.config import window_frames
from carnatic_sep.leakage.estimate import of_segment
from carnatic_sep.leakage.segment import clean_segment, post_filter
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
SYSTEMS = ("joint FIR", "joint FIR + post-filter", "MIRA-like")
MOVING = {
    "singer turns": Variation(turn=Turn()),
    "gain rides": Variation(gain_ride=GainRide()),
    "soft limiter": Variation(limiter=Limiter()),
}
Cell = tuple[str, int, int, Variation]
# Development uses other rooms, and the sources that the test side keeps out.
FIRST_ROOM = {"reported": 0, "development": 100}


def measure_cell(scene, projection: FilterProjection) -> dict:
    """Score the systems on one scene: gains in dB per stem, guard, and ceilings."""
    names = list(scene.close)
    truth = np.stack([scene.close[name] for name in names])
    bled = np.stack([scene.bled[name] for name in names])
    before = [sdr(truth[k], bled[k]) for k in range(len(names))]
    energies = projection.energies(bled)
    interference = [energies.sir_db(k, k) for k in range(len(names))]
    systems, ceilings = run_systems(bled)
    cell: dict = {
        "stems": names,
        "sdr": before,
        "ceiling": ceilings.tolist(),
        "true_ceiling": [sdr(bled[k], truth[k]) for k in range(len(names))],
        "systems": {},
    }
    for system, (audio, outcome) in systems.items():
        energies = projection.energies(audio)
        cell["systems"][system] = {
            "dsdr": [sdr(truth[k], audio[k]) - before[k] for k in range(len(names))],
            "dsir": [energies.sir_db(k, k) - interference[k] for k in range(len(names))],
            "guarded": [got in ("1 round", "wiener", "copy") for got in outcome],
        }
    return cell


def run_systems(bled: np.ndarray) -> tuple[dict, np.ndarray]:
    """Clean (stems, frames) with every system, and estimate ceilings: one fit for all."""
    n_fft = window_frames(SAMPLE_RATE)
    with torch.inference_mode():
        spectra = stft(torch.from_numpy(bled), n_fft=n_fft, hop_frames=n_fft // 4)
        spectra = spectra.permute(1, 0, 2).contiguous()
        related = torch.eye(len(bled), dtype=torch.bool)
        ours = clean_segment(spectra, related=related, config=CleanConfig())
        theirs = clean_segment(spectra, related=related, config=CleanConfig(method="mira"))
        ceilings = of_segment(spectra, ours, hop_seconds=n_fft / 4 / SAMPLE_RATE).ceiling_db
        chosen = (ours.spectra, post_filter(spectra, ours), theirs.spectra)
        audio = [
            istft(one.permute(1, 0, 2), n_fft=n_fft, hop_frames=n_fft // 4, frames=bled.shape[1])
            for one in chosen
        ]
    outcomes = (ours.outcome, ours.outcome, theirs.outcome)
    found = {
        system: (sound.numpy(), outcome)
        for system, sound, outcome in zip(SYSTEMS, audio, outcomes, strict=True)
    }
    return found, ceilings


def run_cells(args, wanted: list[Cell]) -> dict:
    """Measure what is not in the results yet, and save after each cell."""
    results = _load(args.results)
    side = "development" if args.development else "reported"
    missing = [cell for cell in wanted if f"{side}/{cell[0]}" not in results]
    sources = responses = None
    projections: dict = {}
    for key, room, level, variation in missing:
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
        # The truth is the same at every level; the factors of its correlations are costly.
        truth = np.stack(list(scene.close.values()))
        if truth.tobytes() not in projections:
            projections = {truth.tobytes(): FilterProjection(truth, taps=512)}
        results[f"{side}/{key}"] = measure_cell(scene, projections[truth.tobytes()])
        _save(args.results, results)
        gains = results[f"{side}/{key}"]["systems"]
        print(key, *(np.round(one["dsdr"], 1) for one in gains.values()), flush=True)
    return {cell[0]: results[f"{side}/{cell[0]}"] for cell in wanted}


def steady(args) -> None:
    cells = run_cells(args, _steady_cells(args))
    print("\n| bleed | system | SDR gain | SIR gain | worst stem (SDR) | guard |")
    print("|---|---|---|---|---|---|")
    for level in LEVELS:
        chosen = [cells[f"room {room}, {level} dB"] for room in range(args.rooms)]
        for system in SYSTEMS:
            gain, interference, guarded = _pool(chosen, system)
            print(
                f"| {level} dB | {system} | {gain.mean():.1f} dB | {interference.mean():.1f} dB "
                f"| {gain.min():+.1f} dB | {guarded.sum()} of {guarded.size} |"
            )


def moving(args) -> None:
    wanted = [
        (f"{name}, room {room}", room, -10, variation)
        for room in range(MOVING_ROOMS)
        for name, variation in MOVING.items()
    ]
    cells = run_cells(args, wanted)
    print("\n| what changes | system | SDR gain | SIR gain | worst stem (SDR) | guard |")
    print("|---|---|---|---|---|---|")
    for name in MOVING:
        chosen = [cells[f"{name}, room {room}"] for room in range(MOVING_ROOMS)]
        for system in SYSTEMS[:2]:
            gain, interference, guarded = _pool(chosen, system)
            print(
                f"| {name} | {system} | {gain.mean():.1f} dB | {interference.mean():.1f} dB "
                f"| {gain.min():+.1f} dB | {guarded.sum()} of {guarded.size} |"
            )


def ceiling(args) -> None:
    cells = run_cells(args, _steady_cells(args))
    print("\n| bleed | stems | within 2 dB | median error | worst |")
    print("|---|---|---|---|---|")
    for level in LEVELS:
        chosen = [cells[f"room {room}, {level} dB"] for room in range(args.rooms)]
        error = np.array([np.subtract(c["ceiling"], c["true_ceiling"]) for c in chosen]).ravel()
        print(
            f"| {level} dB | {error.size} | {np.mean(np.abs(error) <= 2.0):.0%} "
            f"| {np.median(error):+.1f} dB | {error[np.argmax(np.abs(error))]:+.1f} dB |"
        )


def _steady_cells(args) -> list[Cell]:
    return [
        (f"room {room}, {level} dB", room, level, Variation())
        for room in range(args.rooms)
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
    parser.add_argument("--rooms", type=int, default=ROOMS, help="of the steady ones")
    parser.add_argument("--development", action="store_true", help="rooms and sources to tune on")
    chosen = parser.parse_args()
    tables[chosen.table](chosen)
