"""Audio in memory or in a stream as blocks that the engine can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.info import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from carnatic_sep.audio.timecode import timecode
from carnatic_sep.errors import CarnaticSepError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_BLOCK_FRAMES = 65536
_MOST_CHANNELS = 64


def split(audio: NDArray[np.float32]) -> tuple[int, Iterator[NDArray[np.float32]]]:
    """Return the channels of `audio`, and its samples block by block.

    Parameters
    ----------
    audio : (channels, frames) or (frames,)

    Raises
    ------
    UsageError
        Another shape; more than 64 channels, and more than frames, are (frames, channels).
    """
    turned = audio.ndim == 2 and audio.shape[0] > max(audio.shape[1], _MOST_CHANNELS)
    if audio.ndim not in (1, 2) or turned:
        raise UsageError(f"audio of shape {audio.shape}: give (channels, frames) or (frames,)")
    rows = np.atleast_2d(audio)
    starts = range(0, rows.shape[1], _BLOCK_FRAMES)
    return rows.shape[0], (rows[:, start : start + _BLOCK_FRAMES] for start in starts)


def checked_blocks(
    blocks: Iterable[NDArray[np.float32]], *, sample_rate: int, channels: int
) -> Iterator[NDArray[np.float32]]:
    """Pass float32 copies of `blocks` on, and refuse what no model can take.

    Copies, because whoever makes the blocks may use the same buffer again.

    Raises
    ------
    UsageError
        A sample rate out of range, or a block that is not (channels, frames).
    CarnaticSepError
        A sample that is NaN or infinite; the time is named.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise UsageError(
            f"sample rate {sample_rate} Hz: give one from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz"
        )
    done = 0
    for block in blocks:
        if block.ndim != 2 or block.shape[0] != channels:
            raise UsageError(f"block of shape {block.shape}: give ({channels}, frames)")
        bad = ~np.isfinite(block).all(axis=0)
        if bad.any():
            place = timecode((done + int(bad.argmax())) / sample_rate)
            raise CarnaticSepError(f"audio: NaN or infinite sample at {place}; repair it first")
        done += block.shape[1]
        yield np.array(block, dtype=np.float32)
