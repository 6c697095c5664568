"""How often the nearest raga is the right one.

    python recipes/ragas/run.py --data DATA --out runs/ragas

writes what is guessed of each melody into a JSON file a set, keeps what is there, prints tables.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from carnatic_sep.analysis.distribution import distribution
from carnatic_sep.analysis.pitch import PitchTrack, track_pitch
from carnatic_sep.analysis.ragas import nearest_ragas
from carnatic_sep.audio.reader import read_audio
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.raga import ragas
from carnatic_sep.ensemble.voice import sing
from carnatic_sep.errors import AnalysisError

FIRST_SEED = 890000
RATE = 44100
MARGINS = (0.0, 0.1, 0.2, 0.4, 1.01)
LENGTHS = (15.0, 60.0, 240.0)


@dataclass(frozen=True)
class Case:
    """A melody whose raga and tonic are known."""

    name: str
    raga: str
    tonic_hz: float
    pitch: PitchTrack


def main() -> None:
    """Guess what is not there yet, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/ragas"))
    parser.add_argument("--pieces", type=int, default=10, help="written melodies a raga and length")
    given = parser.parse_args()
    sets = {f"written, {length:g} s": written(given.pieces, length) for length in LENGTHS}
    sets["sung by rule and tracked, 20 s"] = sung(20.0)
    sets["alapana of two singers, tracked"] = alapana(given.data)
    sets["concert, annotated"] = concert(given.data)
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
            frame = draw_frame(seconds=seconds, seed=seed, raga=raga.name)
            line = write_melody(frame).voice
            f0 = np.where(line.level > 0.02, frame.tonic_hz * 2.0 ** (line.cents / 1200.0), 0.0)
            track = PitchTrack(f0, np.ones(len(f0)), 1.0 / CONTROL_RATE, "score")
            yield Case(f"{raga.name} {seed}", raga.name, frame.tonic_hz, track.resampled(0.01))


def sung(seconds: float) -> Iterator[Case]:
    """Let the renderer's singer sing one alapana in each raga, alone, and track it."""
    for number, raga in enumerate(ragas()):
        seed = FIRST_SEED + 50000 + number
        frame = draw_frame(seconds=seconds, seed=seed, raga=raga.name, form="alapana")
        voice = sing(
            write_melody(frame).voice,
            tonic_hz=frame.tonic_hz,
            high_voice=frame.tonic_hz > 165.0,
            frames=round(seconds * RATE),
            sample_rate=RATE,
            rng=np.random.default_rng(seed),
        )
        yield Case(f"{raga.name} {seed}", raga.name, frame.tonic_hz, _tracked(voice, RATE))


def alapana(data: Path) -> Iterator[Case]:
    """Join the clips of each recorded alapana and track them; singers' tonic and raga are known."""
    folder = data / "voice"
    table = folder / "alapana_metadata.csv"
    known = {each.name.lower().replace(" ", ""): each.name for each in ragas()}
    rows = table.read_text(encoding="utf-8").splitlines()[1:] if table.is_file() else []
    for row in rows:
        cells = [cell.strip() for cell in row.split(",")]
        clips = sorted((folder / "alapana").glob(f"{cells[1]}_*")) if cells[1] else []
        if clips and cells[6] in known:
            tracks = [_tracked(*read_audio(clip)) for clip in clips]
            f0, confidence = (
                np.concatenate([getattr(track, row) for track in tracks])
                for row in ("f0", "confidence")
            )
            pitch = PitchTrack(f0, confidence, tracks[0].hop_seconds, tracks[0].tracker)
            yield Case(cells[1], known[cells[6]], float(cells[5]), pitch)


def concert(data: Path) -> Iterator[Case]:
    """Take the annotated melody and tonic of the concert; it is in Bhairavi."""
    for path in sorted((data / "saraga1.5_carnatic").glob("Live at Vani Mahal*/*/*.pitch.txt")):
        rows = np.loadtxt(path)
        tonic = Path(str(path).replace(".pitch.txt", ".ctonic.txt"))
        pitch = PitchTrack(rows[:, 1], np.ones(len(rows)), float(np.median(np.diff(rows[:, 0]))))
        yield Case("sri-raghuvara", "Bhairavi", float(tonic.read_text().split()[0]), pitch)


def guesses(path: Path, cases: Iterator[Case]) -> list[dict[str, object]]:
    """Return how each melody's raga was ranked, from `path` where that is there."""
    if path.is_file():
        kept: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    found = []
    for case in cases:
        try:
            guess = nearest_ragas(distribution(case.pitch, case.tonic_hz), count=len(ragas()))
        except AnalysisError as error:
            print(f"{case.name}: {error}")
            continue
        order = [each.name for each in guess.nearest]
        found.append(
            {
                "name": case.name,
                "raga": case.raga,
                "rank": order.index(case.raga) + 1,
                "nearest": order[:5],
                "confidence": round(guess.confidence, 4),
                "seconds": round(float(case.pitch.voiced.sum() * case.pitch.hop_seconds), 1),
            }
        )
    if found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    return found


def print_confidence(sets: dict[str, list[dict[str, object]]]) -> None:
    """Print how often the first is right by how sure it was."""
    edges = list(itertools.pairwise(MARGINS))
    print(
        "\n| first is right, by confidence | " + " | ".join(_range(*edge) for edge in edges) + " |"
    )
    print("|---|" + "---:|" * len(edges))
    for name, found in sets.items():
        cells = []
        for low, high in edges:
            inside = [low <= float(str(each["confidence"])) < high for each in found]
            here = [each["rank"] == 1 for each, is_in in zip(found, inside, strict=True) if is_in]
            cells.append(f"{100 * np.mean(here):.0f} % of {len(here)}" if here else "")
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_alapana(found: list[dict[str, object]]) -> None:
    """Print what was said of each recording."""
    print("\n| recording | raga | rank | nearest three | confidence | voiced s |")
    print("|---|---|---:|---|---:|---:|")
    for each in found:
        nearest = ", ".join(list(each["nearest"])[:3])  # type: ignore[call-overload]
        print(
            f"| {each['name']} | {each['raga']} | {each['rank']} | {nearest} | "
            f"{each['confidence']:.2f} | {each['seconds']} |"
        )


def _range(low: float, high: float) -> str:
    return f"{low:g} to {high:g}" if high <= 1.0 else f"{low:g} up"


def _tracked(audio: np.ndarray, rate: int) -> PitchTrack:
    return track_pitch(audio, rate, alone=True)


if __name__ == "__main__":
    main()
