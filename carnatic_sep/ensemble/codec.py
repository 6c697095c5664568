"""A lossy round trip, as most concerts that people have went through one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATES = (32000, 44100, 48000)
_HIGHEST_KBPS, _LOWEST_KBPS = 320, 32


def check_mp3(kbps: int, *, sample_rate: int) -> None:
    """Refuse what mp3 files of these kinds do not have.

    Raises
    ------
    UsageError
        Another rate.
    """
    if sample_rate not in _RATES or not 64 <= kbps <= _HIGHEST_KBPS:
        raise UsageError(
            f"mp3 at {kbps} kbit/s and {sample_rate} Hz: choose 64 to {_HIGHEST_KBPS} kbit/s and "
            f"one of {', '.join(map(str, _RATES))} Hz"
        )


def mp3_round_trip(
    audio: NDArray[np.float32], *, sample_rate: int, kbps: int = 128
) -> NDArray[np.float32]:
    """Encode as mp3 of a constant rate and decode again.

    Parameters
    ----------
    audio : (channels, frames), one or two channels
    sample_rate : Hz; 32000, 44100 or 48000
    kbps : 64 to 320

    Returns
    -------
    (channels, frames), as long as `audio` and aligned with it

    Raises
    ------
    UsageError
        A rate that these mp3 files do not have.
    """
    import soundfile

    check_mp3(kbps, sample_rate=sample_rate)
    # libsndfile maps 0..1 to the rates from 320 kbit/s down and takes the next that exists.
    level = (_HIGHEST_KBPS - kbps) / (_HIGHEST_KBPS - _LOWEST_KBPS)
    coded = io.BytesIO()
    soundfile.write(
        coded,
        audio.T,
        sample_rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=level,
        bitrate_mode="CONSTANT",
    )
    coded.seek(0)
    decoded, _ = soundfile.read(coded, dtype="float32", always_2d=True, frames=audio.shape[1])
    out = np.zeros_like(audio)
    out[:, : decoded.shape[0]] = decoded.T
    return out
