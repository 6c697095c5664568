"""What files promise about their own length, where libsndfile and FFmpeg keep silent.

libsndfile 1.2 reads a WAV, AIFF, AU or W64 file that was cut short, an Ogg file without its end,
and the first of several chained Ogg streams, as if each were whole. The checks here tell the
difference.

Sources: EBU Tech 3306 (RF64), RFC 3533 (Ogg), Apple's "Audio Interchange File Format" 1.3 (1989),
the AU header of ``man 4 au``, Sony's Wave64 specification (2004), ISO/IEC 14496-12 (MP4).
"""

from __future__ import annotations

from pathlib import Path

_UNKNOWN = 0xFFFFFFFF
_STREAMED = frozenset({0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0x7FFFF024})
"""Lengths that programs which write to a pipe put where they cannot know the true one."""
_WRAP = 1 << 32
_OGG_PAGE_LIMIT = 27 + 255 + 255 * 255


def wav_missing_bytes(path: Path) -> int:
    """Count the bytes that the data chunk of a RIFF or RF64 file promises and the file lacks.

    A length left open by a recorder that streams (0, 0xFFFFFFFF, or about 2 GiB) promises nothing.
    """
    length, there, _ = _wav_data(path)
    return max(0, length - there)


def wav_wrapped(path: Path) -> bool:
    """Whether so much follows the data of a RIFF file that its 32-bit length has wrapped around."""
    length, there, is_riff = _wav_data(path)
    return is_riff and length > 0 and there - length >= _WRAP - 1024


def _wav_data(path: Path) -> tuple[int, int, bool]:
    """Return what a data chunk states, 0 if nothing, what follows it, and whether it is RIFF's."""
    size = path.stat().st_size
    with path.open("rb") as file:
        riff = file.read(12)
        if riff[:4] not in (b"RIFF", b"RF64") or riff[8:] != b"WAVE":
            return 0, 0, False
        is_riff = riff[:4] == b"RIFF"
        long_data = 0
        while len(header := file.read(8)) == 8:
            name = header[:4]
            length = int.from_bytes(header[4:], "little")
            if name == b"ds64":
                long_data = int.from_bytes(file.read(16)[8:], "little")
                length -= 16
            elif name == b"data":
                if length == _UNKNOWN:
                    length = 0 if is_riff else long_data
                stated = 0 if length in _STREAMED else length
                return stated, size - file.tell(), is_riff
            file.seek(length + length % 2, 1)
    return 0, 0, False


def stated_missing_bytes(path: Path, container: str) -> int:
    """Count the bytes that the header of an AIFF, AU or W64 file promises and the file lacks.

    Parameters
    ----------
    container : as libsndfile calls it
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(24)
    if container == "AIFF" and head[:4] == b"FORM":
        length = int.from_bytes(head[4:8], "big")
        promised = 0 if length in (_UNKNOWN, *_STREAMED) else 8 + length
    elif container == "AU" and head[:4] in (b".snd", b"dns."):
        fields = head[4:12] if head[:4] == b".snd" else head[7:3:-1] + head[11:7:-1]
        offset, length = int.from_bytes(fields[:4], "big"), int.from_bytes(fields[4:], "big")
        promised = 0 if length == _UNKNOWN else offset + length
    elif container == "W64" and head[:4] == b"riff":
        promised = int.from_bytes(head[16:24], "little")
    else:
        promised = 0
    missing = promised - size
    return missing if missing > 1 else 0  # some count a last byte of padding that they do not write


def is_fragmented(path: Path) -> bool:
    """Whether an MP4 file is a row of fragments, whose length counts the encoder's priming."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            if head[4:8] == b"moof":
                return True
            length = int.from_bytes(head[:4], "big")
            length = int.from_bytes(head[8:16], "big") if length == 1 else length
            if length < 8:
                return False
            at += length
    return False


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
