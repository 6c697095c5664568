"""From float samples to integer codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from carnatic_sep.audio.info import FloatArray

IntArray = np.ndarray[Any, np.dtype[np.int32]]

# Highest level after a common gain: the top code of 16 bits, which 24 bits hold as well.
SAFE_PEAK = 1.0 - 2.0**-15


def quantise(block: FloatArray, bits: int) -> IntArray:
    """Round samples in [-1, 1] to integers of `bits` bits.

    The step is ``2 ** (1 - bits)``, as decoders assume, so integers read from a file of the same
    depth come back unchanged. +1.0 itself has no code and becomes the top one, a step below.

    Returns
    -------
    int32, the shape of `block`, within ``[-2 ** (bits - 1), 2 ** (bits - 1) - 1]``

    >>> quantise(np.array([-1.0, 0.0, 0.5, 1.0], dtype=np.float32), 16).tolist()
    [-32768, 0, 16384, 32767]
    """
    scale = np.float32(2 ** (bits - 1))
    codes: IntArray = np.rint(block * scale).astype(np.int32)
    return np.minimum(codes, np.int32(2 ** (bits - 1) - 1), out=codes)
