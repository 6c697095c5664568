"""A stretch out of the middle of a file, without decoding what comes before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from carnatic_sep.audio.decode_soundfile import SoundfileDecoder
from carnatic_sep.audio.info import FloatArray
from carnatic_sep.audio.opening import check_info, open_decoder
from carnatic_sep.audio.timecode import timecode
from carnatic_sep.errors import AudioReadError


def chunks_from(path: str | Path, *, start: int = 0) -> Iterator[FloatArray]:
    """Yield what `path` holds from frame `start` on, float32 (channels, n), any n.

    Formats that libsndfile reads are entered at `start`; others are decoded up to it. Any number
    of channels is yielded as it is.

    Raises
    ------
    AudioReadError
        The file cannot be opened, a sample is no finite number, or, as
        :class:`~carnatic_sep.audio.info.BrokenAudioError` after all that decodes, it is truncated.
    """
    decoder = open_decoder(Path(path))
    try:
        info = check_info(decoder.info)
        skip = start
        if isinstance(decoder, SoundfileDecoder):
            decoder.start_at(start)
            skip = 0
        place = start - skip
        for chunk in decoder.chunks():
            if not np.isfinite(chunk).all():
                raise AudioReadError(
                    f"{path}: a sample after {timecode(place / info.sample_rate)} is not a finite "
                    "number. Export the file again, or repair that place in an audio editor."
                )
            place += chunk.shape[1]
            if skip < chunk.shape[1]:
                yield chunk[:, skip:]
            skip = max(0, skip - chunk.shape[1])
    finally:
        decoder.close()


def read_span(path: str | Path, *, start: int, frames: int) -> FloatArray:
    """Read `frames` frames from `start` on: (channels, n), n below `frames` at the file's end.

    Raises
    ------
    AudioReadError
        As :func:`chunks_from` does, if it concerns this stretch.
    """
    kept: list[FloatArray] = []
    held = 0
    channels = 1
    for chunk in chunks_from(path, start=start):
        channels = chunk.shape[0]
        kept.append(chunk[:, : frames - held])
        held += kept[-1].shape[1]
        if held == frames:
            break
    return np.concatenate(kept, axis=1) if kept else np.zeros((channels, 0), dtype=np.float32)
