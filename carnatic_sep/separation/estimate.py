"""How long a separation will take, from a moment of trying."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carnatic_sep.separation.separator import Separator

WORTHWHILE_SECONDS = 60.0
"""Audio for which trying first costs more than knowing is worth."""

_FILE_WORK = 0.004  # decoding twice, resampling and encoding, in seconds per second of audio


def real_time_factor(separator: Separator, *, channels: int = 2) -> float:
    """Return how many seconds a second of audio takes on this machine, as busy as it is now.

    One batch of noise goes through the network twice; the second time counts.

    Parameters
    ----------
    channels : of the recordings to come
    """
    plan, batch = separator.plan, separator.batch_size
    frames = plan.segment_frames + (batch - 1) * plan.hop_frames
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (channels, frames)).astype(np.float32)
    elapsed = 0.0
    for _ in range(2):
        started = time.perf_counter()
        separator.separate(noise, separator.sample_rate)
        elapsed = time.perf_counter() - started
    return elapsed * separator.sample_rate / (batch * plan.hop_frames) + _FILE_WORK


def spoken(seconds: float) -> str:
    """Return a duration as a person would say it.

    >>> spoken(9060), spoken(840), spoken(12.4), spoken(0.3)
    ('2 h 31 min', '14 min', '12 s', '1 s')
    """
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
