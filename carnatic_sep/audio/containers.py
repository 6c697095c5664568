"""What WAV and Ogg files promise about their own length, where libsndfile keeps silent.

libsndfile 1.2 reads a WAV file that was cut short, an Ogg file without its end, and the first of
several chained Ogg streams, as if each were whole. The checks here tell the difference.

Sources: EBU Tech 3306 (RF64), RFC 3533 (Ogg).
"""

from __future__ import annotations

from pathlib import Path

_UNKNOWN = 0xFFFFFFFF
_OGG_PAGE_LIMIT = 27 + 255 + 255 * 255


def wav_missing_bytes(path: Path) -> int:
    """Count the bytes that the data chunk of a RIFF or RF64 file promises and the file lacks.

    A length left open by a recorder that streams (0 or 0xFFFFFFFF) promises nothing.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        riff = file.read(12)
        if riff[:4] not in (b"RIFF", b"RF64") or riff[8:] != b"WAVE":
            return 0
        long_data = 0
        while len(header := file.read(8)) == 8:
            name = header[:4]
            length = int.from_bytes(header[4:], "little")
            if name == b"ds64":
                long_data = int.from_bytes(file.read(16)[8:], "little")
                length -= 16
            elif name == b"data":
                if length == _UNKNOWN:
                    length = long_data if riff[:4] == b"RF64" else 0
                return max(0, length - (size - file.tell()))
            file.seek(length + length % 2, 1)
    return 0


def ogg_defect(path: Path) -> str | None:
    """Say what is wrong with the end of an Ogg file, None if its first stream ends there."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(27)
        start = max(0, size - 2 * _OGG_PAGE_LIMIT)
        file.seek(start)
        tail = file.read()
    position = len(tail)
    while (position := tail.rfind(b"OggS", 0, position)) >= 0:
        page = tail[position:]
        if len(page) >= 27 and len(page) >= 27 + page[26]:
            break
    else:
        return "no page is left where the end should be"
    length = 27 + page[26] + sum(page[27 : 27 + page[26]])
    if len(page) < length:
        return "the last Ogg page is incomplete"
    if page[14:18] != first[14:18]:
        return "several Ogg streams are chained and only the first is read"
    if not page[5] & 4:
        return "the end-of-stream mark is missing"
    return None
