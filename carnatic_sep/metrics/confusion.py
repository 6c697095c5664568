"""Whose notes an estimate plays: the voice's, or those of the violin that shadows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.melody import Melody, validate
from carnatic_sep.metrics.spectra import Grid, as_channels, ratio_db

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Row = NDArray[np.float64]

_HARMONICS = 12
_HIGHEST_HZ = 5000.0
_LEAST_SECONDS = 0.5


def voice_violin_confusion(
    estimate: ArrayLike, own: Melody, rival: Melody, *, sample_rate: int
) -> float:
    """Return the energy on the rival's harmonics against that on the estimate's own, in dB.

    Columns of 64 ms count in which both sound at notes that differ, octaves forgiven, by more than
    a semitone. Harmonics 1 to 12 below 5 kHz count, one bin to each side, where they are at least
    four bins away from every harmonic of the other. Give it the vocal estimate with the voice's
    melody as `own` and the violin's as `rival`, and the reverse.

    Parameters
    ----------
    estimate : (frames,) or (channels, frames)
    own : melody of the instrument that the estimate should be
    rival : melody of the other
    sample_rate : Hz

    Returns
    -------
    dB, lower is better: about the ratio of the two in the estimate; -inf where only its own is
    found, NaN for a silent estimate or where less than half a second of columns counts

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.melody.validate`; audio that is empty or not finite.

    Source: this project.
    """
    validate(own, name="own melody")
    validate(rival, name="rival melody")
    signal = as_channels(estimate, name="estimate")
    grid = Grid.for_rate(sample_rate)
    frames = signal.shape[-1]
    times = np.arange(grid.columns(frames)) * grid.hop_frames / sample_rate
    mine, theirs = own.at(times), rival.at(times)
    both = (mine > 0.0) & (theirs > 0.0)
    interval = np.zeros(len(times))
    interval[both] = 1200.0 * np.log2(mine[both] / theirs[both])
    apart = both & (np.abs((interval + 600.0) % 1200.0 - 600.0) > 100.0)
    if apart.sum() * grid.hop_frames < _LEAST_SECONDS * sample_rate:
        return float("nan")
    width = sample_rate / grid.n_fft
    energies = np.zeros(2)
    for first, count in grid.chunks(frames):
        columns = slice(first, first + count)
        chosen = apart[columns]
        if not chosen.any():
            continue
        spectra = grid.read(signal, first, count)[:, chosen]
        power = np.asarray(np.sum(np.abs(spectra, dtype=np.float64) ** 2, axis=0))
        pair = (mine[columns][chosen], theirs[columns][chosen])
        energies[0] += _on_harmonics(power, pair[0], pair[1], width)
        energies[1] += _on_harmonics(power, pair[1], pair[0], width)
    return ratio_db(float(energies[1]), float(energies[0]))


def _on_harmonics(power: NDArray[np.float64], f0: Row, other: Row, width: float) -> float:
    """Sum power (columns, bins) on harmonics of `f0` that are clear of those of `other`, in Hz."""
    highest = min(_HIGHEST_HZ, (power.shape[1] - 3) * width)
    total = 0.0
    for harmonic in range(1, _HARMONICS + 1):
        place = harmonic * f0
        nearest = np.maximum(np.round(place / other), 1.0) * other
        clear = (place <= highest) & (np.abs(place - nearest) >= 4.0 * width)
        row = np.flatnonzero(clear)
        centre = np.round(place[row] / width).astype(np.int64)
        total += float(sum(power[row, np.maximum(centre + step, 0)].sum() for step in (-1, 0, 1)))
    return total
