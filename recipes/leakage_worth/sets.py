"""The rendered set at 16 kHz, and its bleeding part cleaned; what is there is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
import soxr

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.leakage.clean_files import CONFIDENCE, clean_multitrack
from carnatic_sep.stems import OTHER

RATE = 16000
PARTS = ("bleeding", "truth", "dev", "test")


def write_sets(source: Path, out: Path) -> None:
    """Copy the parts of `source` to `out` at 16 kHz, and clean ``bleeding`` into ``cleaned``."""
    for part in PARTS:
        for folder in sorted(path for path in (source / part).iterdir() if path.is_dir()):
            if not (out / part / folder.name / "metadata.json").is_file():
                sounds = {path.stem: _lower(path) for path in sorted(folder.glob("*.wav"))}
                about = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
                _write(out / part / folder.name, sounds, about)
    for track in load_dataset(out / "bleeding").tracks():
        done = clean_multitrack(track, out / "canceller")
        folder = out / "cleaned" / track.id
        if (folder / "metadata.json").is_file():
            continue
        stems = {
            name: soundfile.read(path, dtype="float32")[0] for name, path in done.stems.items()
        }
        heard = sum(track.read_stem(name)[0] for name in track.stem_names)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(done.folder / CONFIDENCE, folder / CONFIDENCE)
        about = {"concert": track.concert, "mixture_is_sum_of_stems": True}
        _write(folder, with_the_rest(stems, heard), about)


def with_the_rest(stems: Mapping[str, np.ndarray], heard: np.ndarray) -> dict[str, np.ndarray]:
    """Put all that the other stems lack of the mixture `heard` into `other`.

    What was cancelled is in the concert's mixture all the same. Without it the network would learn
    from mixtures that are drier than those it is given later.
    """
    kept = {name: audio for name, audio in stems.items() if name != OTHER}
    return {**kept, OTHER: heard - sum(kept.values())}


def _lower(path: Path) -> np.ndarray:
    audio, rate = soundfile.read(path, dtype="float32")
    lowered: np.ndarray = soxr.resample(audio, rate, RATE, "VHQ")
    return lowered


def _write(folder: Path, sounds: Mapping[str, np.ndarray], about: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, audio in sounds.items():
        soundfile.write(folder / f"{name}.wav", audio, RATE, subtype="FLOAT")
    (folder / "metadata.json").write_text(json.dumps(about), encoding="utf-8")  # last: all is there
