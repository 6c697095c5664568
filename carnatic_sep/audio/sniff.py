"""What the first bytes of a file say that it is, where no decoder would take it."""

from __future__ import annotations

from pathlib import Path

_MAGIC = (
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg"),
    (0, b"RIFF", "RIFF/WAV"),
    (0, b"RF64", "RF64/WAV"),
    (0, b"ID3", "MP3 or AAC with an ID3 tag"),
    (4, b"ftyp", "MP4/M4A"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska/WebM"),
    (0, b"\x30\x26\xb2\x75", "ASF/WMA"),
    (0, b"\xff\xf1", "AAC (ADTS)"),
    (0, b"\xff\xf9", "AAC (ADTS)"),
    (0, b"FORM", "AIFF"),
    (0, b"caff", "Core Audio"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA", "True Audio"),
    (0, b"#!AMR", "AMR"),
    (0, b"\x0b\x77", "AC-3"),
    (0, b"FLV\x01", "Flash video"),
    (0, b"DSD ", "DSF"),
)
_SUFFIXES = {
    ".m4a": "MP4/M4A",
    ".mp4": "MP4/M4A",
    ".m4b": "MP4/M4A",
    ".mov": "QuickTime",
    ".3gp": "3GP",
    ".aac": "AAC",
    ".wma": "ASF/WMA",
    ".webm": "Matroska/WebM",
    ".mka": "Matroska/WebM",
    ".mkv": "Matroska/WebM",
    ".ts": "MPEG transport stream",
    ".ac3": "AC-3",
    ".dts": "DTS",
    ".ape": "Monkey's Audio",
}


def head(path: Path, size: int = 4096) -> bytes:
    """Return the first `size` bytes of `path`."""
    with path.open("rb") as file:
        return file.read(size)


def kind(path: Path, start: bytes) -> str | None:
    """Name the container that `start`, the first bytes of `path`, or its suffix points to."""
    for offset, magic, name in _MAGIC:
        if start[offset : offset + len(magic)] == magic:
            return name
    return _SUFFIXES.get(path.suffix.lower())


def text_excerpt(start: bytes) -> str | None:
    """Return the beginning of `start` if it reads as text in UTF-8 or UTF-16, else None.

    >>> text_excerpt(b"<!DOCTYPE html><title>404</title>")
    '<!DOCTYPE html><title>404</title>'
    >>> text_excerpt(bytes(range(256))) is None
    True
    """
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-16":
        start = start[: len(start) // 2 * 2]
    for cut in range(4):  # the excerpt may end inside a character
        try:
            text = start[: len(start) - cut].decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        return None
    if not text or any(ord(c) < 32 and c not in "\t\n\r\f" for c in text):
        return None
    return " ".join(text.split())[:40]
