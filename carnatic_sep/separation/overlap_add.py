"""Cut a stream into overlapping segments, and cross-fade what comes back into a stream again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError
from carnatic_sep.separation.checks import is_number
from carnatic_sep.separation.sample_queue import SampleQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray


LONGEST_SEGMENT_SECONDS = 3600.0
"""More than any network sees at once; a slip of the finger asks for all memory there is."""


@dataclass(frozen=True)
class SegmentPlan:
    """How long segments are, and how far apart they start.

    Attributes
    ----------
    segment_frames : length of a segment
    hop_frames : distance between the starts of two segments; 1 to `segment_frames`
    """

    segment_frames: int
    hop_frames: int

    @classmethod
    def of(cls, *, segment_seconds: float, overlap: float, sample_rate: int) -> SegmentPlan:
        """Plan segments of `segment_seconds` of which the fraction `overlap` is seen again.

        Raises
        ------
        UsageError
            A segment of no length, or an overlap outside 0 (none) to below 1.
        """
        if not is_number(overlap) or not 0.0 <= overlap < 1.0:
            raise UsageError(f"--overlap {overlap}: give a fraction from 0 to below 1, e.g. 0.25")
        if not is_number(segment_seconds) or not (0.0 < segment_seconds <= LONGEST_SEGMENT_SECONDS):
            raise UsageError(
                f"--segment {segment_seconds}: give a length in seconds above 0, at most "
                f"{LONGEST_SEGMENT_SECONDS:g}"
            )
        segment = max(1, round(segment_seconds * sample_rate))
        return cls(segment_frames=segment, hop_frames=max(1, segment - round(overlap * segment)))

    def window(self) -> NDArray[np.float32]:
        """Weight of each sample of a segment, (segment_frames,): flat, with sin-squared ramps.

        Ramps of neighbours sum to one where two segments meet; where more than two do, and at
        both ends of the recording, :func:`overlap_add` divides by the sum. Never zero.
        """
        ramp = min(self.segment_frames - self.hop_frames, self.segment_frames // 2)
        rise = np.sin(0.5 * np.pi * (np.arange(ramp) + 0.5) / max(ramp, 1)) ** 2
        window = np.ones(self.segment_frames)
        window[:ramp] = rise
        window[self.segment_frames - ramp :] = rise[::-1]
        return window.astype(np.float32)


def overlap_add(
    blocks: Iterable[NDArray[np.float32]],
    infer: Callable[
        [Iterator[NDArray[np.float32]]],
        Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]],
    ],
    *,
    channels: int,
    stems: int,
    plan: SegmentPlan,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Run `infer` over overlapping segments of a stream and cross-fade its results.

    The result has the length of the stream, starts where it starts, and does not depend on how
    the stream is cut into blocks. Every sample is a weighted mean of the segments that saw it,
    the first and the last sample included. What lies past the end is zero padding. Memory holds
    the segments that `infer` holds, however long the stream is.

    Parameters
    ----------
    blocks : each (channels, frames), any number of frames
    infer : takes segments, (channels, segment_frames), as many ahead as it likes, and gives each
        back with its stems, (stems, channels, segment_frames), in the same order

    Yields
    ------
    mixture, (channels, frames), and its stems, (stems, channels, frames), aligned
    """
    fader = _CrossFade(channels=channels, stems=stems, plan=plan)
    received = 0

    def segments() -> Iterator[NDArray[np.float32]]:
        nonlocal received
        waiting = SampleQueue(channels)
        for block in blocks:
            waiting.push(block)
            received += block.shape[1]
            while len(waiting) >= plan.segment_frames:
                yield waiting.peek(plan.segment_frames)
                waiting.pop(plan.hop_frames)
        already_seen = plan.segment_frames - plan.hop_frames if received > len(waiting) else 0
        if len(waiting) > already_seen:
            last = np.zeros((channels, plan.segment_frames), dtype=np.float32)
            last[:, : len(waiting)] = waiting.peek(len(waiting))
            yield last

    for mixture, estimate in infer(segments()):
        yield fader.add(mixture, estimate, until=received)
    yield fader.rest(until=received)


class _CrossFade:
    """The weighted sum of the segments so far, from the first frame that can still change."""

    def __init__(self, *, channels: int, stems: int, plan: SegmentPlan) -> None:
        self._plan = plan
        self._window = plan.window()
        self._mixture = np.zeros((channels, plan.segment_frames), dtype=np.float32)
        self._sum = np.zeros((stems, channels, plan.segment_frames), dtype=np.float32)
        self._weight = np.zeros(plan.segment_frames, dtype=np.float32)
        self._emitted = 0

    def add(
        self, mixture: NDArray[np.float32], estimate: NDArray[np.float32], *, until: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Add one segment; return the frames before `until` that no later segment will touch."""
        self._mixture[...] = mixture
        self._sum += self._window * estimate
        self._weight += self._window
        return self._emit(min(self._plan.hop_frames, until - self._emitted))

    def rest(self, *, until: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what is left before frame `until` of the stream."""
        return self._emit(until - self._emitted)

    def _emit(self, frames: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        mixture = self._mixture[:, :frames].copy()
        stems = self._sum[..., :frames] / self._weight[:frames]
        keep = self._plan.segment_frames - frames
        for buffer in (self._mixture, self._sum, self._weight):
            buffer[..., :keep] = buffer[..., frames:].copy()
            buffer[..., keep:] = 0
        self._emitted += frames
        return mixture, stems
