"""The length of an MP3 file, which only its Xing/Info header or a walk over its frames tells.

libsndfile estimates the length of a file without that header from its first bitrate and stops
there, whatever follows; and it stops where a header says so even if another MP3 was appended.
Such files are given to it behind a header of our own with the true number of frames.

Sources: ISO/IEC 11172-3 and 13818-3 (frame header); the LAME tag specification (Xing/Info).
"""

from __future__ import annotations

import io
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KBPS_V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_SLACK_FRAMES = 4
_ID3V1_BYTES = 128


@dataclass(frozen=True)
class Frame:
    """One MPEG layer III frame header."""

    bytes: int
    samples: int
    version: int
    mono: bool


@dataclass(frozen=True)
class Mp3Layout:
    """Where the sound of an MP3 file lies.

    Attributes
    ----------
    start : byte offset of the first frame that carries sound
    frames : MPEG frames of sound found by walking the file; None if the header was believed
    samples : audio samples per MPEG frame
    header : the first frame's four header bytes
    """

    start: int
    frames: int | None
    samples: int
    header: bytes

    @property
    def needs_header(self) -> bool:
        """Whether the file's own header is missing or tells too little."""
        return self.frames is not None


def parse_frame(header: bytes) -> Frame | None:
    """Read four bytes as an MPEG layer III header, None if they are not one."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = (header[1] >> 3) & 3, (header[1] >> 1) & 3
    bitrate, rate = header[2] >> 4, (header[2] >> 2) & 3
    if version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return None
    kbps = (_KBPS_V1 if version == 3 else _KBPS_V2)[bitrate]
    samples = 1152 if version == 3 else 576
    length = samples // 8 * kbps * 1000 // _RATES[version][rate] + ((header[2] >> 1) & 1)
    return Frame(length, samples, version, header[3] >> 6 == 3)


def layout(path: Path) -> Mp3Layout | None:
    """Find the sound in the MP3 file `path`; None if it holds no two frames in a row."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = _next_frame(data, _skip_id3(data))
        if start is None:
            return None
        header = data[start : start + 4]
        first = parse_frame(header)
        assert first is not None  # _next_frame found it
        tag = start + 4 + _side_info_bytes(first)
        if data[tag : tag + 4] not in (b"Xing", b"Info"):
            return Mp3Layout(start, _count(data, start), first.samples, header)
        flags, frames, length = struct.unpack(">III", data[tag + 4 : tag + 16])
        if flags & 3 == 3 and frames and len(data) - start <= length + _ID3V1_BYTES:
            return Mp3Layout(start, None, first.samples, header)
        sound = start + first.bytes
        walked = _count(data, sound)
        if flags & 1 and walked <= frames + _SLACK_FRAMES:
            return Mp3Layout(start, None, first.samples, header)
        return Mp3Layout(sound, walked, first.samples, header)


class Mp3WithHeader(io.RawIOBase):
    """A view of an MP3 file behind an Info frame that states how many frames follow.

    Parameters
    ----------
    path : the file
    where : its layout, with `frames` known
    """

    def __init__(self, path: Path, where: Mp3Layout) -> None:
        self._prefix = _info_frame(where)
        self._file: io.BufferedReader = path.open("rb")
        self._skip = where.start - len(self._prefix)
        self._end = path.stat().st_size - self._skip
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move within the view."""
        base = (0, self._position, self._end)[whence]
        self._position = max(0, base + offset)
        if self._position >= len(self._prefix):
            self._file.seek(self._position + self._skip)
        return self._position

    def tell(self) -> int:
        """Return the position within the view."""
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from the view."""
        target = memoryview(buffer).cast("B")
        done = 0
        if self._position < len(self._prefix):
            part = self._prefix[self._position : self._position + len(target)]
            target[: len(part)] = part
            done = len(part)
            self.seek(done, 1)
        if done < len(target):
            count = self._file.readinto(target[done:])
            self._position += count
            done += count
        return done

    def close(self) -> None:
        """Close the file behind the view."""
        self._file.close()
        super().close()


def _info_frame(where: Mp3Layout) -> bytes:
    """Build a silent frame of the stream's own kind that carries the number of frames."""
    header = bytearray(where.header)
    header[1] |= 1  # no checksum
    header[2] = (header[2] & 0x0C) | 0x90
    first = parse_frame(bytes(header))
    assert first is not None  # made from a valid header
    frame = bytearray(first.bytes)
    frame[:4] = header
    tag = 4 + _side_info_bytes(first)
    frame[tag : tag + 12] = b"Info" + struct.pack(">II", 1, where.frames or 0)
    return bytes(frame)


def _side_info_bytes(frame: Frame) -> int:
    return (17 if frame.mono else 32) if frame.version == 3 else (9 if frame.mono else 17)


def _skip_id3(data: mmap.mmap) -> int:
    position = 0
    while data[position : position + 3] == b"ID3" and len(data) >= position + 10:
        size = 0
        for byte in data[position + 6 : position + 10]:
            size = size << 7 | byte & 0x7F
        position += 10 + size
    return position


def _next_frame(data: mmap.mmap, position: int) -> int | None:
    """Find the first frame at or after `position` that another frame of its kind follows."""
    while (position := data.find(b"\xff", position)) >= 0:
        frame = parse_frame(data[position : position + 4])
        if frame is not None:
            follower = parse_frame(data[position + frame.bytes : position + frame.bytes + 4])
            if follower is not None and follower.version == frame.version:
                return position
        position += 1
    return None


def _count(data: mmap.mmap, position: int) -> int:
    """Count the whole frames from `position` on, stepping over whatever lies between them."""
    count = 0
    while True:
        frame = parse_frame(data[position : position + 4])
        if frame is not None and position + frame.bytes <= len(data):
            position += frame.bytes
            count += 1
            continue
        found = _next_frame(data, position + 1)
        if found is None:
            return count
        position = found
