"""One recorded file on the common time line of its track: any stretch, at any rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd
from pathlib import Path

import numpy as np

from carnatic_sep.audio.info import AudioInfo, FloatArray
from carnatic_sep.audio.reader import probe
from carnatic_sep.audio.reblock import reblock
from carnatic_sep.audio.resample import StreamResampler
from carnatic_sep.audio.span import chunks_from, read_span
from carnatic_sep.errors import AudioReadError

_MARGIN_FRAMES = 1024
"""Frames of the lower rate on either side of a stretch: more than soxr's filters reach."""


def file_info(path: Path) -> AudioInfo:
    """Return what the header of `path` says, its length counted where the header is silent.

    Raises
    ------
    AudioReadError
        The file cannot be opened, or cannot be decoded to its end to count it.
    """
    from dataclasses import replace

    info = probe(path)
    if info.frames is None:
        info = replace(info, frames=sum(chunk.shape[1] for chunk in chunks_from(path)))
    return info


def read_file(info: AudioInfo, *, start: int, frames: int, sample_rate: int) -> FloatArray:
    """Read `frames` frames from `start`, both at `sample_rate`; silence past the file's end.

    Frame k stands at time k / sample_rate of the file, whichever stretch is read.

    Returns
    -------
    (channels, frames), float32

    Raises
    ------
    AudioReadError
        The stretch cannot be decoded.
    """
    if info.sample_rate == sample_rate:
        return _padded(read_span(info.path, start=start, frames=frames), frames)
    common = gcd(info.sample_rate, sample_rate)
    step_in, step_out = info.sample_rate // common, sample_rate // common
    margin = _MARGIN_FRAMES * max(1, -(-info.sample_rate // sample_rate))
    steps = max(0, start * info.sample_rate // sample_rate - margin) // step_in
    first, last = steps * step_in, (start + frames) * info.sample_rate // sample_rate + margin
    stretch = read_span(info.path, start=first, frames=last - first)
    resampler = StreamResampler(stretch.shape[0], info.sample_rate, sample_rate)
    out = np.concatenate([resampler.push(stretch), resampler.flush()], axis=1)
    offset = start - steps * step_out
    return _padded(out[:, offset : offset + frames], frames)


def stream_file(
    info: AudioInfo, *, block_frames: int, frames: int, sample_rate: int
) -> Iterator[FloatArray]:
    """Yield `frames` frames at `sample_rate` in blocks, the last one shorter; silence at the end.

    Raises
    ------
    AudioReadError
        The file cannot be decoded to its end.
    """
    done = 0
    for block in reblock(_resampled(info, sample_rate), block_frames):
        wanted = min(block_frames, frames - done)
        if wanted <= 0:
            return
        yield _padded(block[:, :wanted], wanted)
        done += wanted
    while done < frames:
        wanted = min(block_frames, frames - done)
        yield np.zeros((info.channels, wanted), dtype=np.float32)
        done += wanted


def add(parts: Iterable[FloatArray]) -> FloatArray:
    """Sum signals of equal length; a mono one sounds on every channel of the others.

    Raises
    ------
    AudioReadError
        The channels do not fit, such as two and six.
    """
    signals = list(parts)
    channels = max(signal.shape[0] for signal in signals)
    if any(signal.shape[0] not in (1, channels) for signal in signals):
        counts = ", ".join(str(signal.shape[0]) for signal in signals)
        raise AudioReadError(
            f"signals of {counts} channels cannot be summed; mix the files down to one or two"
        )
    total = np.zeros((channels, signals[0].shape[1]), dtype=np.float32)
    for signal in signals:
        total += signal
    return total


def _resampled(info: AudioInfo, sample_rate: int) -> Iterator[FloatArray]:
    resampler = StreamResampler(info.channels, info.sample_rate, sample_rate)
    for chunk in chunks_from(info.path):
        yield resampler.push(chunk)
    yield resampler.flush()


def _padded(audio: FloatArray, frames: int) -> FloatArray:
    missing = frames - audio.shape[1]
    return np.pad(audio, ((0, 0), (0, missing))) if missing > 0 else audio
