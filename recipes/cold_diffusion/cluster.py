"""Fit a checkpoint's clusters of bins, on one recording or on several, and save it with them.

    python recipes/cold_diffusion/cluster.py runs/cold-published/checkpoint.safetensors \\
        concert.mp3 --out runs/cold-published/concert.safetensors
    carnatic-sep separate concert.mp3 --model runs/cold-published/concert.safetensors

The recording is read once, block by block, so its length does not matter for memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from carnatic_sep.audio.reader import AudioReader
from carnatic_sep.diffusion import calibrate
from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata, save_checkpoint
from carnatic_sep.models.cold_diffusion import ColdDiffusion
from carnatic_sep.models.decay_clusters import ClusterSettings


def blocks_of(paths: list[Path], *, sample_rate: int) -> Iterator[np.ndarray]:
    for path in paths:
        with AudioReader(path, downmix="mono") as reader:
            if reader.info.sample_rate != sample_rate:
                raise SystemExit(
                    f"{path}: {reader.info.sample_rate} Hz, the first {sample_rate} Hz"
                )
            yield from reader.blocks()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clusters", type=int, default=5)
    parser.add_argument("--strictness", type=float, default=4.0)
    parser.add_argument("--every", type=int, default=1, help="hear one of so many segments")
    given = parser.parse_args()
    if given.out.exists():
        raise SystemExit(f"{given.out}: is there already; choose another --out")
    model = load_checkpoint(given.checkpoint)
    if not isinstance(model, ColdDiffusion):
        raise SystemExit(f"{given.checkpoint}: a {model.architecture}, not a cold_diffusion model")
    with AudioReader(given.recordings[0], downmix="mono") as reader:
        rate = reader.info.sample_rate
    tuned = calibrate(
        model,
        blocks_of(given.recordings, sample_rate=rate),
        sample_rate=rate,
        settings=ClusterSettings(clusters=given.clusters, strictness=given.strictness),
        every=given.every,
    )
    save_checkpoint(given.out, tuned, read_metadata(given.checkpoint).provenance)
    print(f"{given.out}: {given.clusters} clusters, strictness {given.strictness:g}")


if __name__ == "__main__":
    main()
