"""Peak memory of a short and of a long recording, each separated by a process of its own.

    python recipes/benchmark/memory.py
    python recipes/benchmark/memory.py --short 60 --long 240 --model my.safetensors

Memory must not grow with the concert: the exit code is 1 if the long recording takes more than
5 % above the short one, or more than 1.2 GB.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RATE = 44100
MOST_GROWTH = 1.05
MOST_BYTES = 1.2e9


@dataclass(frozen=True)
class Run:
    seconds: float
    peak_bytes: int
    elapsed_seconds: float


def write_recording(path: Path, *, seconds: float) -> None:
    """Write stereo at 44.1 kHz, a second at a time: soft noise, and tones that wander slowly."""
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.003, size=(RATE, 2))
    clock = np.arange(RATE) / RATE
    left = seconds
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        while left > 0:
            tone = 0.2 * np.sin(2 * np.pi * round(220 + 110 * np.sin(left / 7)) * clock)
            file.write((noise + tone[:, None])[: round(min(left, 1) * RATE)])
            left -= 1


def separate(path: Path, out: Path, *, arguments: list[str], seconds: float) -> Run:
    """Separate `path` in a fresh process; return its peak resident memory, as the kernel saw it."""
    command = [sys.executable, "-m", "carnatic_sep.cli.entry", "separate", str(path)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--out", str(out), "--quiet", *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"separating {seconds:g} s failed with exit code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_maxrss * unit, elapsed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", type=float, default=600, metavar="SECONDS")
    parser.add_argument("--long", type=float, default=3 * 3600, metavar="SECONDS")
    parser.add_argument("--model", default="default")
    parser.add_argument("--format", default="flac")
    parser.add_argument("--bit-depth", default="16")
    parser.add_argument("--temp", type=Path, help="where to put recordings and stems meanwhile")
    options = parser.parse_args()
    arguments = [f"--model={options.model}", f"--format={options.format}"]
    arguments.append(f"--bit-depth={options.bit_depth}")

    runs = []
    print("audio         peak memory   time     per second of audio", flush=True)
    for seconds in (options.short, options.long):
        folder = Path(tempfile.mkdtemp(dir=options.temp))
        try:
            recording = folder / "recording.wav"
            write_recording(recording, seconds=seconds)
            run = separate(recording, folder / "out", arguments=arguments, seconds=seconds)
        finally:
            shutil.rmtree(folder)
        runs.append(run)
        print(
            f"{seconds / 60:7.1f} min  {run.peak_bytes / 1e6:8.1f} MB  {run.elapsed_seconds:7.1f} s"
            f"   {run.elapsed_seconds / seconds:.4f} s",
            flush=True,
        )
    growth = runs[1].peak_bytes / runs[0].peak_bytes
    fine = growth <= MOST_GROWTH and runs[1].peak_bytes <= MOST_BYTES
    print(
        f"ratio {growth:.4f} (at most {MOST_GROWTH}), limit 1200 MB: {'ok' if fine else 'FAILED'}"
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
