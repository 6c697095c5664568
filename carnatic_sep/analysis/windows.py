"""A recording as mono windows that overlap, so that hours of it go through bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Mono = NDArray[np.float32]

RATE = 44100
"""Hz; the rate at which everything in this room listens."""


@dataclass(frozen=True)
class Window:
    """A stretch of a recording with some of what lies around it.

    Attributes
    ----------
    audio : (frames,), the margins included
    offset_seconds : when `audio` begins
    start_seconds, end_seconds : the stretch that this window answers for; the next one's begins
        where this one's ends
    """

    audio: Mono
    offset_seconds: float
    start_seconds: float
    end_seconds: float


def mono_blocks(path: Path) -> Iterator[Mono]:
    """Yield the file `path`, mixed down to mono at :data:`RATE`, as (frames,) of any length.

    Raises
    ------
    AudioReadError
        See :class:`carnatic_sep.audio.reader.AudioReader`.
    """
    from carnatic_sep.audio.reader import AudioReader
    from carnatic_sep.audio.resample import StreamResampler

    with AudioReader(path, downmix="mono") as reader:
        resampler = StreamResampler(1, reader.info.sample_rate, RATE)
        for block in reader.blocks():
            ready = resampler.push(block)
            if ready.shape[1]:
                yield ready[0]
        rest = resampler.flush()
        if rest.shape[1]:
            yield rest[0]


def windows(
    blocks: Iterable[Mono], *, core_seconds: float = 60.0, margin_seconds: float = 5.0
) -> Iterator[Window]:
    """Cut a stream at :data:`RATE` into windows of a core with a margin on either side.

    Parameters
    ----------
    blocks : each (frames,)
    core_seconds : what a window answers for
    margin_seconds : heard beside it, shorter at the recording's ends

    Yields
    ------
    windows whose stretches follow one another from 0 to the end; the last may be short
    """
    core, margin = round(core_seconds * RATE), round(margin_seconds * RATE)
    held: list[Mono] = []
    first, count, start = 0, 0, 0  # frame at which `held` begins, its frames, next core's start
    for block in blocks:
        held.append(block)
        count += len(block)
        while first + count >= start + core + margin:
            audio = np.concatenate(held)
            end = start + core
            yield _window(audio[: end + margin - first], first, start, end)
            start = end
            kept = audio[max(start - margin, first) - first :]
            first += len(audio) - len(kept)
            held, count = [kept], len(kept)
    if first + count > start:
        yield _window(np.concatenate(held), first, start, first + count)


def _window(audio: Mono, first: int, start: int, end: int) -> Window:
    return Window(
        np.ascontiguousarray(audio, dtype=np.float32), first / RATE, start / RATE, end / RATE
    )
