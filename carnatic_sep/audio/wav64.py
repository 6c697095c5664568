"""WAV files that become RF64 where 32 bits cannot count their bytes.

Source: EBU Tech 3306, section "transition from RIFF to RF64": a JUNK chunk keeps room for the ds64
chunk, so the decision falls when the size is known.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from carnatic_sep.audio.formats import BitDepth
from carnatic_sep.audio.info import FloatArray
from carnatic_sep.audio.quantise import quantise

RIFF_LIMIT = 2**32 - 1
_SAMPLE_BYTES: dict[BitDepth, int] = {"16": 2, "24": 3, "32f": 4}


class WavFile:
    """A WAV file written front to back.

    Parameters
    ----------
    path : overwritten if it exists
    sample_rate : Hz
    channels : number of channels
    bit_depth : ``16``, ``24`` or ``32f``
    expected_frames : the length if it is known; a file left unfinished then already carries the
        right kind of header
    riff_limit : largest file size that a RIFF header is trusted with, bytes

    Raises
    ------
    OSError
        From the constructor, :meth:`write` and :meth:`close`: the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        sample_rate: int,
        channels: int,
        bit_depth: BitDepth,
        expected_frames: int | None = None,
        riff_limit: int = RIFF_LIMIT,
    ) -> None:
        self._rate = sample_rate
        self._channels = channels
        self._depth: BitDepth = bit_depth
        self._limit = riff_limit
        self._frame_bytes = channels * _SAMPLE_BYTES[bit_depth]
        self._frames = 0
        self._file = path.open("wb", buffering=0)
        try:
            self._put(self._header(expected_frames))
        except BaseException:
            self._file.close()
            raise

    def write(self, block: FloatArray) -> None:
        """Append (channels, n); integers want samples within [-1, 1]."""
        frames = np.ascontiguousarray(block.T)
        if self._depth == "32f":
            data = frames.astype("<f4", copy=False).tobytes()
        elif self._depth == "24":
            data = quantise(frames, 24).astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes()
        else:
            data = quantise(frames, 16).astype("<i2").tobytes()
        self._put(data)
        self._frames += block.shape[1]

    def close(self) -> None:
        """Write the true sizes into the header and the file to the disk; harmless when repeated."""
        if self._file.closed:
            return
        try:
            if self._frames * self._frame_bytes % 2:
                self._put(b"\0")
            self._file.seek(0)
            self._put(self._header(self._frames))
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def _put(self, data: bytes) -> None:
        """Write all of `data`: a raw write may stop half-way, and the next one says why."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _header(self, frames: int | None) -> bytes:
        """Build the header; sizes stay open (0xFFFFFFFF) where `frames` is None."""
        depth = _SAMPLE_BYTES[self._depth]
        is_float = self._depth == "32f"
        byte_rate = self._rate * self._frame_bytes
        fields = (self._channels, self._rate, byte_rate, self._frame_bytes, 8 * depth)
        counted = RIFF_LIMIT if frames is None else min(frames, RIFF_LIMIT)
        if is_float:
            kind = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 3, *fields, 0)
            kind += struct.pack("<4sII", b"fact", 4, counted)
        else:
            kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, *fields)
        before_data = 12 + 36 + len(kind) + 8
        data_bytes = 0 if frames is None else frames * self._frame_bytes
        riff_bytes = before_data - 8 + data_bytes + data_bytes % 2
        if frames is not None and riff_bytes + 8 > self._limit:
            start = struct.pack("<4sI4s", b"RF64", RIFF_LIMIT, b"WAVE")
            start += struct.pack("<4sIQQQI", b"ds64", 28, riff_bytes, data_bytes, frames, 0)
            data = struct.pack("<4sI", b"data", RIFF_LIMIT)
        else:
            size = RIFF_LIMIT if frames is None else riff_bytes
            start = struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
            start += struct.pack("<4sI28x", b"JUNK", 28)
            data = struct.pack("<4sI", b"data", RIFF_LIMIT if frames is None else data_bytes)
        return start + kind + data
