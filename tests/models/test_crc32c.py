"""CRC-32C against published check values and a bit-by-bit division."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.models.crc32c import crc32c, masked_crc32c


def by_bits(data: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, appendix B.4, and the usual check value
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_published_values(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [1 << 16, (1 << 16) + 1, 100_003])
def test_long_data_is_summed_as_short_data_is(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    assert crc32c(data) == by_bits(data)


def test_the_mask_is_leveldbs() -> None:
    """leveldb/util/crc32c_test.cc: masking changes the value, and this is how it is undone."""
    value = crc32c(b"foo")
    masked = masked_crc32c(b"foo")
    assert masked != value
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF == value
