"""Read written stems again, sum them, and see what is left beside the input."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.timecode import timecode
from carnatic_sep.errors import CarnaticSepError
from carnatic_sep.separation.sample_queue import SampleQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from carnatic_sep.audio.info import Downmix

FLOOR_DB = -200.0
"""What a null without any residual is called; a logarithm has no number for it."""


def null_depth(
    path: Path, stems: Sequence[Path], *, gain: float = 1.0, downmix: Downmix = "none"
) -> float:
    """Return the peak of "sum of the stems minus the input", in dBFS.

    Parameters
    ----------
    path : the input
    stems : files that should sum to it
    gain : by which all stems were scaled when they were written
    downmix : as the input was read

    Raises
    ------
    CarnaticSepError
        A stem is not as long as the input.
    AudioReadError
        A file cannot be read.
    """
    from carnatic_sep.audio.reader import AudioReader

    peak = 0.0
    with ExitStack() as stack:
        mixture = stack.enter_context(AudioReader(path, downmix=downmix))
        rate = mixture.info.sample_rate
        readers = [_Reading(stem, stack) for stem in stems]
        done = 0
        for block in mixture.blocks():
            total = np.zeros(block.shape, dtype=np.float64)
            for reader in readers:
                piece = reader.take(block.shape[1])
                if piece.shape != block.shape:
                    raise _different(reader.path, path, done + piece.shape[1], rate)
                total += piece
            done += block.shape[1]
            peak = max(peak, float(np.abs(total / gain - block).max(initial=0.0)))
        for reader in readers:
            if reader.take(1).shape[1]:
                raise _different(reader.path, path, done, rate)
    return max(FLOOR_DB, 20.0 * math.log10(peak)) if peak else FLOOR_DB


class _Reading:
    """A file that gives as many frames as asked for."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        from carnatic_sep.audio.reader import AudioReader

        self.path = path
        reader = stack.enter_context(AudioReader(path))
        self._blocks: Iterator[NDArray[np.float32]] = reader.blocks()
        self._waiting = SampleQueue(reader.info.channels)

    def take(self, frames: int) -> NDArray[np.float32]:
        while len(self._waiting) < frames:
            block = next(self._blocks, None)
            if block is None:
                break
            self._waiting.push(block)
        return self._waiting.pop(frames)


def _different(stem: Path, path: Path, frames: int, sample_rate: int) -> CarnaticSepError:
    return CarnaticSepError(
        f"{stem}: differs from {path} in length or channels (seen at "
        f"{timecode(frames / sample_rate)}); separate it again with --overwrite"
    )
