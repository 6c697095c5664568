"""Chunks of any length into blocks of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from carnatic_sep.audio.info import BrokenAudioError, FloatArray


def reblock(chunks: Iterable[FloatArray], frames: int) -> Iterator[FloatArray]:
    """Yield (channels, frames) blocks, the last one shorter, from (channels, n) `chunks`.

    Raises
    ------
    BrokenAudioError
        As `chunks` does, after everything that came before it.
    """
    kept: list[FloatArray] = []
    held = 0
    broken: BrokenAudioError | None = None
    source = iter(chunks)
    while True:
        try:
            chunk = next(source, None)
        except BrokenAudioError as error:
            broken = error
            break
        if chunk is None:
            break
        kept.append(chunk)
        held += chunk.shape[1]
        if held < frames:
            continue
        joined = np.concatenate(kept, axis=1)
        whole = held - held % frames
        for start in range(0, whole, frames):
            yield np.ascontiguousarray(joined[:, start : start + frames])
        kept = [joined[:, whole:]]
        held -= whole
    if held:
        yield np.ascontiguousarray(np.concatenate(kept, axis=1))
    if broken is not None:
        raise broken
