"""Measure what cleaning costs: CPU seconds per second of audio, and peak memory.

python recipes/leakage/cost.py speed
python recipes/leakage/cost.py memory --minutes 10
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

SAMPLE_RATE = 44100
MICROPHONES = 5


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
    from carnatic_sep.leakage.clean import CleanConfig
    from carnatic_sep.leakage.stream import clean_stream

    begun = time.process_time()
    frames = round(minutes * 60 * SAMPLE_RATE)
    for piece in clean_stream(
        _sound,
        frames=frames,
        sample_rate=SAMPLE_RATE,
        related=np.eye(MICROPHONES, dtype=bool),
        config=CleanConfig(rounds=rounds),
    ):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        done = piece.done / SAMPLE_RATE / 60
        print(
            f"{done:6.1f} min: peak {peak:.0f} MB, {time.process_time() - begun:.0f} CPU s",
            flush=True,
        )


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
