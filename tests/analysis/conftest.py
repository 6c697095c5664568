"""A piece of music so plain that everything about it is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 44100
TONIC = 180.0
SVARAS = (0, 204, 386, 702, 906, 1200)
STROKE_SECONDS = 0.25


def voice_line(seconds: float) -> np.ndarray:
    """Cents over the tonic at each sample: each svara for a second."""
    index = (np.arange(int(seconds * RATE)) // RATE) % len(SVARAS)
    return np.array(SVARAS, dtype=np.float64)[index]


def harmonic(hz: np.ndarray, count: int = 12) -> np.ndarray:
    """A bright harmonic tone along a pitch line, RMS 0.1."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    sound = sum(np.sin(k * phase) for k in range(1, count + 1))
    return 0.1 * sound / np.sqrt(np.mean(sound**2))


def strokes(seconds: float) -> np.ndarray:
    """A hit every quarter second, left and right heads in turn."""
    rng = np.random.default_rng(0)
    audio = np.zeros(int(seconds * RATE))
    time = np.arange(RATE // 5) / RATE
    attack = rng.standard_normal(len(time)) * np.exp(-200 * time)
    left = 0.5 * np.sin(2 * np.pi * 90 * time) * np.exp(-18 * time) + 0.01 * attack
    right = 0.4 * np.sin(2 * np.pi * 900 * time) * np.exp(-25 * time) + 0.2 * attack
    for number, start in enumerate(np.arange(0.5, seconds - 0.5, STROKE_SECONDS)):
        at = round(start * RATE)
        audio[at : at + len(time)] += left if number % 2 == 0 else right
    return audio


@dataclass(frozen=True)
class Kutcheri:
    """Where the files are."""

    folder: Path
    seconds: float


def write_stems(folder: Path, seconds: float, *, sung: float = 1.0) -> Kutcheri:
    """Write vocals that rest in the second half, a drone, strokes, and their sum."""
    line = voice_line(seconds)
    voice = harmonic(TONIC * 2 ** (line / 1200)) * sung
    voice[len(voice) // 2 :] = 0.0
    flat = np.ones(len(line))
    drone = sum(
        weight * harmonic(ratio * TONIC * flat, 6)
        for ratio, weight in ((1.0, 0.2), (2.0, 0.2), (0.75, 0.2), (0.5, 0.1))
    )
    stems = {
        "vocals": voice,
        "violin": 0.01 * harmonic(2 * TONIC * flat),
        "mridangam": strokes(seconds),
        "other": drone,
    }
    folder.mkdir(parents=True)
    for name, sound in stems.items():
        soundfile.write(folder / f"{name}.wav", sound.astype(np.float32), RATE, subtype="FLOAT")
    whole = sum(stems.values()).astype(np.float32)
    soundfile.write(folder / "mixture.wav", whole, RATE, subtype="FLOAT")
    return Kutcheri(folder, seconds)


@pytest.fixture(scope="session")
def kutcheri(tmp_path_factory) -> Kutcheri:
    return write_stems(tmp_path_factory.mktemp("kutcheri") / "plain", 12.0)
