"""Times as people read them in an error message."""

from __future__ import annotations


def timecode(seconds: float) -> str:
    """Return `seconds` as ``hh:mm:ss.s``, cut (not rounded) to a tenth of a second.

    >>> timecode(4327.29)
    '01:12:07.2'
    """
    tenths = int(seconds * 10 + 1e-6)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 10:02d}.{rest % 10}"
