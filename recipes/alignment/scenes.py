"""Kutcheris of kept-out takes: what the measurements of this folder are made on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.accompaniment import ghatam_stroke

RATE = 44100
# None of these was heard while the methods were written.
VOICES = "voice/alapana/*Performer1*"
VIOLINS = "violin/bach/minji-kim*"
STROKES = "mridangam/strokes/*/*[26].flac"
# Mean seconds of playing and of rest.
TURNS = {"vocals": (4.0, 2.0), "violin": (4.0, 2.0), "mridangam": (6.0, 3.0), "ghatam": (4.0, 4.0)}


def players(data: Path, *, seconds: float, seed: int) -> dict[str, np.ndarray]:
    """Return four dry players who take turns, each (frames,) at 44.1 kHz, equally loud."""
    rng = np.random.default_rng(seed)
    frames = int(seconds * RATE)
    voices = sorted(data.glob(VOICES))
    first = rng.integers(len(voices))
    sung = np.concatenate([_mono(voices[(first + k) % len(voices)]) for k in range(12)])
    bowed = _mono(sorted(data.glob(VIOLINS))[seed % 2])
    begin = rng.integers(max(len(bowed) - frames, 1))
    takes = [_mono(path) for path in sorted(data.glob(STROKES))]
    clay = [ghatam_stroke(sample_rate=RATE, rng=rng) for _ in range(8)]
    sounds = {
        "vocals": np.resize(sung, frames),
        "violin": np.resize(bowed[begin:], frames),
        "mridangam": _pattern(takes, frames=frames, rng=rng),
        "ghatam": _pattern(clay, frames=frames, rng=rng),
    }
    return {name: _taking_turns(sound, *TURNS[name], rng=rng) for name, sound in sounds.items()}


def _mono(path: Path) -> np.ndarray:
    audio, rate = read_audio(path)
    return np.asarray(soxr.resample(audio.mean(axis=0), rate, RATE))


def _pattern(takes: list[np.ndarray], *, frames: int, rng: np.random.Generator) -> np.ndarray:
    sound = np.zeros(frames)
    place = 0
    while place < frames:
        take = takes[rng.integers(len(takes))][: frames - place]
        sound[place : place + len(take)] += rng.uniform(0.3, 1.0) * take
        place += int(RATE * rng.choice([0.15, 0.3, 0.3, 0.6]))
    return sound


def _taking_turns(
    sound: np.ndarray, playing: float, resting: float, *, rng: np.random.Generator
) -> np.ndarray:
    gate = np.zeros(len(sound))
    place = int(rng.uniform(0.0, 2.0) * RATE)
    while place < len(gate):
        length = int(playing * rng.uniform(0.5, 1.5) * RATE)
        gate[place : place + length] = 1.0
        place += length + int(resting * rng.uniform(0.5, 1.5) * RATE)
    fade = np.hanning(int(0.05 * RATE))
    sound = sound * np.convolve(gate, fade / fade.sum(), "same")
    return (0.05 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)
