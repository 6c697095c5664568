"""What lies between the harmonics of a note: the bow, taken out so that it can be turned up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float32]

_WINDOW_SECONDS = 0.093
_LOBE_BINS = 3.0
_SLOT = 0.12


def bow_noise(audio: Row, *, f0: float, sample_rate: int) -> Row:
    """Return what a note of unwavering pitch holds between its harmonics, (frames,).

    Bins of a short-time spectrum further from every harmonic than 0.12 of `f0`, and than the
    window's main lobe, are kept; what is left of the note sounds without them.

    Parameters
    ----------
    audio : (frames,), as :func:`~.flatten.flatten` returns it
    f0 : Hz
    sample_rate : Hz
    """
    from scipy.fft import irfft, rfft

    size = 2 * round(0.5 * _WINDOW_SECONDS * sample_rate)
    hop = size // 2
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
    count = audio.size // hop + 2
    padded = np.zeros((count + 1) * hop, dtype=np.float32)
    padded[hop : hop + audio.size] = audio
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    hz = np.arange(size // 2 + 1) * (sample_rate / size)
    away = np.abs(hz - f0 * np.round(hz / f0))
    between = away > max(_SLOT * f0, _LOBE_BINS * sample_rate / size)
    between |= hz < 0.5 * f0
    out = np.zeros_like(padded)
    pieces = irfft(rfft(frames * window, axis=-1) * between, size, axis=-1) * window
    for index, piece in enumerate(pieces):
        out[index * hop : index * hop + size] += piece
    return np.asarray(out[hop : hop + audio.size], dtype=np.float32)
