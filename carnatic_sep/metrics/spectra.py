"""Spectrograms in pieces: a track's columns a few seconds at a time, so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Spectra = NDArray[np.complex64]

_CHUNK_COLUMNS = 500


@dataclass(frozen=True)
class Grid:
    """Where the columns of a spectrogram lie: column c is centred on frame c * hop.

    Attributes
    ----------
    n_fft : length of the Hann window and of the transform, in frames
    hop_frames : from column to column
    """

    n_fft: int
    hop_frames: int

    @classmethod
    def for_rate(cls, sample_rate: int, *, hop_seconds: float = 0.016) -> Grid:
        """Return a grid of the same seconds at every rate: windows of four hops.

        >>> Grid.for_rate(16000)
        Grid(n_fft=1024, hop_frames=256)
        """
        hop = max(8, 32 * round(hop_seconds * sample_rate / 32))
        return cls(4 * hop, hop)

    @property
    def bins(self) -> int:
        """Frequencies of a column."""
        return self.n_fft // 2 + 1

    def columns(self, frames: int) -> int:
        """Number of columns of a signal of `frames` frames."""
        return frames // self.hop_frames + 1

    def read(self, signals: NDArray[np.floating], first: int, count: int) -> Spectra:
        """Transform `count` columns from column `first` on.

        Parameters
        ----------
        signals : (..., frames)
        first, count : columns; those before the first and after the last of the signal are zero

        Returns
        -------
        (..., count, bins), complex64
        """
        import scipy.fft

        frames = signals.shape[-1]
        begin = first * self.hop_frames - self.n_fft // 2
        end = begin + (count - 1) * self.hop_frames + self.n_fft
        part = signals[..., max(begin, 0) : max(end, 0)].astype(np.float32)
        left = min(max(-begin, 0), end - begin)
        right = end - begin - left - part.shape[-1]
        padded = np.pad(part, [(0, 0)] * (signals.ndim - 1) + [(left, right)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=-1)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.n_fft) / self.n_fft)
        spectra = scipy.fft.rfft(windows[..., :: self.hop_frames, :] * window.astype(np.float32))
        spectra = np.asarray(spectra, dtype=np.complex64)
        index = np.arange(first, first + count)
        spectra[..., (index < 0) | (index >= self.columns(frames)), :] = 0.0
        return spectra

    def chunks(self, frames: int) -> Iterator[tuple[int, int]]:
        """Yield (first column, count) of pieces that cover a signal of `frames` frames."""
        total = self.columns(frames)
        for first in range(0, total, _CHUNK_COLUMNS):
            yield first, min(_CHUNK_COLUMNS, total - first)


def as_channels(signal: ArrayLike, *, name: str, leading: int = 0) -> NDArray[np.floating]:
    """Return `signal` as (..., channels, frames), with `leading` axes before the channels.

    Raises
    ------
    ValueError
        Another number of axes, no samples, or samples that are not finite; names the signal.
    """
    array = np.asarray(signal)
    if array.ndim == leading + 1:
        array = array[..., None, :]
    if array.ndim != leading + 2 or array.size == 0:
        axes = "(stems, channels, frames)" if leading else "(channels, frames)"
        raise ValueError(f"{name} must be {axes}, or that without channels, not {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} of shape {array.shape} holds NaN or infinite samples")
    return array


def ratio_db(numerator: float, denominator: float) -> float:
    """Return ``10 log10(numerator / denominator)``: +inf or -inf on a zero, NaN on two.

    >>> ratio_db(1.0, 0.1)
    10.0
    """
    if numerator <= 0.0 and denominator <= 0.0:
        return float("nan")
    if denominator <= 0.0:
        return float("inf")
    if numerator <= 0.0:
        return float("-inf")
    return 10.0 * float(np.log10(numerator / denominator))
