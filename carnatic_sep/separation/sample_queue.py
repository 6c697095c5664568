"""A first-in, first-out queue of samples: blocks of any size in, blocks of any size out."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SampleQueue:
    """Hold the samples that one side has delivered and the other has not asked for yet.

    Parameters
    ----------
    channels : rows of every block

    >>> queue = SampleQueue(1)
    >>> queue.push(np.arange(5, dtype=np.float32)[None])
    >>> queue.pop(3)
    array([[0., 1., 2.]], dtype=float32)
    >>> len(queue)
    2
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._blocks: deque[NDArray[np.float32]] = deque()
        self._frames = 0

    def __len__(self) -> int:
        """Frames that wait in the queue."""
        return self._frames

    def push(self, block: NDArray[np.float32]) -> None:
        """Append `block`, (channels, frames)."""
        if block.shape[1]:
            self._blocks.append(block)
            self._frames += block.shape[1]

    def pop(self, frames: int) -> NDArray[np.float32]:
        """Take the first `frames` frames, or all of them if there are fewer."""
        return self._take(min(frames, self._frames), keep=False)

    def peek(self, frames: int) -> NDArray[np.float32]:
        """Return the first `frames` frames (or all, if fewer) and leave them in the queue."""
        return self._take(min(frames, self._frames), keep=True)

    def _take(self, frames: int, *, keep: bool) -> NDArray[np.float32]:
        out = np.empty((self._channels, frames), dtype=np.float32)
        done = 0
        for block in list(self._blocks):
            if done == frames:
                break
            part = min(frames - done, block.shape[1])
            out[:, done : done + part] = block[:, :part]
            done += part
            if not keep:
                self._blocks.popleft()
                if part < block.shape[1]:
                    self._blocks.appendleft(block[:, part:])
        if not keep:
            self._frames -= frames
        return out
