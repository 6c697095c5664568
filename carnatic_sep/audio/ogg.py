"""Finishing touches to an Ogg file: a fixed serial number and an exact end.

libsndfile numbers its streams at random, so equal stems would not give equal bytes; and it ends an
Opus stream before the encoder has let go of the last milliseconds, so silence is encoded behind
them and the stream is then ended where the sound ends.

Sources: RFC 3533 (pages, checksum), RFC 7845 section 4 (end trimming).
"""

from __future__ import annotations

import struct
from functools import cache
from typing import BinaryIO

_POLYNOMIAL = 0x04C11DB7
_SERIAL = 1
_END_OF_STREAM = 4
_HEADER = struct.Struct("<4sBBqIIIB")  # magic, version, flags, granule, serial, page, sum, segments

VORBIS_ORDER = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 5, 3, 4],
    7: [0, 2, 1, 6, 5, 3, 4],
    8: [0, 2, 1, 7, 5, 6, 3, 4],
}
"""Number of channels to where those of WAVE stand in Vorbis and Opus, which libsndfile leaves as
they are. Sources: Vorbis I, section 4.3.9; RFC 7845, section 5.1.1.2; Microsoft's
WAVEFORMATEXTENSIBLE."""


def settle(file: BinaryIO, *, end: int | None = None) -> None:
    """Give the one stream of `file` its fixed serial number, and let it end at `end`.

    Parameters
    ----------
    file : open for reading and writing
    end : granule position of the last sample; what follows is cut off. None keeps the end
    """
    position = 0
    while True:
        file.seek(position)
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return
        magic, version, flags, granule, _, page, checksum, segments = _HEADER.unpack(header)
        size = _HEADER.size + segments + sum(file.read(segments))
        last = end is not None and granule >= end > 0
        if last:
            flags, granule = flags | _END_OF_STREAM, end
        fields = (magic, version, flags, granule, _SERIAL, page)
        changed = _HEADER.pack(*fields, checksum, segments)
        difference = bytes(a ^ b for a, b in zip(header, changed, strict=True))
        # The checksum is linear: that of the difference is the difference of the checksums.
        checksum ^= _multiply(_remainder(difference), _zeros(size - _HEADER.size))
        file.seek(position)
        file.write(_HEADER.pack(*fields, checksum, segments))
        position += size
        if last:
            file.truncate(position)
            return


def opus_pre_skip(file: BinaryIO) -> int:
    """Return how many samples at 48 kHz a decoder drops before the sound begins."""
    file.seek(0)
    head = file.read(_HEADER.size + 255 + 12)
    place = head.index(b"OpusHead")
    return int.from_bytes(head[place + 10 : place + 12], "little")


def _remainder(data: bytes) -> int:
    """Ogg's checksum of `data`: most significant bit first, no inversion."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)
            value &= 0xFFFFFFFF
    return value


def _multiply(first: int, second: int) -> int:
    """Product of two polynomials over GF(2), modulo Ogg's polynomial."""
    product = 0
    while second:
        if second & 1:
            product ^= first
        second >>= 1
        first = ((first << 1) ^ (_POLYNOMIAL if first & 0x80000000 else 0)) & 0xFFFFFFFF
    return product


@cache
def _power(step: int) -> int:
    """The effect on a checksum of ``2 ** step`` bytes of zeros."""
    return 0x100 if step == 0 else _multiply(_power(step - 1), _power(step - 1))


def _zeros(count: int) -> int:
    """The effect on a checksum of `count` bytes of zeros."""
    effect, step = 1, 0
    while count:
        if count & 1:
            effect = _multiply(effect, _power(step))
        count >>= 1
        step += 1
    return effect
