"""What is known of an audio file before it is decoded, and how its channels are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from carnatic_sep.audio.timecode import timecode
from carnatic_sep.errors import AudioReadError

Downmix = Literal["none", "stereo", "mono"]
FloatArray = np.ndarray[Any, np.dtype[np.float32]]

# fmt: off
AUDIO_SUFFIXES = frozenset({
    ".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mka", ".mp3", ".mp4",
    ".oga", ".ogg", ".opus", ".rf64", ".w64", ".wav", ".webm", ".wma",
})
# fmt: on
"""What files with sound in them are called; their contents decide what they are."""

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 192_000


@dataclass(frozen=True)
class AudioInfo:
    """One audio file as its header describes it.

    Attributes
    ----------
    path : the file
    sample_rate : Hz
    channels : channels that a reader of this file yields
    frames : length in samples per channel as the header says; None where it does not say
    container : file format, such as ``WAV``, ``FLAC``, ``MP3`` or ``mov,mp4,m4a``
    subtype : codec or sample format, such as ``PCM_24``, ``VORBIS`` or ``aac``
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int | None
    container: str
    subtype: str

    @property
    def duration_seconds(self) -> float | None:
        """Length in seconds, None where the header does not tell."""
        return None if self.frames is None else self.frames / self.sample_rate


class BrokenAudioError(AudioReadError):
    """A file that decodes up to a break and no further.

    Attributes
    ----------
    frames : samples per channel that were decoded before the break
    """

    def __init__(self, info: AudioInfo, *, frames: int, expected: int | None, why: str) -> None:
        self.frames = frames
        place = timecode(frames / info.sample_rate)
        whole = f" of {timecode(expected / info.sample_rate)}" if expected else ""
        super().__init__(
            f"{info.path}: decoding stops at {place}{whole} ({why}): the file is truncated or "
            "damaged. What comes before that point is sound; copy or download the file again, or "
            "cut it there to use the part that is left."
        )


class Decoder(Protocol):
    """An open file that turns into samples once, from its beginning."""

    info: AudioInfo

    def chunks(self) -> Iterator[FloatArray]:
        """Yield (channels, n), any n, to the end; raise :class:`BrokenAudioError` at a break."""

    def close(self) -> None:
        """Release the file; harmless when done twice."""
