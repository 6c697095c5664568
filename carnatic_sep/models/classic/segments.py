"""Run a separator over a long recording in cross-faded segments, so that memory stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Separate = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def in_segments(
    audio: NDArray[np.float32],
    separate: Separate,
    *,
    segment_frames: int,
    fade_frames: int,
) -> NDArray[np.float32]:
    """Return `separate` of overlapping segments of `audio`, faded into each other linearly.

    Parameters
    ----------
    audio : (channels, frames)
    separate : takes (channels, frames) of at most `segment_frames`, gives (parts, ..., frames)
    segment_frames : of the longest segment; more than twice `fade_frames`
    fade_frames : that neighbours share

    Returns
    -------
    (parts, ..., frames); sums to `audio` over the parts where each segment does

    Raises
    ------
    ValueError
        Fades that would touch each other.
    """
    if segment_frames <= 2 * fade_frames or fade_frames < 1:
        raise ValueError(f"fades of {fade_frames} frames in segments of {segment_frames}")
    frames = audio.shape[-1]
    first = separate(audio[:, :segment_frames])
    whole = np.zeros((*first.shape[:-1], frames), dtype=np.float32)
    whole[..., : first.shape[-1]] = first
    step = segment_frames - fade_frames
    rising = ((np.arange(fade_frames) + 0.5) / fade_frames).astype(np.float32)
    for start in range(step, frames - fade_frames, step):
        parts = separate(audio[:, start : start + segment_frames])
        faded = slice(start, start + fade_frames)
        whole[..., faded] = (1 - rising) * whole[..., faded] + rising * parts[..., :fade_frames]
        whole[..., start + fade_frames : start + parts.shape[-1]] = parts[..., fade_frames:]
    return whole
