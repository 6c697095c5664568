"""How much memory a process takes at its worst, as the system counts it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def forget_peak() -> None:
    """Count the peak anew from here, where the system lets us (Linux)."""
    with suppress(OSError):
        (_PROC / "self" / "clear_refs").write_text("5")


def peak_bytes() -> int:
    """Return the most memory that this process has held since :func:`forget_peak`.

    Where the peak cannot be forgotten it is that since the process began.
    """
    with suppress(OSError):
        for line in (_PROC / "self" / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def children_bytes() -> int:
    """Return what the children of this process hold on their own now; 0 where nobody counts."""
    with suppress(OSError):
        held = (_PROC / "self" / "task").glob("*/children")
        children = {child for file in held for child in file.read_text().split()}
        return sum(_own_bytes(child) for child in children)
    return 0


def _own_bytes(process: str) -> int:
    """Memory that no other process shares."""
    total = 0
    with suppress(OSError):
        for line in (_PROC / process / "smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * 1024
    return total
