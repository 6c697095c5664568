"""Stroke sequences: patterns on a grid of matras, with accents, variation and rests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Stroke = NDArray[np.float32]


def play_pattern(
    choose: Callable[[int], Stroke],
    *,
    kinds: int,
    frames: int,
    sample_rate: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Play a random pattern of `kinds` strokes for `frames` frames.

    Parameters
    ----------
    choose : the stroke (frames,) for a kind, 0 .. kinds - 1; may pick a new take each time
    kinds : number of stroke classes

    Returns
    -------
    (frames,); slot 80 to 280 ms, 8 or 16 slots repeated with changes, now and then doubled
    """
    slot_seconds = float(np.exp(rng.uniform(np.log(0.08), np.log(0.28))))
    slots = int(rng.choice([6, 8, 8, 12, 16]))
    density = rng.uniform(0.35, 1.0)
    favoured = rng.permutation(kinds)[: max(2, int(rng.integers(2, 7)))]
    pattern = rng.choice(favoured, slots)
    plays = rng.random(slots) < density
    plays[0] = True
    accents = np.where(rng.random(slots) < 0.3, 1.0, rng.uniform(0.25, 0.8, slots))
    audio = np.zeros(frames, dtype=np.float32)
    slot = int(rng.integers(slots))
    time = rng.uniform(0, slot_seconds)
    while time * sample_rate < frames:
        if rng.random() < 0.12:
            pattern[slot] = rng.choice(favoured)
        if plays[slot]:
            repeats = 2 if rng.random() < 0.08 else 1
            for step in range(repeats):
                start = int((time + step * slot_seconds / 2 + rng.normal(0, 0.003)) * sample_rate)
                gain = accents[slot] * 10 ** (rng.normal(0, 1.5) / 20)
                _add(audio, gain * choose(int(pattern[slot])), max(start, 0))
        slot = (slot + 1) % slots
        time += slot_seconds
    return audio


def _add(audio: NDArray[np.float32], stroke: Stroke, start: int) -> None:
    end = min(start + len(stroke), len(audio))
    if start < end:
        audio[start:end] += stroke[: end - start]
