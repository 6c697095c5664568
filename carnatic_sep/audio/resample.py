"""Streaming change of sample rate by soxr, aligned to the input and of exact length."""

from __future__ import annotations

from typing import Literal

import numpy as np

from carnatic_sep.audio.info import FloatArray

Quality = Literal["QQ", "LQ", "MQ", "HQ", "VHQ"]


def output_frames(frames: int, input_rate: int, output_rate: int) -> int:
    """Length of `frames` frames after resampling, rounded up.

    Rounded up, so that a way there and back never comes out shorter than it began.

    >>> output_frames(44100, 44100, 48000), output_frames(1, 48000, 44100)
    (48000, 1)
    """
    return -(-frames * output_rate // input_rate)


class StreamResampler:
    """Resample a stream block by block.

    Sample k of the output stands at time k / output_rate of the input, and the total is exactly
    :func:`output_frames`; the bits do not depend on how the input is cut into blocks. Equal rates
    pass through unchanged.

    Parameters
    ----------
    channels : number of channels
    input_rate, output_rate : Hz
    quality : soxr recipe, from quick to very high

    Source: the SoX Resampler library (linear phase).
    """

    def __init__(
        self, channels: int, input_rate: int, output_rate: int, *, quality: Quality = "HQ"
    ) -> None:
        import soxr

        self._channels = channels
        self._rates = (input_rate, output_rate)
        self._frames_in = 0
        self._frames_out = 0
        self._stream = None
        if input_rate != output_rate:
            self._stream = soxr.ResampleStream(
                input_rate, output_rate, channels, dtype="float32", quality=quality
            )

    def push(self, block: FloatArray) -> FloatArray:
        """Take (channels, n) and return what is ready of the output, (channels, m), m >= 0."""
        if block.ndim != 2 or block.shape[0] != self._channels:
            raise ValueError(f"a block is {block.shape}, expected ({self._channels}, frames)")
        self._frames_in += block.shape[1]
        if self._stream is None:
            return block
        return self._convert(block, last=False)

    def flush(self) -> FloatArray:
        """End the stream and return the rest of the output, (channels, m); call it once."""
        if self._stream is None:
            return np.zeros((self._channels, 0), dtype=np.float32)
        # soxr rounds the length to nearest; two output frames of silence reach past any rounding.
        tail = 2 * self._rates[0] // self._rates[1] + 2
        rest = self._convert(np.zeros((self._channels, tail), dtype=np.float32), last=True)
        self._stream = None
        return rest

    def _convert(self, block: FloatArray, *, last: bool) -> FloatArray:
        assert self._stream is not None  # only called for unequal rates
        frames = np.ascontiguousarray(block.T, dtype=np.float32)
        ready: FloatArray = self._stream.resample_chunk(frames, last=last).T
        room = output_frames(self._frames_in, *self._rates) - self._frames_out
        ready = np.ascontiguousarray(ready[:, :room])
        self._frames_out += ready.shape[1]
        return ready
