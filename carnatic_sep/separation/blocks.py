"""Audio in memory or in a stream as blocks that the engine can take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.audio.info import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from carnatic_sep.audio.timecode import timecode
from carnatic_sep.errors import CarnaticSepError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_BLOCK_FRAMES = 65536
_MOST_CHANNELS = 64


def as_audio(given: object) -> NDArray[np.floating]:
    """Return what was given as audio as a NumPy array of floating point.

    Parameters
    ----------
    given : an array, a tensor of torch on any device, or nested lists

    Raises
    ------
    UsageError
        Integers, of which nobody can tell what full scale is, complex numbers, no numbers, or
        samples that are masked.
    """
    if hasattr(given, "detach"):  # a tensor
        tensor: Any = given
        bfloat16 = str(tensor.dtype) == "torch.bfloat16"  # which NumPy does not know
        given = (tensor.float() if bfloat16 else tensor).detach().cpu()
    if np.ma.is_masked(given):
        raise UsageError("audio with masked samples: say what they are, e.g. audio.filled(0.0)")
    try:
        audio = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"audio of {type(given).__name__}: give an array ({error})") from error
    if not np.issubdtype(audio.dtype, np.floating):
        remedy = (
            "; divide integers by their full scale, e.g. 32768 for 16 bits"
            if np.issubdtype(audio.dtype, np.integer)
            else ""
        )
        what = "a path" if audio.dtype.kind in "US" else f"{audio.dtype} numbers"
        raise UsageError(f"audio as {what}: give floating point with full scale ±1{remedy}")
    return audio


def checked_rate(sample_rate: object) -> int:
    """Return a sample rate as the whole number that it must be.

    Raises
    ------
    UsageError
        Out of range, or no whole number of Hz.
    """
    if isinstance(sample_rate, (int, float, np.integer, np.floating)):
        in_range = MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE
        if in_range and int(sample_rate) == sample_rate:
            return int(sample_rate)
    raise UsageError(
        f"sample rate {sample_rate!r}: give whole Hz from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}"
    )


def split(audio: NDArray[np.floating]) -> tuple[int, Iterator[NDArray[np.floating]]]:
    """Return the channels of `audio`, and its samples block by block.

    Parameters
    ----------
    audio : (channels, frames) or (frames,)

    Raises
    ------
    UsageError
        Another shape, or no channel; more than 64 channels, and more than frames, are
        (frames, channels).
    """
    turned = audio.ndim == 2 and audio.shape[0] > max(audio.shape[1], _MOST_CHANNELS)
    if audio.ndim not in (1, 2) or turned or (audio.ndim == 2 and not audio.shape[0]):
        raise UsageError(f"audio of shape {audio.shape}: give (channels, frames) or (frames,)")
    rows = np.atleast_2d(audio)
    starts = range(0, rows.shape[1], _BLOCK_FRAMES)
    return rows.shape[0], (rows[:, start : start + _BLOCK_FRAMES] for start in starts)


def checked_blocks(
    blocks: Iterable[NDArray[np.floating]], *, sample_rate: int, channels: int
) -> Iterator[NDArray[np.float32]]:
    """Pass float32 copies of `blocks` on, and refuse what no model can take.

    Copies, because whoever makes the blocks may use the same buffer again.

    Raises
    ------
    UsageError
        A block that is not (channels, frames), or not of floating point.
    CarnaticSepError
        A sample that is NaN or infinite; the time is named.
    """
    if not hasattr(blocks, "__iter__"):
        raise UsageError(f"blocks of {type(blocks).__name__}: give an iterable of arrays")
    done = 0
    for given in blocks:
        block = as_audio(given)
        if block.ndim != 2 or block.shape[0] != channels:
            raise UsageError(f"block of shape {block.shape}: give ({channels}, frames)")
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and told below
            single = np.array(block, dtype=np.float32)
        bad = ~np.isfinite(single).all(axis=0)
        if bad.any():
            place = timecode((done + int(bad.argmax())) / sample_rate)
            raise CarnaticSepError(f"audio: NaN or infinite sample at {place}; repair it first")
        done += block.shape[1]
        yield single
