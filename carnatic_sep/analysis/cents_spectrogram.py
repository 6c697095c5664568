"""A spectrogram whose heights are cents over the tonic, of a stretch of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ROWS_PER_OCTAVE = 60
_MOST_COLUMNS = 1600
_WINDOW_SECONDS = 0.186


def cents_spectrogram(
    path: Path,
    *,
    tonic_hz: float,
    start_seconds: float,
    end_seconds: float,
    lowest_cents: float,
    highest_cents: float,
) -> NDArray[np.float64]:
    """Return power in dB over cents above the tonic, (rows, columns).

    Parameters
    ----------
    path : an audio file; only the stretch is held in memory
    tonic_hz : 0 cents
    start_seconds, end_seconds : the stretch
    lowest_cents, highest_cents : of the rows, 60 an octave

    Raises
    ------
    AudioReadError
        The file cannot be read.
    """
    from scipy.fft import rfft

    from carnatic_sep.audio.reader import probe
    from carnatic_sep.audio.span import read_span

    rate = probe(path).sample_rate
    audio = read_span(
        path,
        start=round(start_seconds * rate),
        frames=max(1, round((end_seconds - start_seconds) * rate)),
    ).mean(axis=0)
    size = 1 << round(np.log2(_WINDOW_SECONDS * rate))
    hop = max(size // 8, -(-len(audio) // _MOST_COLUMNS))
    padded = np.pad(audio, (size // 2, size // 2 + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    rows = round((highest_cents - lowest_cents) / 1200.0 * ROWS_PER_OCTAVE)
    cents = lowest_cents + (np.arange(rows) + 0.5) * 1200.0 / ROWS_PER_OCTAVE
    bins = tonic_hz * 2.0 ** (cents / 1200.0) * (2 * size) / rate
    low = np.clip(bins.astype(np.int64), 0, size - 1)
    part = np.clip(bins - low, 0.0, 1.0)
    taper = np.hanning(size).astype(np.float32)
    columns = []
    for first in range(0, len(frames), 64):
        spectrum = np.abs(rfft(frames[first : first + 64] * taper, 2 * size, axis=1))
        level = 20.0 * np.log10(spectrum + 1e-6)
        columns.append((1.0 - part) * level[:, low] + part * level[:, low + 1])
    return np.asarray(np.concatenate(columns).T)
