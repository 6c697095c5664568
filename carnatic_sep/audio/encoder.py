"""FLAC, Ogg Vorbis, Opus and MP3 by libsndfile, with honest errors when the disk refuses."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from carnatic_sep.audio import ogg
from carnatic_sep.audio.formats import FormatName, OutputFormat
from carnatic_sep.audio.info import FloatArray
from carnatic_sep.audio.interrupts import interrupts_wait
from carnatic_sep.audio.quantise import quantise

_CODEC: dict[FormatName, tuple[str, str]] = {
    "flac": ("FLAC", "PCM_{bits}"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
# libsndfile's scale from 0 (best) to 1; here MP3 V0, Vorbis quality 8, Opus near 256 kbit/s.
_COMPRESSION: dict[FormatName, float | None] = {"flac": None, "ogg": 0.2, "opus": 0.5, "mp3": 0.0}
_OPUS_TAIL_SECONDS = 0.12
_PIECE_FRAMES = 8192  # libsndfile's Vorbis encoder keeps a whole call on the stack


class EncodedFile:
    """A compressed file written front to back.

    The lossy formats keep length and alignment exactly: MP3 carries an Info header with delay and
    padding, Vorbis and Opus the position of the last sample.

    Parameters
    ----------
    path : overwritten if it exists
    sample_rate : Hz
    channels : number of channels
    output_format : any but wav

    Raises
    ------
    OSError
        From the constructor, :meth:`write` and :meth:`close`: the file cannot be written.
    """

    def __init__(
        self, path: Path, *, sample_rate: int, channels: int, output_format: OutputFormat
    ) -> None:
        import soundfile

        container, subtype = _CODEC[output_format.name]
        self._name = output_format.name
        self._rate = sample_rate
        self._channels = channels
        self._frames = 0
        self._bits = output_format.bits
        reading = ogg.VORBIS_ORDER.get(channels) if self._name in ("ogg", "opus") else None
        self._order = None if reading is None else np.argsort(reading)
        self._sink = _Sink(path.open("w+b", buffering=0))
        with interrupts_wait():
            try:
                self._file = soundfile.SoundFile(
                    self._sink,
                    "w",
                    samplerate=sample_rate,
                    channels=channels,
                    format=container,
                    subtype=subtype.format(bits=self._bits),
                    compression_level=_COMPRESSION[output_format.name],
                )
            except BaseException as error:
                self._sink.close()
                if isinstance(error, soundfile.LibsndfileError):
                    raise OSError(str(error)) from error
                raise

    def write(self, block: FloatArray) -> None:
        """Append (channels, n); integers want samples within [-1, 1]."""
        self._frames += block.shape[1]
        if self._order is not None:
            block = block[self._order]
        self._encode(np.ascontiguousarray(block.T))

    def _encode(self, frames: FloatArray) -> None:
        data: np.ndarray[Any, Any] = frames
        if self._bits is not None:
            data = quantise(frames, self._bits) << (32 - self._bits)
        for start in range(0, len(data), _PIECE_FRAMES):
            self._guard(lambda piece=data[start : start + _PIECE_FRAMES]: self._file.write(piece))

    def close(self) -> None:
        """Finish the stream and write it to the disk; harmless when repeated."""
        if self._sink.closed:
            return
        try:
            if self._name == "opus":
                tail = round(self._rate * _OPUS_TAIL_SECONDS)
                self._encode(np.zeros((tail, self._channels), dtype=np.float32))
            self._guard(self._file.close)
            self._settle()
            self._sink.sync()
        finally:
            self._sink.close()

    def _settle(self) -> None:
        """Make an Ogg file depend on nothing but its sound."""
        file = self._sink.file
        if self._name == "opus":
            ticks = self._frames * 48000 // self._rate
            ogg.settle(file, end=ogg.opus_pre_skip(file) + ticks)
        elif self._name == "ogg":
            ogg.settle(file)

    def _guard(self, step: Any) -> None:
        """Run `step` and raise what went wrong below libsndfile rather than what it made of it."""
        import soundfile

        try:
            with interrupts_wait():
                step()
        except (soundfile.LibsndfileError, AssertionError) as error:
            raise self._sink.error or OSError(str(error) or "the encoder failed") from error
        if self._sink.error is not None:
            raise self._sink.error


class _Sink(io.RawIOBase):
    """The file below libsndfile, which loses error numbers: the first one is kept here."""

    def __init__(self, file: io.FileIO) -> None:
        self.file = file
        self.error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of `data` or keep the error and report nothing written."""
        rest = memoryview(data)
        try:
            while rest and self.error is None:
                rest = rest[self.file.write(rest) :]
        except OSError as error:
            self.error = error
        return 0 if self.error is not None else len(data)

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from the file."""
        return self.file.readinto(buffer)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move within the file."""
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position within the file."""
        return self.file.tell()

    def sync(self) -> None:
        """Make sure that the disk has it all."""
        os.fsync(self.file.fileno())

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()
