"""Decoding by libsndfile: WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF and its other formats."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from carnatic_sep.audio import containers, mp3, ogg
from carnatic_sep.audio.info import AudioInfo, BrokenAudioError, FloatArray
from carnatic_sep.audio.interrupts import interrupts_wait

# Not the caller's business: the last bits of MP3 depend on how libsndfile is asked.
_CHUNK_FRAMES = 16384
_UNKNOWN_FRAMES = 1 << 62  # libsndfile says SF_COUNT_MAX where a header leaves the length open


def _with_missing(path: Path, frames: int, missing: int) -> int:
    """Return how many frames a file promises that holds `frames` and lacks `missing` bytes."""
    if not missing or not frames:
        return frames
    frame_bytes = max(1, (path.stat().st_size - 44) // frames)
    return frames + max(1, missing // frame_bytes)


class SoundfileDecoder:
    """One file, opened by libsndfile; see :class:`carnatic_sep.audio.info.Decoder`.

    Raises
    ------
    soundfile.LibsndfileError
        libsndfile does not know the file.
    """

    def __init__(self, path: Path) -> None:
        import soundfile

        self._stack = ExitStack()
        # soundfile encodes a name strictly, and not all names on a POSIX disk are Unicode
        name = os.fsencode(path) if os.name == "posix" else path
        self._file = self._stack.enter_context(soundfile.SoundFile(name))
        self._slack = 0
        self._defect: str | None = None
        self._order: list[int] | None = None
        frames = int(self._file.frames)
        expected: int | None = frames if frames < _UNKNOWN_FRAMES else None
        if self._file.format == "MP3":
            expected = self._open_mp3(path, expected)
        elif self._file.format in ("WAV", "WAVEX", "RF64"):
            missing = containers.wav_missing_bytes(path)
            expected = _with_missing(path, frames, missing) if missing else expected
            if containers.wav_wrapped(path):
                self._defect = (
                    "the file is longer than the 4 GiB that its header can count; sox "
                    "--ignore-length, or a player that plays all of it, can save it as RF64 or FLAC"
                )
        elif self._file.format in ("AIFF", "AU", "W64"):
            missing = containers.stated_missing_bytes(path, self._file.format)
            expected = _with_missing(path, frames, missing) if missing else expected
        elif self._file.format == "OGG":
            self._defect = containers.ogg_defect(path)
            self._slack = 64  # a sound Vorbis file may decode one frame short of its last granule
            self._order = ogg.VORBIS_ORDER.get(int(self._file.channels))
        self._expected = expected
        self.info = AudioInfo(
            path=path,
            sample_rate=int(self._file.samplerate),
            channels=int(self._file.channels),
            frames=expected,
            container=str(self._file.format),
            subtype=str(self._file.subtype),
        )

    def _open_mp3(self, path: Path, frames: int | None) -> int | None:
        """Reopen an MP3 whose header would cut it short; return the length to expect."""
        import soundfile

        where = mp3.layout(path)
        self._slack = 2 * (where.samples if where else 1152)
        if where is None or not where.needs_header:
            return frames
        self._file.close()
        view: io.RawIOBase = self._stack.enter_context(mp3.Mp3WithHeader(path, where))
        with interrupts_wait():
            self._file = self._stack.enter_context(soundfile.SoundFile(view))
        self._slack += 2 * where.samples
        return int(self._file.frames)

    def start_at(self, frame: int) -> None:
        """Let :meth:`chunks` begin at `frame` instead of the beginning."""
        with interrupts_wait():
            self._file.seek(min(frame, self._file.frames))

    def chunks(self) -> Iterator[FloatArray]:
        """Yield (channels, n) to the end.

        Raises
        ------
        BrokenAudioError
            After everything that decodes was yielded, if that is less than the file promises.
        """
        import soundfile

        done = int(self._file.tell())
        while True:
            # libsndfile 1.2 spoils the end of an Opus file unless the last read is a large one.
            rest = self._file.frames - done
            frames = rest if 0 < rest <= 2 * _CHUNK_FRAMES else _CHUNK_FRAMES
            # NaN marks what libsndfile did not fill: an error hides how much it had decoded.
            buffer = np.full((frames, self.info.channels), np.nan, dtype=np.float32)
            try:
                with interrupts_wait():
                    count = len(self._file.read(out=buffer))
            except soundfile.LibsndfileError as error:
                empty = np.isnan(buffer).all(axis=1)
                count = int(empty.argmax()) if empty.any() else frames
                done += count
                if count:
                    yield self._ordered(buffer[:count])
                if self._expected is None and "lost sync" not in str(error):
                    return  # a FLAC stream without a length ends in a failing seek
                raise self._broken(done, str(error).strip().rstrip(".")) from error
            if count == 0:
                break
            done += count
            yield self._ordered(buffer[:count])
        if self._defect is not None:
            raise self._broken(done, self._defect)
        if self._expected is not None and done < self._expected - self._slack:
            raise self._broken(done, "the data end before the length that the header states")

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _ordered(self, frames: FloatArray) -> FloatArray:
        """Turn (n, channels) into (channels, n) in the order of WAVE."""
        rows = frames.T if self._order is None else frames.T[self._order]
        return np.ascontiguousarray(rows)

    def _broken(self, frames: int, why: str) -> BrokenAudioError:
        expected = self._expected if self._expected and self._expected > frames else None
        return BrokenAudioError(self.info, frames=frames, expected=expected, why=why)
