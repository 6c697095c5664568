"""Any audio file as blocks of float32, never the whole file at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np

from carnatic_sep.audio.downmix import downmix_matrix
from carnatic_sep.audio.info import (
    AudioInfo,
    BrokenAudioError,
    Decoder,
    Downmix,
    FloatArray,
)
from carnatic_sep.audio.opening import check_info, open_decoder, zero_length
from carnatic_sep.audio.reblock import reblock
from carnatic_sep.audio.timecode import timecode
from carnatic_sep.errors import AudioReadError, UsageError

__all__ = [
    "AudioInfo",
    "AudioReader",
    "BrokenAudioError",
    "Downmix",
    "InputScan",
    "peak_and_check",
    "probe",
    "read_audio",
]

BLOCK_FRAMES = 65536


class AudioReader:
    """An audio file as a stream of blocks.

    Parameters
    ----------
    path : WAV, RF64, FLAC, AIFF, Ogg Vorbis, Opus or MP3; M4A, AAC and others with extra ``m4a``
    block_frames : length of a block in frames; the last one may be shorter
    downmix : what becomes of the channels: ``"stereo"`` and ``"mono"`` mix down, ``"none"``
        leaves one or two channels alone and refuses more

    Attributes
    ----------
    info : what :meth:`blocks` yields: `channels` counts those after the downmix

    Raises
    ------
    AudioReadError
        No file, a directory, an empty file, no audio, zero length, an unknown codec, a sample
        rate outside 8 to 192 kHz, or more than two channels without a downmix.
    UsageError
        `block_frames` below one, or an unknown `downmix`.

    Notes
    -----
    The length is exact for every format libsndfile reads: encoder delay and padding of MP3, Vorbis
    and Opus are trimmed as their headers say. An MP3 without a Xing/Info header states no padding,
    so up to 2 MPEG frames of silence stay at its ends.

    Examples
    --------
    >>> with AudioReader("concert.mp3") as reader:  # doctest: +SKIP
    ...     peak = max(abs(block).max() for block in reader.blocks())
    """

    def __init__(
        self,
        path: str | Path,
        *,
        block_frames: int = BLOCK_FRAMES,
        downmix: Downmix = "none",
    ) -> None:
        if block_frames < 1:
            raise UsageError(f"block_frames is {block_frames}; a block needs at least one frame.")
        if downmix not in ("none", "stereo", "mono"):
            raise UsageError(f"downmix is {downmix!r}; it can be none, stereo or mono.")
        self._path = Path(path)
        self._block_frames = block_frames
        self._decoder: Decoder | None = open_decoder(self._path)
        self._fresh = True
        try:
            found = check_info(self._decoder.info)
            if found.channels > 2 and downmix == "none":
                raise AudioReadError(
                    f"{path}: the file has {found.channels} channels; one or two can be used as "
                    "they are. Mix them down to stereo or mono; `carnatic-sep separate` does so "
                    "with --downmix stereo or --downmix mono."
                )
        except AudioReadError:
            self.close()
            raise
        self._matrix = downmix_matrix(found.channels, downmix)
        channels = found.channels if self._matrix is None else len(self._matrix)
        self.info = replace(found, channels=channels)

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; running iterators end."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the file from its beginning, float32 (channels, frames), full scale 1.

        One iterator at a time: a second call starts over and ends the first.

        Raises
        ------
        BrokenAudioError
            After all that decodes was yielded: the data are truncated or damaged. The message says
            where, `frames` how many came.
        AudioReadError
            A sample is NaN or infinite (the time is named), or nothing decodes at all.
        """
        if not self._fresh:
            self.close()
            self._decoder = open_decoder(self._path)
        self._fresh = False
        decoder = self._decoder
        if decoder is None:
            raise AudioReadError(f"{self._path}: the reader is closed; open the file again.")
        return self._iterate(decoder)

    def _iterate(self, decoder: Decoder) -> Iterator[FloatArray]:
        done = 0
        for block in reblock(decoder.chunks(), self._block_frames):
            self._refuse_non_finite(block, done)
            done += block.shape[1]
            yield block if self._matrix is None else self._matrix @ block
            if decoder is not self._decoder:
                return
        if done == 0:
            raise zero_length(self._path)

    def _refuse_non_finite(self, block: FloatArray, start: int) -> None:
        bad = ~np.isfinite(block)
        if not bad.any():
            return
        column = int(bad.any(axis=0).argmax())
        channel = int(bad[:, column].argmax())
        place = timecode((start + column) / self.info.sample_rate)
        raise AudioReadError(
            f"{self._path}: the sample at {place} (frame {start + column}, channel {channel + 1}) "
            f"is {block[channel, column]}, not a number that can be played. Export the file again, "
            "or repair that place in an audio editor."
        )


@dataclass(frozen=True)
class InputScan:
    """What one pass over a file found.

    Attributes
    ----------
    peak : largest absolute sample, full scale 1
    frames : samples per channel that decode
    sha256 : hex digest of the bytes of the file
    break_message : why and where decoding stops early; None if the file is whole
    """

    peak: float
    frames: int
    sha256: str
    break_message: str | None


def read_audio(path: str | Path, *, downmix: Downmix = "none") -> tuple[FloatArray, int]:
    """Read a short file whole.

    Returns
    -------
    audio : (channels, frames), float32
    sample_rate : Hz

    Raises
    ------
    AudioReadError
        As :class:`AudioReader` does; a truncated file gives no audio here.
    """
    with AudioReader(path, downmix=downmix) as reader:
        return np.concatenate(list(reader.blocks()), axis=1), reader.info.sample_rate


def probe(path: str | Path) -> AudioInfo:
    """Return what the header of `path` says; any number of channels is accepted.

    Raises
    ------
    AudioReadError
        As :class:`AudioReader` does, but for the channels.
    """
    decoder = open_decoder(Path(path))
    try:
        return check_info(decoder.info)
    finally:
        decoder.close()


def peak_and_check(path: str | Path, *, downmix: Downmix = "none") -> InputScan:
    """Decode `path` once and keep nothing but its peak, length, checksum and the place of a break.

    Raises
    ------
    AudioReadError
        As :class:`AudioReader` does, but for a break, which is reported in the result.
    """
    peak, frames, message = 0.0, 0, None
    with AudioReader(path, downmix=downmix) as reader:
        try:
            for block in reader.blocks():
                peak = max(peak, float(block.max()), -float(block.min()))
                frames += block.shape[1]
        except BrokenAudioError as broken:
            if not frames:
                raise
            message = str(broken)
    with Path(path).open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return InputScan(peak=peak, frames=frames, sha256=digest.hexdigest(), break_message=message)
