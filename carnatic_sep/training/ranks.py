"""Which of several processes this one is."""

from __future__ import annotations

import os
from collections.abc import Sequence

_NAMES = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")
"""What launchers set; all of them are 0 in the first process."""


def is_first_process() -> bool:
    """Whether this process is the one that speaks and writes; known before training begins."""
    return all(os.environ.get(name, "0") in ("", "0") for name in _NAMES)


def stream(seed: int, number: int, rank: int) -> Sequence[int]:
    """Return the seed of drawing `number` of process `rank`; the first draws as a lone one does."""
    return [seed, number, rank] if rank else [seed, number]
