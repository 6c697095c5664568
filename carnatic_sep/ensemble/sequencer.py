"""Strokes laid end to end: each sounds until its own head or pot is struck again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.tala import Stroke

_FADE_SECONDS = 0.012


@dataclass(frozen=True)
class Hit:
    """What one hand makes of a stroke.

    Attributes
    ----------
    sound : (frames,)
    onset : frame of `sound` at which it is heard to start
    head : what it strikes; the next hit on the same head stops it
    """

    sound: NDArray[np.float32]
    onset: float
    head: str


def lay(
    strokes: Iterable[Stroke],
    hits: Callable[[Stroke], list[Hit]],
    *,
    frames: int,
    sample_rate: int,
) -> NDArray[np.float32]:
    """Place what `hits` answers to each stroke so that its onset falls on the stroke's time.

    Parameters
    ----------
    strokes : of one instrument
    hits : the sounds of a stroke, at `sample_rate`, scaled

    Returns
    -------
    (frames,); onsets lie within half a frame of their strokes
    """
    placed: dict[str, list[tuple[int, NDArray[np.float32]]]] = {}
    for stroke in sorted(strokes, key=lambda each: each.seconds):
        for hit in hits(stroke):
            first = round(stroke.seconds * sample_rate - hit.onset)
            placed.setdefault(hit.head, []).append((first, hit.sound))
    out = np.zeros(frames, dtype=np.float32)
    fade = int(_FADE_SECONDS * sample_rate)
    ramp = np.linspace(1.0, 0.0, fade, dtype=np.float32)
    for sequence in placed.values():
        for index, (first, sound) in enumerate(sequence):
            following = sequence[index + 1][0] if index + 1 < len(sequence) else first + sound.size
            _add(out, sound, first, max(following - first, 1), ramp)
    return out


def _add(
    out: NDArray[np.float32],
    sound: NDArray[np.float32],
    first: int,
    until: int,
    ramp: NDArray[np.float32],
) -> None:
    """Add `sound` at `first`, faded out by `ramp` from its frame `until` on."""
    part = sound[: until + ramp.size]
    if part.size > until:
        part = part.copy()
        part[until:] *= ramp[: part.size - until]
    skip, room = max(0, -first), out.size - max(0, first)
    part = part[skip : skip + room] if room > 0 else part[:0]
    at = max(0, first)
    out[at : at + part.size] += part
