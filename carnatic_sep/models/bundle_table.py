"""The index of a TensorFlow checkpoint: a LevelDB table of protocol-buffer messages."""

from __future__ import annotations

from pathlib import Path

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.crc32c import masked_crc32c

_FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57
_TRAILER_BYTES = 5  # compression, checksum
_LONGEST_KEY = 4096
_LONGEST_KEYS = 1 << 24
_VARINT_BYTES = 10
_PLAIN = 0


class Damage(Exception):  # noqa: N818 (what it says, not how it is handled)
    """Bytes that are not what the format says; the reader of the file names the file."""


class Message:
    """A protocol-buffer message, its fields by number; of a repeated one all values are kept."""

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        cursor = Cursor(data)
        while cursor.left:
            tag = cursor.varint()
            self._fields.setdefault(tag >> 3, []).append(_value(cursor, tag & 7))

    def number(self, field: int) -> int:
        """Return a number; 0 where it is left out."""
        value = self._fields.get(field, [0])[-1]
        if not isinstance(value, int):
            raise Damage(f"field {field} is no number")
        return value

    def content(self, field: int) -> bytes:
        """Return a text or a message within; empty where it is left out."""
        value = self._fields.get(field, [b""])[-1]
        if not isinstance(value, bytes):
            raise Damage(f"field {field} is no message")
        return value

    def repeated(self, field: int) -> list[bytes]:
        """Return all messages within that have the number `field`."""
        values = self._fields.get(field, [])
        found = [value for value in values if isinstance(value, bytes)]
        if len(found) != len(values):
            raise Damage(f"field {field} is no message")
        return found


class Cursor:
    """Walks through bytes; past their end is damage, not an IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > self.left:
            raise Damage(f"{count:,} bytes wanted, {self.left:,} left")
        self._at += count
        return self._data[self._at - count : self._at]

    def varint(self) -> int:
        """Return the next number of seven bits a byte, the lowest first."""
        value = 0
        for place in range(_VARINT_BYTES):
            byte = self.take(1)[0]
            value |= (byte & 127) << (7 * place)
            if byte < 128:
                return value
        raise Damage("a number without end")


def read_table(content: bytes, *, path: Path) -> dict[bytes, bytes]:
    """Return all keys and values of the table whose file holds `content`.

    Parameters
    ----------
    path : where it came from, for messages

    Raises
    ------
    CheckpointError
        Not such a table, cut short, or damaged: the checksum of every block is verified.
    """
    footer = content[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise CheckpointError(
            f"{path}: not the index of a TensorFlow checkpoint, or cut short ({len(content):,} "
            "bytes, no table footer); copy or download it again"
        )
    try:
        cursor = Cursor(footer)
        cursor.varint(), cursor.varint()  # where other indexes are: none in a checkpoint
        start, size = cursor.varint(), cursor.varint()
        table: dict[bytes, bytes] = {}
        for handle in _block(content, start, size).values():
            place = Cursor(handle)
            table.update(_block(content, place.varint(), place.varint()))
    except Damage as error:
        raise CheckpointError(
            f"{path}: damaged ({error}); copy or download the checkpoint again"
        ) from error
    return table


def _block(content: bytes, start: int, size: int) -> dict[bytes, bytes]:
    """Decode the block at `start`: entries that share the start of their key with the last."""
    end = start + size
    if end + _TRAILER_BYTES > len(content):
        raise Damage(f"a block at bytes {start:,} to {end:,} of {len(content):,}")
    if masked_crc32c(content[start : end + 1]) != int.from_bytes(
        content[end + 1 : end + 5], "little"
    ):
        raise Damage(f"the checksum of the block at byte {start:,} differs")
    if content[end] != _PLAIN:
        raise Damage(f"the block at byte {start:,} is compressed, as no checkpoint's is")
    restarts = int.from_bytes(content[max(start, end - 4) : end], "little")
    tail = 4 * (restarts + 1)
    if tail > size:
        raise Damage(f"the block at byte {start:,} has {restarts:,} restarts")
    cursor = Cursor(content[start : end - tail])
    entries: dict[bytes, bytes] = {}
    key, length_of_keys = b"", 0
    while cursor.left:
        shared, unshared, length = cursor.varint(), cursor.varint(), cursor.varint()
        if shared > len(key):
            raise Damage(f"a key in the block at byte {start:,} shares more than there is")
        key = key[:shared] + cursor.take(unshared)
        length_of_keys += len(key)  # shared beginnings cost a file nothing, and memory all of it
        if len(key) > _LONGEST_KEY or length_of_keys > _LONGEST_KEYS:
            raise Damage(f"the keys in the block at byte {start:,} are longer than names are")
        entries[key] = cursor.take(length)
    return entries


def _value(cursor: Cursor, kind: int) -> int | bytes:
    if kind == 0:
        return cursor.varint()
    if kind == 2:
        return cursor.take(cursor.varint())
    if kind in (1, 5):
        return int.from_bytes(cursor.take(8 if kind == 1 else 4), "little")
    raise Damage(f"field of the unknown kind {kind}")
