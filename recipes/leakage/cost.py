"""Measure what cleaning costs: CPU seconds per second of audio, and peak memory.

python recipes/leakage/cost.py speed
python recipes/leakage/cost.py memory --minutes 10
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile as sf

SAMPLE_RATE = 44100
NAMES = ("vocals", "violin", "mridangam-left", "mridangam-right", "ghatam")
MICROPHONES = len(NAMES)


def speed(seconds: float) -> None:
    from carnatic_sep.leakage.clean import clean

    sound = _sound(0, round(seconds * SAMPLE_RATE))
    stems = {f"microphone {k}": sound[k] for k in range(MICROPHONES)}
    begun = time.process_time()
    clean(stems, sample_rate=SAMPLE_RATE)
    spent = time.process_time() - begun
    print(f"{MICROPHONES} microphones, {seconds:g} s at {SAMPLE_RATE} Hz, two rounds: ", end="")
    print(f"{spent / seconds:.2f} CPU seconds per second of audio")


def memory(minutes: float, rounds: int) -> None:
    from carnatic_sep.datasets.registry import load_dataset
    from carnatic_sep.leakage.clean import CleanConfig
    from carnatic_sep.leakage.clean_files import clean_multitrack

    frames = round(minutes * 60 * SAMPLE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        _write_concert(Path(folder) / "concert", frames)
        (track,) = load_dataset(Path(folder)).tracks()
        print(f"before: peak {_peak_mb():.0f} MB", flush=True)
        begun = time.process_time()

        def tell(done: int, total: int) -> None:
            spent = time.process_time() - begun
            print(
                f"{done / SAMPLE_RATE / 60:6.1f} of {total / SAMPLE_RATE / 60:.0f} min: "
                f"peak {_peak_mb():.0f} MB, {spent:.0f} CPU s",
                flush=True,
            )

        out = Path(folder) / "cleaned"
        clean_multitrack(track, out, config=CleanConfig(rounds=rounds), on_progress=tell)
        print(f"written: peak {_peak_mb():.0f} MB", flush=True)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _write_concert(folder: Path, frames: int) -> None:
    """Write a track as Saraga has them, 16-bit WAV, ten seconds after ten seconds."""
    folder.mkdir()
    with ExitStack() as stack:
        files = [
            stack.enter_context(sf.SoundFile(folder / f"{name}.wav", "w", SAMPLE_RATE, 1))
            for name in NAMES
        ]
        step = 10 * SAMPLE_RATE
        for start in range(0, frames, step):
            sound = _sound(start, min(step, frames - start))
            for file, row in zip(files, sound, strict=True):
                file.write(row)


def _sound(start: int, frames: int) -> np.ndarray:
    """Return noise that leaks a little, (microphones, frames)."""
    noise = np.random.default_rng(start).standard_normal((MICROPHONES, frames), dtype=np.float32)
    return 0.1 * noise + 0.01 * np.roll(noise, 1, axis=0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=("speed", "memory"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    if chosen.table == "speed":
        speed(chosen.seconds)
    else:
        memory(chosen.minutes, chosen.rounds)
