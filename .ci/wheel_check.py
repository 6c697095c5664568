"""Separate a generated file with the installed wheel, away from the repository."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

import carnatic_sep

STEMS = ("vocals", "violin", "mridangam", "other")
SAMPLE_RATE = 44100
FRAMES = 3 * SAMPLE_RATE


def generated_mixture() -> np.ndarray:
    """Return a wavering tone, a steady one and clicks: (frames, channels)."""
    time = np.arange(FRAMES) / SAMPLE_RATE
    sung = 0.2 * np.sin(2 * np.pi * 220 * time + 3 * np.sin(2 * np.pi * 5 * time))
    drone = 0.1 * np.sin(2 * np.pi * 147 * time)
    strokes = 0.3 * np.exp(-40 * (time % 0.5)) * np.sin(2 * np.pi * 90 * time)
    return np.stack([sung + drone + strokes, 0.8 * sung + drone + strokes], axis=1)


def main() -> None:
    package = Path(carnatic_sep.__file__).resolve()
    if "site-packages" not in package.parts:
        sys.exit(f"this is not the installed wheel: {package}")
    mixture = generated_mixture()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "generated.wav"
        soundfile.write(source, mixture, SAMPLE_RATE, subtype="FLOAT")
        script = Path(sys.executable).parent / "carnatic-sep"
        options = ["--out", "stems", "--format", "wav", "--bit-depth", "32f"]
        subprocess.run([script, "separate", source.name, *options], cwd=folder, check=True)
        outputs = [Path(folder) / "stems" / "generated" / f"{stem}.wav" for stem in STEMS]
        stems = [soundfile.read(path)[0] for path in outputs]
    shapes = {stem.shape for stem in stems}
    if shapes != {mixture.shape}:
        sys.exit(f"stems of shape {shapes}, mixture of shape {mixture.shape}")
    residual = float(np.abs(sum(stems) - mixture).max())
    if residual > 10 ** (-90 / 20):
        sys.exit(f"the stems miss the mixture by {residual:.2e} of full scale")
    print(f"{package.parent}: {len(stems)} stems, their sum within {residual:.1e} of the mixture")


if __name__ == "__main__":
    main()
