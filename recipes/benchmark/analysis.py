"""Peak memory of analysing stems of a short and of a long recording, in processes of their own.

    python recipes/benchmark/analysis.py
    python recipes/benchmark/analysis.py --stems separated/concert --short 180 --long 600
    python recipes/benchmark/analysis.py --given --long 10800

The stems (one piece by rule unless --stems names a folder) are repeated, block by block, until they
are long enough. With --given the melody comes from a file: the tracker, which hears a minute at a
time, takes most of the time. The exit code is 1 if an hour more takes more than 150 MB more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

MOST_BYTES_AN_HOUR = 150e6
NAMES = ("vocals", "violin", "mridangam", "other", "mixture")


def main() -> int:
    """Write stems, analyse them, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", type=float, default=600, metavar="SECONDS")
    parser.add_argument("--long", type=float, default=3600, metavar="SECONDS")
    parser.add_argument("--stems", type=Path, help="folder of stems to repeat")
    parser.add_argument("--given", action="store_true", help="take the melody from a file")
    parser.add_argument("--temp", type=Path, help="where to put the stems meanwhile")
    given = parser.parse_args()
    peaks = []
    print("stems         peak memory   time      per second of recording", flush=True)
    with tempfile.TemporaryDirectory(dir=given.temp) as temp:
        source = given.stems or rendered(Path(temp) / "rendered")
        for seconds in (given.short, given.long):
            folder = Path(temp) / "stems"
            repeat(source, folder, seconds=seconds)
            more = melody(Path(temp) / "melody.csv", seconds=seconds) if given.given else []
            peak, elapsed, cpu = analyse(folder, Path(temp) / "analysis", more)
            shutil.rmtree(folder)
            peaks.append(peak)
            print(
                f"{seconds / 60:7.1f} min  {peak / 1e6:8.1f} MB  {elapsed:7.1f} s  "
                f"{cpu:7.1f} CPU s   {cpu / seconds:.4f} CPU s",
                flush=True,
            )
    hourly = (peaks[1] - peaks[0]) / (given.long - given.short) * 3600
    fine = hourly <= MOST_BYTES_AN_HOUR
    limit = f"at most {MOST_BYTES_AN_HOUR / 1e6:.0f}: {'ok' if fine else 'FAILED'}"
    print(f"{hourly / 1e6:.0f} MB more an hour ({limit})")
    return 0 if fine else 1


def rendered(folder: Path) -> Path:
    """Render a minute by rule; its folder holds stems and mixture."""
    command = [sys.executable, "-m", "carnatic_sep.cli.main", "render", "--pieces", "1"]
    subprocess.run(
        [*command, "--seconds", "60", "--seed", "11", "--out", str(folder), "--quiet"], check=True
    )
    return next(path.parent for path in folder.rglob("vocals.*"))


def repeat(source: Path, folder: Path, *, seconds: float) -> None:
    """Write each stem of `source` again and again until it lasts `seconds`."""
    folder.mkdir()
    for name in NAMES:
        paths = sorted(source.glob(f"{name}.*"))
        if not paths:
            continue
        with soundfile.SoundFile(paths[0]) as given:
            rate, channels = given.samplerate, given.channels
            left = round(seconds * rate)
            with soundfile.SoundFile(folder / f"{name}.wav", "w", rate, channels, "PCM_16") as out:
                while left > 0:
                    block = given.read(min(left, 10 * rate), dtype="float32", always_2d=True)
                    if len(block):
                        out.write(block)
                        left -= len(block)
                    else:
                        given.seek(0)


def melody(path: Path, *, seconds: float) -> list[str]:
    """Write a melody of that length, a second sung and a second's rest; return the options."""
    with path.open("w") as file:
        for index in range(round(seconds * 100)):
            hz = 0.0 if index // 100 % 2 else 150.0 * 2.0 ** (index // 200 % 12 / 12.0)
            file.write(f"{index / 100:.2f},{hz:.3f}\n")
    return ["--pitch", str(path)]


def analyse(folder: Path, out: Path, more: list[str]) -> tuple[int, float, float]:
    """Analyse `folder` in a fresh process; return its peak memory, elapsed and CPU seconds."""
    command = [sys.executable, "-m", "carnatic_sep.cli.main", "analyze", str(folder)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--out", str(out), "--quiet", "--overwrite", *more])
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"analysing {folder} failed with exit code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit, elapsed, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
