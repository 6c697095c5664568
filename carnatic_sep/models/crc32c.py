"""CRC-32C (Castagnoli), fast enough for weights of hundreds of megabytes, in NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_ONES = 0xFFFFFFFF
_LONG_BYTES = 1 << 16
_LANES = 1 << 13
_MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes | memoryview) -> int:
    """Return the CRC-32C of `data`.

    Long data is cut into lanes that NumPy steps through side by side; the lanes' sums are then
    joined pair by pair, since the sum of A followed by B is that of A, moved on by len(B) zero
    bytes, xor that of B.

    Source: RFC 3720, appendix B.4.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    data = memoryview(data).cast("B")
    if len(data) < _LONG_BYTES:
        return _short(data)
    length = len(data) // _LANES & ~1  # lanes are read by words of two bytes
    body = length * _LANES
    head = _joined(_lanes(np.frombuffer(data[:body], "<u2"), length), length)
    rest = data[body:]
    return int(_apply(_moved_on(len(rest)), np.array([head]))[0]) ^ _short(rest)


def masked_crc32c(data: bytes | memoryview) -> int:
    """Return the CRC as TensorFlow and LevelDB store it: rotated, and a constant added.

    Source: https://github.com/google/leveldb/blob/main/util/crc32c.h
    """
    value = crc32c(data)
    return (((value >> 15) | (value << 17)) + _MASK_DELTA) & _ONES


def _byte_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ _POLYNOMIAL, table >> 1).astype(np.uint32)
    return table


_TABLE = _byte_table()
_TABLE_LIST: list[int] = _TABLE.tolist()
_WORDS = np.arange(1 << 16, dtype=np.uint32)
_WORD_TABLE = _TABLE[_TABLE[_WORDS & 255] & 255 ^ _WORDS >> 8 & 255] ^ _TABLE[_WORDS & 255] >> 8


def _short(data: memoryview) -> int:
    state = _ONES
    for byte in data:
        state = _TABLE_LIST[(state ^ byte) & 255] ^ (state >> 8)
    return state ^ _ONES


def _lanes(data: NDArray[np.uint16], length: int) -> NDArray[np.uint32]:
    """Return the sum of each of the lanes of `length` bytes that `data` is cut into."""
    words = np.ascontiguousarray(data.reshape(_LANES, length // 2).T)
    state = np.full(_LANES, _ONES, dtype=np.uint32)
    for word in words:
        state = _WORD_TABLE[(state ^ word) & 0xFFFF] ^ (state >> 16)
    return state ^ np.uint32(_ONES)


def _joined(sums: NDArray[np.uint32], length: int) -> int:
    """Join the sums of neighbouring lanes of `length` bytes each until one is left."""
    step = _moved_on(length)
    while len(sums) > 1:
        sums = _apply(step, sums[0::2]) ^ sums[1::2]
        step = _apply(step, step)
    return int(sums[0])


def _moved_on(length: int) -> NDArray[np.uint32]:
    """Return what `length` zero bytes do to a sum: the images of its 32 bits, (32,)."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    total, square = bits, _TABLE[bits & 255] ^ (bits >> 8)  # of none, of one byte
    while length:
        if length & 1:
            total = _apply(square, total)
        square = _apply(square, square)
        length >>= 1
    return total


def _apply(images: NDArray[np.uint32], values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Apply a linear map over bits, given by the `images` of the 32 bits, to each value."""
    result = np.zeros(len(values), dtype=np.uint32)
    for bit, image in enumerate(images):
        result ^= np.where((values >> np.uint32(bit)) & 1, image, np.uint32(0)).astype(np.uint32)
    return result
