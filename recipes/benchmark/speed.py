"""Real-time factor of a model on this machine: seconds of work per second of audio.

    python recipes/benchmark/speed.py
    python recipes/benchmark/speed.py --model my.safetensors --device cuda --batch-size 8

Audio in memory, at the model's own rate, after one segment to warm up; no files are read or
written. The load is printed, since a busy machine is slower; the processor time, of this process
alone, says what there is to do even then.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import numpy as np
import torch

from carnatic_sep import Separator
from carnatic_sep.separation.device import describe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--overlap", type=float, default=0.25)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--views", type=int, default=1)
    options = parser.parse_args()

    separator = Separator(
        options.model,
        device=options.device,
        precision=options.precision,
        overlap=options.overlap,
        batch_size=options.batch_size,
        views=options.views,
    )
    rate = separator.sample_rate
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (2, round(options.seconds * rate)))
    audio = noise.astype(np.float32)
    separator.separate(audio[:, : separator.plan.segment_frames], rate)
    factors, cpu = [], []
    for _ in range(options.repeats):
        started, spent = time.perf_counter(), time.process_time()
        separator.separate(audio, rate)
        factors.append((time.perf_counter() - started) / options.seconds)
        cpu.append((time.process_time() - spent) / options.seconds)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    precision = str(separator.dtype).removeprefix("torch.")
    print(
        f"{separator.model_name} on {describe(separator.device)}, {precision}, torch "
        f"{torch.__version__}, batch {separator.batch_size}, "
        f"{separator.views} view{'s' if separator.views > 1 else ''}{load}"
    )
    print(
        f"{options.seconds:g} s of stereo at {rate} Hz, overlap {separator.overlap:g}: "
        f"best {min(factors):.4f}, median {statistics.median(factors):.4f} s per second of audio"
    )
    print(
        f"processor time, all cores together: best {min(cpu):.4f}, "
        f"median {statistics.median(cpu):.4f} s per second of audio"
    )


if __name__ == "__main__":
    main()
