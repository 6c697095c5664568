"""Decoding by PyAV (FFmpeg): M4A/AAC, WMA, WebM and what else libsndfile does not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.containers import is_fragmented
from carnatic_sep.audio.info import AudioInfo, BrokenAudioError, FloatArray
from carnatic_sep.errors import AudioReadError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream

_EXACT_CONTAINERS = ("mov", "mp4", "m4a")
_PRIMING_FRAMES = 2 * 2112  # of AAC encoders, twice
_MATROSKA_SLACK_SECONDS = 0.25


def available() -> bool:
    """Whether PyAV can be imported."""
    from importlib.util import find_spec

    return find_spec("av") is not None


class PyavDecoder:
    """The first audio stream of one file, opened by PyAV.

    An encoder pads its last block with silence. Where the container states the true length (MP4
    and M4A do, some muxers rounded to a millisecond), the padding is cut off; elsewhere it stays.

    Raises
    ------
    av.error.FFmpegError
        PyAV does not know the file either.
    AudioReadError
        The file holds no sound, or its codec cannot be decoded.
    """

    def __init__(self, path: Path) -> None:
        import av
        from av.audio.resampler import AudioResampler

        self._container = av.open(str(path), "r")
        try:
            streams = self._container.streams.audio
            if not streams:
                raise AudioReadError(
                    f"{path}: there is no sound in this file; name a file with an audio stream."
                )
            stream = streams[0]
            if stream.codec_context is None:
                raise AudioReadError(
                    f"{path}: nothing here decodes the codec of its sound; convert it to FLAC."
                )
            self._frames = self._container.decode(stream)
            self._first: AudioFrame | None = next(self._frames, None)
        except BaseException:
            self._container.close()
            raise
        rate = self._first.sample_rate if self._first else stream.codec_context.sample_rate
        channels = self._first.layout.nb_channels if self._first else stream.codec_context.channels
        exact = any(name in self._container.format.name for name in _EXACT_CONTAINERS)
        length = None
        if exact and stream.duration is not None and stream.time_base is not None:
            length = round(stream.duration * stream.time_base * rate)
        if self._first is None and length is None:
            length = 0
        self.info = AudioInfo(
            path=path,
            sample_rate=rate,
            channels=channels,
            frames=length,
            container=self._container.format.name,
            subtype=stream.codec_context.name,
        )
        self._slack = _PRIMING_FRAMES if exact and is_fragmented(path) else 0
        self._promised = self._matroska_frames(stream, rate)
        self._resampler = AudioResampler(format="fltp")

    def _matroska_frames(self, stream: AudioStream, rate: int) -> int | None:
        """Return how much sound a Matroska or WebM file promises at least; None where it does not.

        The length of the whole is that of its longest stream, so it tells of a lone one only; some
        programs tag each stream with its own.
        """
        if "matroska" not in self._container.format.name:
            return None
        hours, _, rest = str(stream.metadata.get("DURATION", "")).partition(":")
        minutes, _, seconds = rest.partition(":")
        try:
            stated = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        except ValueError:
            if len(self._container.streams) > 1 or self._container.duration is None:
                return None
            stated = self._container.duration / 1e6
        return round((stated - _MATROSKA_SLACK_SECONDS) * rate)

    def chunks(self) -> Iterator[FloatArray]:
        """Yield (channels, n) to the end.

        Raises
        ------
        BrokenAudioError
            After everything that decodes was yielded, if that is less than the file promises.
        """
        import av

        limit = self.info.frames
        done = 0
        error: Exception | None = None
        try:
            for piece in self._decoded():
                kept = piece if limit is None else piece[:, : limit - done]
                done += kept.shape[1]
                yield kept
        except (av.error.FFmpegError, OSError, ValueError) as failure:
            error = failure
        promised = self._promised if limit is None else limit - self._slack
        if error is not None or (promised is not None and done < promised):
            why = str(error) if error else "the data end before the length that the header states"
            raise BrokenAudioError(
                self.info, frames=done, expected=limit or self._promised, why=why
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decoded(self) -> Iterator[FloatArray]:
        """Yield float32 (channels, n) as the codec delivers it."""
        if self._first is None:
            return
        frame: AudioFrame | None = self._first
        while frame is not None:
            if frame.sample_rate != self.info.sample_rate or (
                frame.layout.nb_channels != self.info.channels
            ):
                raise ValueError("the sample rate or the channels change within the file")
            for plain in self._resampler.resample(frame):
                yield _samples(plain)
            frame = next(self._frames, None)
        for plain in self._resampler.resample(None):
            yield _samples(plain)


def _samples(frame: AudioFrame) -> FloatArray:
    """Copy a planar float32 frame: (channels, n).

    PyAV's own `to_ndarray` reads a ninth plane of frames with eight, and crashes (PyAV 18.1).
    """
    planes = frame.planes[: frame.layout.nb_channels]
    return np.stack(
        [np.frombuffer(memoryview(plane), np.float32, frame.samples) for plane in planes]
    )
