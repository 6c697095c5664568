"""What metrics cost: museval beside our path to the same figure, and all metrics but museval.

    python recipes/benchmark/metrics.py
    python recipes/benchmark/metrics.py --seconds 10 --long 60      # quicker
    python recipes/benchmark/metrics.py --tracks 20                 # twenty tracks of five minutes

Both parts run in one process, one after the other, on made-up stems (filtered noise and tones,
44.1 kHz), and are counted in CPU seconds of this process. Track by track it prints what all tracks
so far have cost and the highest memory of the process, which must not grow from track to track.
Exit code 1 if a bar is missed: our SDR at least 20 times faster and equal to museval's to 1e-3 dB,
and at most 0.5 CPU seconds per second of audio and stem for everything else. The machine's load is
printed.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

import numpy as np
from numpy.typing import NDArray

from carnatic_sep.metrics.csdr import framewise_sdr
from carnatic_sep.metrics.material import Material
from carnatic_sep.metrics.museval import bsseval_v4
from carnatic_sep.metrics.registry import score, select
from carnatic_sep.stems import DEFAULT_STEMS

RATE = 44100
LEAST_SPEEDUP = 20.0
MOST_CPU_SECONDS = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="for museval")
    parser.add_argument("--channels", type=int, default=2, help="for museval")
    parser.add_argument("--long", type=float, default=300.0, help="seconds, for all others")
    parser.add_argument("--tracks", type=int, default=1, help="how many, for all others")
    options = parser.parse_args()
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"NumPy {np.__version__}, {load}")
    ok = against_museval(options.seconds, options.channels)
    ok &= all_others(options.long, options.tracks)
    sys.exit(0 if ok else 1)


def against_museval(seconds: float, channels: int) -> bool:
    references, estimates = made_up(seconds, channels, seed=0)
    started = time.process_time()
    theirs = bsseval_v4(references, estimates, sample_rate=RATE, guard=False).sdr
    between = time.process_time()
    ours = framewise_sdr(references, estimates, window_frames=RATE)
    ended = time.process_time()
    apart = float(np.nanmax(np.abs(ours - theirs)))
    slow, fast = between - started, ended - between
    ok = slow / fast >= LEAST_SPEEDUP and apart <= 1e-3
    print(
        f"museval, 4 stems of {seconds:g} s, {channels} channels: {slow:.2f} CPU s; our SDR: "
        f"{fast:.3f} CPU s, {slow / fast:.0f} times faster, at most {apart:.1e} dB apart: "
        f"{'ok' if ok else 'MISSED'}"
    )
    return ok


def all_others(seconds: float, tracks: int) -> bool:
    warm = material(2.0, seed=1)  # what is compiled and loaded once is not a track's cost
    for stem in DEFAULT_STEMS:
        score(warm, stem)
    spent: dict[str, float] = {}
    total, each = 0.0, 0.0
    for track in range(tracks):
        found = material(seconds, seed=track)
        started = time.process_time()
        for stem in DEFAULT_STEMS:
            for spec in select():
                if spec.applies(found, stem):
                    before = time.process_time()
                    spec.function(found, stem)
                    spent[spec.name] = spent.get(spec.name, 0.0) + time.process_time() - before
        total += time.process_time() - started
        del found  # one track at a time
        each = total / ((track + 1) * seconds * len(DEFAULT_STEMS))
        print(f"  {track + 1} of {tracks}: {each:.4f}, peak {_peak_mb():.0f} MB", flush=True)
    unit = tracks * seconds * len(DEFAULT_STEMS)
    ok = each <= MOST_CPU_SECONDS
    print(
        f"{len(spent)} metrics, {tracks} x {seconds:g} s x {len(DEFAULT_STEMS)} stems, mono: "
        f"{each:.3f} CPU s per second of audio and stem (at most {MOST_CPU_SECONDS}): "
        f"{'ok' if ok else 'MISSED'}; peak memory {_peak_mb():.0f} MB"
    )
    # What several metrics or stems share is counted where it is asked for first.
    for name, value in sorted(spent.items(), key=lambda item: -item[1])[:8]:
        print(f"  {name:24s} {value / unit:.4f}")
    return ok


def material(seconds: float, *, seed: int) -> Material:
    references, estimates = made_up(seconds, 1, seed=seed)
    references, estimates = references[:, 0], estimates[:, 0]
    return Material(
        RATE,
        dict(zip(DEFAULT_STEMS, estimates, strict=True)),
        dict(zip(DEFAULT_STEMS, references, strict=True)),
        mixture=references.sum(axis=0),
        cleaned=dict(zip(DEFAULT_STEMS, references, strict=True)),
        silent={stem: [(0.0, seconds / 4)] for stem in DEFAULT_STEMS},
        tonic_hz=150.0,
    )


def made_up(
    seconds: float, channels: int, *, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return references and estimates, (4, channels, frames): gliding tones, beats and noise."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * RATE)
    time_ = np.arange(frames) / RATE
    references = np.empty((4, channels, frames), dtype=np.float32)
    for index in range(4):
        pitch = 180.0 * 1.5**index * 2.0 ** (np.sin(2 * np.pi * 0.3 * time_ + index) / 6)
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        tone = sum(np.sin(k * phase) / k for k in range(1, 6))
        beats = np.exp(-(time_ % (0.2 + 0.1 * index)) / 0.05)
        sound = 0.05 * tone if index < 2 else 0.05 * beats * rng.standard_normal(frames)
        gain = rng.uniform(0.5, 1.0, (channels, 1))
        references[index] = gain * sound + 3e-4 * rng.standard_normal((channels, frames))
    estimates = 0.8 * references + 0.2 * np.roll(references, 1, axis=0)
    return references, estimates.astype(np.float32)


def _peak_mb() -> float:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


if __name__ == "__main__":
    main()
