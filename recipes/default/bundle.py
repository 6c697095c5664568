"""Put a trained checkpoint into the package, with its scores in the provenance.

Run both in the repository's root:

- ``carnatic-sep evaluate mixtures configs/evaluation.yaml
  --model runs/default/checkpoint.safetensors --json > scores.json``
- ``python recipes/default/bundle.py runs/default/checkpoint.safetensors scores.json recordings``

The credits are those of the recordings that any stage learnt from.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata, save_checkpoint
from carnatic_sep.models.zoo import WEIGHTS_DIR
from carnatic_sep.training.config import load_config
from carnatic_sep.training.credits import credits_of

STAGES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def main() -> None:
    checkpoint, scores, recordings = map(Path, sys.argv[1:4])
    configs = {stage: load_config(Path("configs") / f"{stage}.yaml") for stage in STAGES}
    metrics = {
        f"{row['set']}: SDR {stem} (dB)": round(value, 2)
        for row in json.loads(scores.read_text(encoding="utf-8"))
        if row["system"] == str(checkpoint)
        for stem, value in row["sdr_db"].items()
    }
    if not metrics:
        sys.exit(f"{scores}: no scores of {checkpoint}")
    provenance = read_metadata(checkpoint).provenance.model_copy(
        update={
            "name": "default",
            "description": "vocals, violin, mridangam and other from a Carnatic concert: "
            "masks on quarter-tone bands",
            "metrics": metrics,
            "credits": sorted(
                {line for each in configs.values() for line in credits_of(recordings, each.data)}
            ),
            "extra": {
                "stages": {
                    stage: config.model_dump(mode="json") for stage, config in configs.items()
                }
            },
        }
    )
    target = WEIGHTS_DIR / "default.safetensors"
    save_checkpoint(target, load_checkpoint(checkpoint), provenance, dtype="float16")
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
