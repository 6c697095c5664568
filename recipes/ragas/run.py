"""How often the nearest raga is the right one.

    python recipes/ragas/run.py --data DATA --out runs/ragas

writes what is guessed of each melody into a JSON file a set, keeps what is there, prints tables.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from carnatic_sep.analysis.distribution import distribution
from carnatic_sep.analysis.pitch import PitchTrack, track_pitch
from carnatic_sep.analysis.ragas import nearest_ragas
from carnatic_sep.datasets.bank import load_voice
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.raga import ragas
from carnatic_sep.ensemble.voice import sing
from carnatic_sep.errors import AnalysisError

FIRST_SEED = 890000
RATE = 44100
MARGINS = (0.0, 0.1, 0.2, 0.4, 1.01)
LENGTHS = (15.0, 60.0)
Guess = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A melody whose raga is known; `listen` gives it and its tonic in Hz."""

    name: str
    raga: str
    listen: Callable[[], tuple[PitchTrack, float]]


def main() -> None:
    """Guess what is not there yet, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/ragas"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="keeps contours")
    parser.add_argument("--pieces", type=int, default=10, help="written melodies a raga and length")
    parser.add_argument("--sung", action="store_true", help="also what has to be tracked (slow)")
    given = parser.parse_args()
    sets = {f"written, {length:g} s": written(given.pieces, length) for length in LENGTHS}
    sets["alapana of two singers, tracked"] = alapana(given.data, given.cache)
    sets["concert, annotated"] = concert(given.data)
    if given.sung:
        sets["sung by rule and tracked, 20 s"] = sung(20.0)
    print("| melodies | number | first | among three | among five | by chance first |")
    print("|---|---:|---:|---:|---:|---:|")
    kept = {}
    for name, cases in sets.items():
        found = guesses(given.out / f"{name.replace(', ', '-').replace(' ', '-')}.json", cases)
        if found:
            kept[name] = found
            ranks = np.array([each["rank"] for each in found])
            shares = " | ".join(f"{100 * np.mean(ranks <= most):.0f} %" for most in (1, 3, 5))
            print(f"| {name} | {len(found)} | {shares} | {100 / len(ragas()):.0f} % |")
    print_confidence(kept)
    print_alapana(kept.get("alapana of two singers, tracked", []))


def written(count: int, seconds: float) -> Iterator[Case]:
    """Write `count` melodies in each raga; their pitch is known, and nothing is tracked."""
    for number, raga in enumerate(ragas()):
        for index in range(count):
            seed = FIRST_SEED + 100 * number + index
            yield Case(
                f"{raga.name} {seed}", raga.name, partial(_written, raga.name, seed, seconds)
            )


def _written(raga: str, seed: int, seconds: float) -> tuple[PitchTrack, float]:
    frame = draw_frame(seconds=seconds, seed=seed, raga=raga)
    line = write_melody(frame).voice
    f0 = np.where(line.level > 0.02, frame.tonic_hz * 2.0 ** (line.cents / 1200.0), 0.0)
    track = PitchTrack(f0, np.ones(len(f0)), 1.0 / CONTROL_RATE, "score")
    return track.resampled(0.01), frame.tonic_hz


def sung(seconds: float) -> Iterator[Case]:
    """Let the renderer's singer sing one alapana in each raga, alone, and track it."""
    for number, raga in enumerate(ragas()):
        seed = FIRST_SEED + 50000 + number
        yield Case(f"{raga.name} {seed}", raga.name, partial(_sung, raga.name, seed, seconds))


def _sung(raga: str, seed: int, seconds: float) -> tuple[PitchTrack, float]:
    frame = draw_frame(seconds=seconds, seed=seed, raga=raga, form="alapana")
    voice = sing(
        write_melody(frame).voice,
        tonic_hz=frame.tonic_hz,
        high_voice=frame.tonic_hz > 165.0,
        frames=round(seconds * RATE),
        sample_rate=RATE,
        rng=np.random.default_rng(seed),
    )
    return track_pitch(voice, RATE, alone=True), frame.tonic_hz


def alapana(data: Path, cache: Path) -> Iterator[Case]:
    """Join the clips of each recorded alapana; the singers told tonic and raga."""
    folder = data / "voice"
    table = folder / "alapana_metadata.csv"
    known = {each.name.lower().replace(" ", ""): each.name for each in ragas()}
    rows = table.read_text(encoding="utf-8").splitlines()[1:] if table.is_file() else []
    for row in rows:
        cells = [cell.strip() for cell in row.split(",")]
        clips = sorted((folder / "alapana").glob(f"{cells[1]}_*")) if cells[1] else []
        if clips and cells[6] in known:
            names = [clip.relative_to(data).as_posix() for clip in clips]
            listen = partial(_joined, data, names, cache, float(cells[5]))
            yield Case(cells[1], known[cells[6]], listen)


def _joined(data: Path, names: list[str], cache: Path, tonic_hz: float) -> tuple[PitchTrack, float]:
    contours = [load_voice(data, name, cache=cache).contour for name in names]
    f0 = np.concatenate([np.where(each.voiced, each.f0, 0.0) for each in contours])
    f0 = f0.astype(np.float64)
    return PitchTrack(f0, np.ones(len(f0)), 1.0 / PITCH_RATE, "pyin"), tonic_hz


def concert(data: Path) -> Iterator[Case]:
    """Take the annotated melody and tonic of the concert; it is in Bhairavi."""
    for path in sorted((data / "saraga1.5_carnatic").glob("Live at Vani Mahal*/*/*.pitch.txt")):
        yield Case("sri-raghuvara", "Bhairavi", partial(_annotated, path))


def _annotated(path: Path) -> tuple[PitchTrack, float]:
    rows = np.loadtxt(path)
    tonic = Path(str(path).replace(".pitch.txt", ".ctonic.txt")).read_text().split()[0]
    hop = float(np.median(np.diff(rows[:, 0])))
    return PitchTrack(rows[:, 1], np.ones(len(rows)), hop), float(tonic)


def guesses(path: Path, cases: Iterator[Case]) -> list[Guess]:
    """Return how each melody's raga was ranked; what `path` holds already is not done again."""
    found: list[Guess] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    done = {each["name"] for each in found}
    path.parent.mkdir(parents=True, exist_ok=True)
    for case in cases:
        if case.name in done:
            continue
        found.append({"name": case.name, "raga": case.raga, **_guess(*case.listen(), case.raga)})
        growing = path.with_suffix(".partial")
        growing.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
        growing.replace(path)
    return [each for each in found if each["rank"]]


def _guess(pitch: PitchTrack, tonic_hz: float, raga: str) -> Guess:
    """Rank the ragas; a melody that is hardly sung at all has no rank, and is not counted."""
    try:
        guess = nearest_ragas(distribution(pitch, tonic_hz), count=len(ragas()))
    except AnalysisError:
        return {"rank": None}
    order = [each.name for each in guess.nearest]
    return {
        "rank": order.index(raga) + 1,
        "nearest": order[:5],
        "confidence": round(guess.confidence, 4),
        "seconds": round(float(pitch.voiced.sum() * pitch.hop_seconds), 1),
    }


def print_confidence(sets: dict[str, list[Guess]]) -> None:
    """Print how often the first is right by how sure it was."""
    edges = list(itertools.pairwise(MARGINS))
    print(
        "\n| first is right, by confidence | " + " | ".join(_range(*edge) for edge in edges) + " |"
    )
    print("|---|" + "---:|" * len(edges))
    for name, found in sets.items():
        cells = []
        for low, high in edges:
            inside = [low <= each["confidence"] < high for each in found]
            here = [each["rank"] == 1 for each, is_in in zip(found, inside, strict=True) if is_in]
            cells.append(f"{100 * np.mean(here):.0f} % of {len(here)}" if here else "")
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_alapana(found: list[Guess]) -> None:
    """Print what was said of each recording."""
    print("\n| recording | raga | rank | nearest three | confidence | voiced s |")
    print("|---|---|---:|---|---:|---:|")
    for each in found:
        nearest = ", ".join(each["nearest"][:3])
        print(
            f"| {each['name']} | {each['raga']} | {each['rank']} | {nearest} | "
            f"{each['confidence']:.2f} | {each['seconds']} |"
        )


def _range(low: float, high: float) -> str:
    return f"{low:g} to {high:g}" if high <= 1.0 else f"{low:g} up"


if __name__ == "__main__":
    main()
