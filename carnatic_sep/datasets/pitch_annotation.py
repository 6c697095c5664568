"""Annotated pitch as files hold it, at the times at which our decoder lets the music sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AudioReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SARAGA_DELAY_SECONDS = 1105 / 44100
"""How much later than the music Saraga's ``*.pitch.txt`` run.

They were made on samples from which a decoder had not cut the 1105 frames (576 of the encoder, 529
of the decoder) that MP3 puts before the music; ours cuts them. Evidence: on the concert of
``recipes/downstream`` the same tracker on the same mix scores 42 % raw pitch as the file stands,
and 67 % with this shift, which is where the agreement peaks.
"""

_SARAGA_ENDING = ".pitch.txt"
_SARAGA_STEP_SECONDS = 196 / 44100
_STEP_TOLERANCE_SECONDS = 2e-6


def read_pitch(
    path: Path, *, offset_seconds: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a pitch file: two columns, seconds and Hz; 0 Hz where unvoiced.

    Parameters
    ----------
    path : Saraga's, or anybody's with the same columns
    offset_seconds : added to the file's times. None: less :data:`SARAGA_DELAY_SECONDS` for a file
        of Saraga's, which its name (``NAME.pitch.txt``) and step (196 frames at 44.1 kHz) tell;
        0 for any other

    Returns
    -------
    seconds, Hz, each (rows,); rows that come to lie before the beginning are left out

    Raises
    ------
    AudioReadError
        The file is missing or has other contents.
    """
    try:
        rows = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except (OSError, ValueError) as error:
        raise AudioReadError(f"{path}: not a pitch file of seconds and Hz ({error})") from error
    if rows.size == 0 or rows.shape[1] != 2:
        raise AudioReadError(f"{path}: expected two columns, seconds and Hz")
    if offset_seconds is None:
        offset_seconds = -SARAGA_DELAY_SECONDS if _is_saragas(path, rows[:, 0]) else 0.0
    times = rows[:, 0] + offset_seconds
    heard = times >= 0.0 if offset_seconds < 0.0 else np.ones(len(times), dtype=np.bool_)
    return times[heard], rows[heard, 1]


def _is_saragas(path: Path, times: NDArray[np.float64]) -> bool:
    if not path.name.endswith(_SARAGA_ENDING) or len(times) < 2:
        return False
    step = float(times[-1] - times[0]) / (len(times) - 1)
    return abs(step - _SARAGA_STEP_SECONDS) < _STEP_TOLERANCE_SECONDS
