"""How long a separation will take, from a moment of trying."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AudioReadError
from carnatic_sep.separation.device import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carnatic_sep.separation.inputs import Track
    from carnatic_sep.separation.progress import Progress
    from carnatic_sep.separation.separator import Separator

WORTHWHILE_SECONDS = 60.0
"""Trying first takes longer than it is worth for less audio than this."""

_FILE_WORK = 0.004  # decoding twice, resampling and encoding, in seconds per second of audio


@dataclass(frozen=True)
class Forecast:
    """What lies ahead of a batch.

    Attributes
    ----------
    files : how many
    audio_seconds : length of all of them, as far as their headers tell
    estimate_seconds : about how long they will take; None where they are too short to ask
    device : what they run on, in words
    """

    files: int
    audio_seconds: float
    estimate_seconds: float | None
    device: str


def forecast(
    separator: Separator, tracks: Sequence[Track], *, progress: Progress | None = None
) -> Forecast:
    """Read the headers of `tracks`, and try how fast this machine is just now.

    Parameters
    ----------
    progress : is warned when a batch does not fit into memory
    """
    from carnatic_sep.audio.reader import probe

    seconds, channels = 0.0, 1
    for track in tracks:
        try:
            info = probe(track.path)
        except AudioReadError:
            continue  # it is reported when its turn comes
        seconds += info.duration_seconds or 0.0
        channels = max(channels, min(info.channels, 2))
    estimate = None
    if seconds >= WORTHWHILE_SECONDS:
        estimate = seconds * real_time_factor(separator, channels=channels, progress=progress)
    return Forecast(len(tracks), seconds, estimate, describe(separator.device))


def real_time_factor(
    separator: Separator, *, channels: int = 2, progress: Progress | None = None
) -> float:
    """Return how many seconds a second of audio takes on this machine, as busy as it is now.

    As much noise as is at work at once goes through the network twice; the second time counts.

    Parameters
    ----------
    channels : of the recordings to come
    progress : is warned when a batch does not fit into memory
    """
    plan, segments = separator.plan, separator.segments_at_once
    frames = plan.segment_frames + (segments - 1) * plan.hop_frames
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (channels, frames)).astype(np.float32)
    elapsed = 0.0
    for _ in range(2):
        started = time.perf_counter()
        separator.separate(noise, separator.sample_rate, progress=progress)
        elapsed = time.perf_counter() - started
    return elapsed * separator.sample_rate / (segments * plan.hop_frames) + _FILE_WORK


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
