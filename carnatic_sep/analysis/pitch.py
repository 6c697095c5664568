"""The melody of a recording or of a stem: one interface, several trackers, any length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.octaves import lowered
from carnatic_sep.analysis.trackers import Tracker, tracker_called
from carnatic_sep.analysis.windows import mono_blocks, windows
from carnatic_sep.errors import UsageError
from carnatic_sep.metrics.melody import Melody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from carnatic_sep.analysis.windows import Mono

    Row = NDArray[np.float64]

HOP_SECONDS = 0.01
_SHORTEST_HOP, _LONGEST_HOP = 0.001, 0.1
_REACH_SECONDS = 0.02
RANGES_HZ = {"vocals": (80.0, 1000.0), "violin": (170.0, 2000.0)}
"""Where the melody of a stem is looked for."""


@dataclass(frozen=True)
class PitchTrack:
    """A melody, sampled evenly.

    Attributes
    ----------
    f0 : (samples,), Hz; 0 where nothing is sung or played
    confidence : (samples,), 0 to 1, of the tracker's own kind: pYIN gives the probability that
        the sample is voiced; Melodia a contour's salience s as ``s / (s + 0.01)``
    hop_seconds : between samples; sample k stands at ``k * hop_seconds``
    tracker : which one it was
    """

    f0: Row
    confidence: Row
    hop_seconds: float
    tracker: str = ""

    @property
    def times(self) -> Row:
        """Seconds, (samples,)."""
        return np.asarray(np.arange(len(self.f0)) * self.hop_seconds, dtype=np.float64)

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Which samples have a pitch, (samples,)."""
        return np.asarray(self.f0 > 0.0)

    @property
    def melody(self) -> Melody:
        """The same as the metrics want it."""
        return Melody(self.times, self.f0)

    def cents(self, tonic_hz: float) -> Row:
        """Return heights over the tonic in cents, (samples,); NaN where unvoiced."""
        cents = np.full(len(self.f0), np.nan)
        cents[self.voiced] = 1200.0 * np.log2(self.f0[self.voiced] / tonic_hz)
        return cents

    def resampled(self, hop_seconds: float) -> PitchTrack:
        """Return the same melody at another hop: each sample is its nearest one here."""
        check_hop(hop_seconds)
        count = int(len(self.f0) * self.hop_seconds / hop_seconds + 1e-6)
        nearest = np.round(np.arange(count) * hop_seconds / self.hop_seconds).astype(np.int64)
        nearest = np.minimum(nearest, len(self.f0) - 1)
        return PitchTrack(self.f0[nearest], self.confidence[nearest], hop_seconds, self.tracker)


def check_hop(hop_seconds: float) -> None:
    """Refuse a hop that no melody can be written with.

    Raises
    ------
    UsageError
        It lies outside 1 to 100 ms.
    """
    if not _SHORTEST_HOP <= hop_seconds <= _LONGEST_HOP:
        raise UsageError(f"a hop of {hop_seconds} s: give one from 0.001 to 0.1 s, such as 0.01")


def track_pitch(
    audio: Mono,
    sample_rate: int,
    *,
    tracker: str = "auto",
    hop_seconds: float = HOP_SECONDS,
    range_hz: tuple[float, float] = RANGES_HZ["vocals"],
    alone: bool = False,
) -> PitchTrack:
    """Track the melody of audio in memory.

    Parameters
    ----------
    audio : (frames,) or (channels, frames); channels are averaged
    sample_rate : Hz
    tracker : ``melodia``, ``pyin``, ``ftanet``, or ``auto``: the first of them that is installed
    hop_seconds : between samples of the result
    range_hz : lowest and highest pitch
    alone : whether the melody is heard alone, as in a stem: octaves are then set right by its
        partials, see :func:`carnatic_sep.analysis.octaves.lowered`

    Raises
    ------
    UsageError
        Audio of another shape or of no floating point, a rate or a hop out of range, an unknown
        tracker, or one whose library is not installed.
    CarnaticSepError
        NaN or infinite samples, in which essentia would search without end.
    """
    from carnatic_sep.analysis.windows import RATE
    from carnatic_sep.audio.resample import StreamResampler
    from carnatic_sep.separation.blocks import as_audio, checked_blocks, checked_rate, split

    rate = checked_rate(sample_rate)
    channels, blocks = split(as_audio(audio))
    resampler = StreamResampler(1, rate, RATE)
    parts = [
        resampler.push(block.mean(axis=0, keepdims=True))[0]
        for block in checked_blocks(blocks, sample_rate=rate, channels=channels)
    ]
    parts.append(resampler.flush()[0])
    return track_stream(
        parts, tracker=tracker, hop_seconds=hop_seconds, range_hz=range_hz, alone=alone
    )


def track_file(
    path: Path,
    *,
    tracker: str = "auto",
    hop_seconds: float = HOP_SECONDS,
    range_hz: tuple[float, float] = RANGES_HZ["vocals"],
    alone: bool = False,
    report: Callable[[float], None] = lambda seconds: None,
) -> PitchTrack:
    """Track the melody of a file of any length, a minute and its margins in memory at a time.

    Parameters
    ----------
    alone : see :func:`track_pitch`
    report : takes the seconds that are done

    Raises
    ------
    AudioReadError
        The file cannot be read.
    UsageError
        See :func:`track_pitch`.
    """
    return track_stream(
        mono_blocks(path),
        tracker=tracker,
        hop_seconds=hop_seconds,
        range_hz=range_hz,
        alone=alone,
        report=report,
    )


def track_stream(
    blocks: Iterable[Mono],
    *,
    tracker: str = "auto",
    hop_seconds: float = HOP_SECONDS,
    range_hz: tuple[float, float] = RANGES_HZ["vocals"],
    alone: bool = False,
    report: Callable[[float], None] = lambda seconds: None,
) -> PitchTrack:
    """Track the melody of blocks at 44.1 kHz, each (frames,); see :func:`track_file`."""
    check_hop(hop_seconds)
    lowest, highest = range_hz
    if not 20.0 <= lowest < highest <= 5000.0:
        raise UsageError(f"a pitch range of {lowest} to {highest} Hz: give two between 20 and 5000")
    chosen: Tracker = tracker_called(tracker)
    f0: list[Row] = []
    confidence: list[Row] = []
    first = 0
    for window in windows(blocks):
        found = chosen.track(window.audio, lowest_hz=lowest, highest_hz=highest)
        heights = found.f0
        if alone and chosen.jumps_octaves:
            heights = lowered(window.audio, found.times, heights, lowest_hz=lowest)
        last = int(np.ceil(window.end_seconds / hop_seconds - 1e-6))
        grid = np.asarray(np.arange(first, last) * hop_seconds, dtype=np.float64)
        times = np.asarray(grid - window.offset_seconds, dtype=np.float64)
        f0.append(_at(times, found.times, heights))
        confidence.append(_at(times, found.times, found.confidence))
        first = last
        report(window.end_seconds)
    empty = [np.zeros(0)]
    return PitchTrack(
        np.concatenate(f0 or empty),
        np.clip(np.concatenate(confidence or empty), 0.0, 1.0),
        hop_seconds,
        chosen.name,
    )


def _at(times: Row, from_times: Row, values: Row) -> Row:
    """Return the nearest of `values` at each of `times`; 0 beyond 20 ms of any."""
    if not len(from_times):
        return np.zeros(len(times))
    right = np.clip(np.searchsorted(from_times, times), 0, len(from_times) - 1)
    left = np.maximum(right - 1, 0)
    nearer = times - from_times[left] <= from_times[right] - times
    index = np.where(nearer, left, right)
    near = np.abs(from_times[index] - times) <= _REACH_SECONDS
    return np.asarray(np.where(near, values[index], 0.0), dtype=np.float64)
