"""Mastering as one gain curve: what it does to the mixture it does to every stem alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HOP = 32


@dataclass(frozen=True)
class Mastering:
    """A compressor and a limiter behind one another.

    Attributes
    ----------
    threshold_db : level, dB over the mixture's own RMS, above which the compressor works
    ratio : dB in for each dB out above the threshold; 1 leaves the sound as it is
    attack_seconds, release_seconds : of the compressor
    ceiling : peak that the limiter lets through; it looks ahead by 2 ms
    loudness_db : RMS of the mixture in dBFS before both, so that the limiter has more or less to do
    """

    threshold_db: float = 6.0
    ratio: float = 1.5
    attack_seconds: float = 0.008
    release_seconds: float = 0.15
    ceiling: float = 0.9
    loudness_db: float = -24.0


def gain_curve(
    mixture: NDArray[np.float32],
    mastering: Mastering,
    *,
    sample_rate: int,
    steady: bool = False,
) -> NDArray[np.float32]:
    """Return the gain, (frames,), that masters a mixture when it is multiplied with it.

    One curve for both channels, so that nothing moves on the stage; and because it multiplies,
    stems that sum to the mixture still do afterwards.

    Parameters
    ----------
    mixture : (channels, frames)
    steady : keep to one gain, the loudness asked for or what the ceiling allows

    Returns
    -------
    (frames,); 1 throughout for a silent mixture
    """
    from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d
    from scipy.signal import lfilter

    frames = mixture.shape[-1]
    loudness = float(np.sqrt(np.mean(np.square(mixture), dtype=np.float64)))
    if loudness < 1e-9:
        return np.ones(frames, dtype=np.float32)
    makeup = 10.0 ** (mastering.loudness_db / 20.0) / loudness
    if steady:
        loudest = mastering.ceiling / float(np.abs(mixture).max())
        return np.full(frames, min(makeup, loudest), dtype=np.float32)
    hops = -(-frames // _HOP)
    padded = np.zeros((mixture.shape[0], hops * _HOP), dtype=np.float32)
    padded[:, :frames] = mixture
    blocks = padded.reshape(mixture.shape[0], hops, _HOP)
    peaks = np.abs(blocks).max(axis=(0, 2)) * makeup
    power = np.square(blocks).mean(axis=(0, 2)) * makeup**2

    rate = sample_rate / _HOP
    keep = np.exp(-1.0 / (mastering.attack_seconds * rate))
    level = 10.0 * np.log10(lfilter([1.0 - keep], [1.0, -keep], power) + 1e-12)
    over = np.maximum(level - mastering.loudness_db - mastering.threshold_db, 0.0)
    reduction_db = _released(over * (1.0 - 1.0 / mastering.ratio), mastering.release_seconds * rate)
    gain = 10.0 ** (-reduction_db / 20.0)

    # The limiter: the lowest gain any sample within 2 ms asks for, smoothed within that reach.
    reach = 2 * max(1, int(0.002 * rate)) + 1
    highest = peaks * maximum_filter1d(gain, 3)  # between hops the gain is that of neighbours
    asked = np.minimum(1.0, mastering.ceiling / np.maximum(highest, 1e-9))
    gain *= uniform_filter1d(minimum_filter1d(asked, 2 * reach + 1), reach)
    centres = (np.arange(hops) + 0.5) * _HOP
    curve = np.interp(np.arange(frames), centres, gain * makeup)
    return np.asarray(curve, dtype=np.float32)


def _released(reduction: NDArray[np.float64], steps: float) -> NDArray[np.float64]:
    """Let a gain reduction rise at once and fall back by 1/e in `steps`.

    A maximum over exponentially weighted past values, built by doubling: after each pass every
    value has heard twice as far back.
    """
    out = reduction.copy()
    reach = 1
    while reach < 8.0 * steps and reach < out.size:
        later = np.exp(-reach / steps) * out[:-reach]
        out[reach:] = np.maximum(out[reach:], later)
        reach *= 2
    return out
