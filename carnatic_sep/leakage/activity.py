"""Who plays when, told from microphones that hear everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Powers = NDArray[np.float64]

_LOWEST_HZ, _HIGHEST_HZ, _BANDS_PER_OCTAVE = 80.0, 10000.0, 3
_BLOCK_HOPS = 512
_POWER_FLOOR = 1e-14

_SMOOTHED_HOPS = 3
_LOUD_SHARE = 0.5
_QUANTILE = 0.25
_DECAY_DB_PER_SECOND = 80.0
_SUBTRACTIONS = 3
_SHARE_KEPT = 0.02

_EXCESS = 4.0
_BELOW_LOUD_DB = 22.0
_LOUD_QUANTILE = 0.95
_EMPTY_BAND_DB = 12.0
_QUIETEST_DB = -90.0
_SHORTEST_SECONDS = 0.1
_LONGEST_GAP_SECONDS = 0.15
_SOLO_GAP_SECONDS = 0.5


@dataclass(frozen=True)
class Activity:
    """Who plays when; hop k stands for the time around ``k * hop_seconds``.

    Attributes
    ----------
    active : (stems, hops) bool
    level_db : (stems, hops), what each microphone records, bleed included, dB full scale
    own_db : (stems, hops), what the stem's own player adds to that for certain, relative to his
        loud passages
    hop_seconds : from hop to hop
    """

    active: NDArray[np.bool_]
    level_db: NDArray[np.float32]
    own_db: NDArray[np.float32]
    hop_seconds: float


def frame_activity(
    stems: NDArray[np.floating], *, sample_rate: int, hop_seconds: float = 0.05
) -> Activity:
    """Tell for each stem and hop whether its own player sounds.

    What the others may explain, four times over, is taken off a stem's power in each third octave;
    the stem is active where what is left, band for band against its own loud passages, lies less
    than 22 dB below them. How much of player j stem i records is the lower quartile of their power
    ratio over hops in which j is loud: it is reached where i itself is silent. Bleed rings on, and
    falls by 80 dB in a second.

    Parameters
    ----------
    stems : (stems, frames); one stem alone has no bleed to be told from
    sample_rate : Hz
    hop_seconds : frames of twice this length are compared

    Raises
    ------
    UsageError
        Stems that are not (stems, frames) or shorter than one frame, or a hop out of 5 to 500 ms.

    Notes
    -----
    A player who hardly plays in what is given has no loud passages of his own, and single moments
    of bleed then count as his; give a whole piece rather than a minute of it.
    """
    from scipy.ndimage import uniform_filter1d

    if stems.ndim != 2 or not len(stems):
        raise UsageError(f"stems must be (stems, frames), not {stems.shape}")
    if not 0.005 <= hop_seconds <= 0.5:
        raise UsageError(f"hops must last 0.005 to 0.5 s, not {hop_seconds}")
    hop = max(round(hop_seconds * sample_rate), 1)
    if stems.shape[1] < 2 * hop:
        raise UsageError(f"{stems.shape[1]} frames are shorter than one of {2 * hop_seconds} s")

    bands, level = _band_powers(stems, sample_rate=sample_rate, hop=hop)
    # One partial meets one peak or notch of the room; three hops of a gliding one meet several.
    bands = uniform_filter1d(bands, _SMOOTHED_HOPS, axis=2)
    bleed = _bleed(bands, leakage(bands), hop_seconds=hop / sample_rate)
    # Relative to its own loud passages, so that a drum's bass does not speak for all bands; bands
    # in which the player never sounds hold nothing but bleed and must not count.
    loud = np.quantile(bands, _LOUD_QUANTILE, axis=2, keepdims=True)
    loud = np.maximum(loud, 10.0 ** (-_EMPTY_BAND_DB / 10.0) * loud.max(axis=1, keepdims=True))
    own = np.mean(np.maximum(bands - _EXCESS * bleed, 0.0) / loud, axis=1)
    own_db = 10.0 * np.log10(own + 10.0 ** (_QUIETEST_DB / 10.0))
    active = (own_db > -_BELOW_LOUD_DB) & (level > _QUIETEST_DB)
    hop_seconds = hop / sample_rate
    active = np.stack(
        [
            _without_short(
                _without_gaps(stem, round(_LONGEST_GAP_SECONDS / hop_seconds)),
                round(_SHORTEST_SECONDS / hop_seconds),
            )
            for stem in active
        ]
    )
    return Activity(
        active=active,
        level_db=level.astype(np.float32),
        own_db=own_db.astype(np.float32),
        hop_seconds=hop_seconds,
    )


def leakage(bands: Powers) -> Powers:
    """Return how much of player j microphone i records, (stems, stems, bands), as a power ratio.

    Parameters
    ----------
    bands : (stems, bands, hops), powers

    Returns
    -------
    the ratio's lower quartile over hops in which j is loud; 0 for i = j
    """
    count, width, hops = bands.shape
    found = np.zeros((count, count, width))
    loudest = max(int(_LOUD_SHARE * hops), 1)
    for j in range(count):
        order = np.argsort(bands[j], axis=1)[:, -loudest:]
        heard = np.take_along_axis(bands[j], order, axis=1)
        for i in range(count):
            if i != j:
                ratio = np.take_along_axis(bands[i], order, axis=1) / heard
                found[i, j] = np.quantile(ratio, _QUANTILE, axis=1)
    return found


def solo_regions(
    activity: Activity, index: int, *, min_seconds: float = 0.5, guard_seconds: float = 0.2
) -> list[tuple[float, float]]:
    """Return where stem `index` plays alone, as (start, end) in seconds.

    Others must be silent for `guard_seconds` before and after; rests of the stem itself that are
    shorter than half a second, as between strokes, belong to its solo.
    """
    hop = activity.hop_seconds
    others = np.any(np.delete(activity.active, index, axis=0), axis=0)
    playing = _without_gaps(activity.active[index], round(_SOLO_GAP_SECONDS / hop))
    alone = playing & ~_widened(others, int(np.ceil(guard_seconds / hop)))
    return _regions(alone, hop_seconds=hop, min_seconds=min_seconds)


def silence_regions(
    activity: Activity, index: int, *, min_seconds: float = 0.5, guard_seconds: float = 0.2
) -> list[tuple[float, float]]:
    """Return where stem `index` is silent, whoever else plays, as (start, end) in seconds.

    `guard_seconds` before and after its playing are left out: strokes begin and reverberation ends
    there.
    """
    hop = activity.hop_seconds
    silent = ~_widened(activity.active[index], int(np.ceil(guard_seconds / hop)))
    return _regions(silent, hop_seconds=hop, min_seconds=min_seconds)


def _band_powers(
    stems: NDArray[np.floating], *, sample_rate: int, hop: int
) -> tuple[Powers, NDArray[np.float64]]:
    """Return powers in third octaves, (stems, bands, hops), and levels in dB, (stems, hops)."""
    from scipy import fft

    size = 2 * hop
    fft_size = fft.next_fast_len(size, real=True)
    window = np.hanning(size + 1)[:-1]
    hops = stems.shape[1] // hop + 1
    edges = _band_edges(fft_size, sample_rate=sample_rate)
    bands = np.empty((len(stems), len(edges) - 1, hops))
    level = np.empty((len(stems), hops))
    for index, stem in enumerate(stems):
        padded = np.pad(stem, (hop, 2 * hop))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:hops]
        for start in range(0, hops, _BLOCK_HOPS):
            block = slice(start, min(start + _BLOCK_HOPS, hops))
            windowed = frames[block] * window
            power = np.abs(fft.rfft(windowed, fft_size, axis=1)) ** 2
            sums = np.add.reduceat(power, edges[:-1], axis=1)
            bands[index, :, block] = sums.T / (fft_size * np.sum(window**2)) + _POWER_FLOOR
            energy = np.sum(windowed**2, axis=1) / np.sum(window**2)
            level[index, block] = 10.0 * np.log10(energy + _POWER_FLOOR)
    return bands, level


def _band_edges(fft_size: int, *, sample_rate: int) -> NDArray[np.intp]:
    """Return the bins at which third octaves begin, and the last one's end; none is empty."""
    highest = min(_HIGHEST_HZ, 0.45 * sample_rate)
    steps = int(np.log2(highest / _LOWEST_HZ) * _BANDS_PER_OCTAVE)
    corners = _LOWEST_HZ * 2.0 ** (np.arange(steps + 1) / _BANDS_PER_OCTAVE)
    return np.unique(np.round(corners * fft_size / sample_rate).astype(np.intp))


def _bleed(bands: Powers, gains: Powers, *, hop_seconds: float) -> Powers:
    """Return what of each stem's powers the other players explain, like `bands`."""
    decay = 10.0 ** (-_DECAY_DB_PER_SECOND * hop_seconds / 10.0)
    own = bands
    bleed = np.zeros_like(bands)
    for _ in range(_SUBTRACTIONS):
        bleed = np.einsum("ijb,jbt->ibt", gains, _ringing(own, decay))
        own = np.maximum(bands - bleed, _SHARE_KEPT * bands)
    return bleed


def _ringing(powers: Powers, decay: float) -> Powers:
    """Let each power fall by no more than `decay` from hop to hop."""
    rung = powers.copy()
    for hop in range(1, powers.shape[2]):
        np.maximum(rung[..., hop], decay * rung[..., hop - 1], out=rung[..., hop])
    return rung


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, behind last) of each run of true flags."""
    steps = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _without_short(flags: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    kept = np.zeros_like(flags)
    for start, end in _runs(flags):
        if end - start >= shortest:
            kept[start:end] = True
    return kept


def _without_gaps(flags: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    filled = flags.copy()
    for start, end in _runs(~flags):
        if start > 0 and end < len(flags) and end - start <= longest:
            filled[start:end] = True
    return filled


def _widened(flags: NDArray[np.bool_], hops: int) -> NDArray[np.bool_]:
    """Set `hops` hops before and after each true flag."""
    wide = np.zeros_like(flags)
    for start, end in _runs(flags):
        wide[max(start - hops, 0) : end + hops] = True
    return wide


def _regions(
    flags: NDArray[np.bool_], *, hop_seconds: float, min_seconds: float
) -> list[tuple[float, float]]:
    return [
        (start * hop_seconds, end * hop_seconds)
        for start, end in _runs(flags)
        if (end - start) * hop_seconds >= min_seconds - 1e-9
    ]
