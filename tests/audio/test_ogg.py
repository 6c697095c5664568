from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from carnatic_sep.audio import ogg


def checksum(data: bytes) -> int:
    """RFC 3533's checksum, straight from its definition, one bit at a time."""
    value = 0
    for bit in (byte >> (7 - k) & 1 for byte in data for k in range(8)):
        top = value >> 31
        value = (value << 1 | bit) & 0xFFFFFFFF
        value ^= 0x04C11DB7 if top else 0
    for _ in range(32):
        top = value >> 31
        value = (value << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if top else 0)
    return value


def pages(data: bytes):
    position = 0
    while position < len(data):
        segments = data[position + 26]
        table = data[position + 27 : position + 27 + segments]
        size = 27 + segments + sum(table)
        yield data[position : position + size]
        position += size


def encoded(subtype: str) -> bytes:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (20000, 1))
    file = io.BytesIO()
    soundfile.write(file, noise, 48000, format="OGG", subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_serials_are_one_and_checksums_true(subtype):
    before = encoded(subtype)
    file = io.BytesIO(before)
    ogg.settle(file)
    after = file.getvalue()
    assert len(list(pages(after))) == len(list(pages(before))) > 2
    for old, new in zip(pages(before), pages(after), strict=True):
        assert new[14:18] == struct.pack("<I", 1)
        assert new[26:] == old[26:]
        assert checksum(new[:22] + bytes(4) + new[26:]) == struct.unpack("<I", new[22:26])[0]
    ogg.settle(file)
    assert file.getvalue() == after


def test_an_earlier_end_cuts_pages_off():
    file = io.BytesIO(encoded("OPUS"))
    skip = ogg.opus_pre_skip(file)
    assert skip == 312  # libopus: 6.5 ms of look-ahead at 48 kHz
    ogg.settle(file, end=skip + 7000)
    last = list(pages(file.getvalue()))[-1]
    assert last[5] & 4
    assert struct.unpack("<q", last[6:14])[0] == skip + 7000
    assert checksum(last[:22] + bytes(4) + last[26:]) == struct.unpack("<I", last[22:26])[0]
    file.seek(0)
    assert soundfile.info(file).frames == 7000
