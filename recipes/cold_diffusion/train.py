"""Train cold diffusion on a folder of multitracks.

    python recipes/cold_diffusion/train.py recipes/cold_diffusion/conditioned.yaml \\
        --data runs/spleeter_set/bleeding --out runs/cold-conditioned

Writes pipeline/, which diffusers loads, checkpoint.safetensors, which `carnatic-sep separate` and
`evaluate` take as --model, and losses.csv. Ctrl-C stops early and keeps what was learnt; --start
goes on from a pipeline's weights (the optimiser begins anew).
"""

from __future__ import annotations

import argparse
import contextlib
import time
from pathlib import Path

import torch

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.diffusion import (
    ColdDiffusionScheduler,
    ColdDiffusionSeparationPipeline,
    ColdUNetModel,
    fit,
)
from carnatic_sep.diffusion.config import ColdConfig, load_cold_config
from carnatic_sep.diffusion.excerpts import ExcerptSource
from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
from carnatic_sep.models.cold_diffusion import SAMPLE_RATE

TOLD_EVERY = 10


def new_pipeline(config: ColdConfig) -> ColdDiffusionSeparationPipeline:
    torch.manual_seed(config.seed)
    return ColdDiffusionSeparationPipeline(
        ColdUNetModel(targets=len(config.targets), **config.network.model_dump()),
        ColdDiffusionScheduler(
            num_train_timesteps=config.diffusion_steps,
            schedule=config.schedule,
            prediction_type=config.prediction,
            sampling=config.sampling,
        ),
        targets=config.targets,
        segment_columns=config.segment_columns,
    )


def learn(pipeline: ColdDiffusionSeparationPipeline, source: ExcerptSource, config: ColdConfig):
    losses, started = [], time.perf_counter()
    running = fit(pipeline.unet, pipeline.scheduler, source.batches(), config=config)
    with contextlib.suppress(KeyboardInterrupt):
        for step, loss in enumerate(running, start=1):
            losses.append(loss)
            if step % TOLD_EVERY == 0 or step == config.steps:
                recent = sum(losses[-TOLD_EVERY:]) / len(losses[-TOLD_EVERY:])
                seconds = time.perf_counter() - started
                print(
                    f"step {step} of {config.steps}: loss {recent:.4f}, {seconds:.0f} s", flush=True
                )
    running.close()
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", required=True, help="folder or name of a dataset")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--root", type=Path, help="where a dataset given by its name lies")
    parser.add_argument("--split", help="part of the dataset; all tracks without")
    parser.add_argument("--start", type=Path, help="pipeline folder to go on from")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    if (given.out / "checkpoint.safetensors").exists():
        raise SystemExit(f"{given.out}: holds a trained model already; choose another --out")
    config = load_cold_config(given.config, overrides=given.overrides)
    folder = Path(given.data)
    dataset = load_dataset(folder if folder.is_dir() else given.data, root=given.root)
    start = given.start
    pipeline = (
        ColdDiffusionSeparationPipeline.from_pretrained(start) if start else new_pipeline(config)
    )
    pipeline.to(given.device)
    listed = dataset.split(given.split) if given.split else dataset.tracks()
    tracks = [track for track in listed if set(config.targets) <= set(track.stem_names)]
    if left_out := len(listed) - len(tracks):
        wanted = ", ".join(config.targets)
        print(f"{left_out} of {len(listed)} tracks left out: not all of {wanted}", flush=True)
    source = ExcerptSource(
        tracks=tracks,
        targets=config.targets,
        front=pipeline.front,
        sample_rate=SAMPLE_RATE,
        columns=config.segment_columns,
        batch_size=config.batch_size,
        coherent=config.coherent,
        gain_db=config.gain_db,
        seed=config.seed,
    )
    print(f"{sum(p.numel() for p in pipeline.unet.parameters()) / 1e6:.2f} M weights", flush=True)
    losses = learn(pipeline, source, config)
    pipeline.to("cpu").save_pretrained(given.out / "pipeline")
    provenance = Provenance(
        name=config.name,
        licence="as the recordings it was trained on",
        trained_on=f"{len(tracks)} tracks of {dataset.name}",
        seed=config.seed,
        steps=len(losses),
    )
    rows = "".join(f"{step},{loss:.6f}\n" for step, loss in enumerate(losses, start=1))
    (given.out / "losses.csv").write_text(f"step,loss\n{rows}", encoding="utf-8")
    save_checkpoint(given.out / "checkpoint.safetensors", pipeline.to_model(), provenance)
    print(f"{given.out / 'checkpoint.safetensors'}: written after {len(losses)} steps")


if __name__ == "__main__":
    main()
