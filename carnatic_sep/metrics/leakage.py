"""Metrics for references that bleed: against a cleaned reference, or against none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics.bands import psd_sir
from carnatic_sep.metrics.csdr import csdr
from carnatic_sep.metrics.filters import FilterProjection
from carnatic_sep.metrics.projection import SubbandProjection
from carnatic_sep.metrics.sdr import usdr, validate
from carnatic_sep.metrics.spectra import as_channels, ratio_db
from carnatic_sep.metrics.trusted import lw_sdr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Spans = Sequence[tuple[float, float]]

__all__ = [
    "ceiling_db",
    "lc_csdr",
    "lc_sar",
    "lc_sdr",
    "lc_sir",
    "lw_sdr",
    "psd_sir",
    "slr",
    "spans_mask",
]

GUARD_SECONDS = 0.15
_LEAST_SECONDS = 1.0
_SOUNDING_DB = -30.0


def lc_sdr(cleaned: ArrayLike, estimate: ArrayLike) -> float:
    """Return the SDR in dB against the linearly cleaned reference: the headline under bleed.

    ``10 log10((sum(c^2) + 1e-7) / (sum((c - e)^2) + 1e-7))``. With a reference as recorded, the
    bleed it shares with an estimate counts as success; with the bleed subtracted, not masked, it
    does not. The cleaned reference must be made once per release of a dataset, by a named version
    of the cleaner, and never with the system that is scored: that system would score itself.

    Parameters
    ----------
    cleaned : (channels, frames) or (frames,), from :func:`carnatic_sep.leakage.clean`
    estimate : like `cleaned`

    Returns
    -------
    dB, higher is better; finite. Differences mean something only below the cleaned reference's own
    quality: see :func:`ceiling_db`.

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.sdr.validate`.

    Source: this project's research on metrics under bleed; see the reference page.
    """
    return usdr(cleaned, estimate)


def lc_csdr(cleaned: ArrayLike, estimate: ArrayLike, *, sample_rate: int) -> float:
    """Return the median over seconds of the SDR against the cleaned reference, in dB.

    Parameters and errors as :func:`lc_sdr`; NaN where every second is silent.
    """
    validate(cleaned, estimate)
    found = csdr(np.asarray(cleaned)[None], np.asarray(estimate)[None], sample_rate=sample_rate)
    return float(found[0])


def lc_sir(cleaned: ArrayLike, estimate: ArrayLike, index: int, *, sample_rate: int) -> float:
    """Return how much of its own stem the estimate has against what only the others explain, in dB.

    ``10 log10(E_own / (E_all - E_own))``: energies of the estimate's projections on its own cleaned
    stem and on all of them, each delayed by -1 to 11 columns of 16 ms, bin by bin.

    Parameters
    ----------
    cleaned : (stems, frames) or (stems, channels, frames)
    estimate : (frames,) or (channels, frames)
    index : which of the stems the estimate should be
    sample_rate : Hz

    Returns
    -------
    dB, higher is better; NaN for a silent estimate, and below a second (fewer columns than filters)

    Raises
    ------
    ValueError
        Shapes that do not fit, samples that are not finite.

    Source: this project's research on metrics under bleed; BSSEval's SIR (Vincent et al., 2006)
    with filters in subbands, long enough for a room.
    """
    projection = SubbandProjection(cleaned, sample_rate=sample_rate)
    return projection.energies(np.asarray(estimate)[None]).sir_db(0, index)


def lc_sar(cleaned: ArrayLike, estimate: ArrayLike, *, taps: int = 512) -> float:
    """Return what the cleaned stems explain of the estimate against what they do not, in dB.

    BSSEval's SAR (images, filters of `taps` frames, one window over the whole track) with cleaned
    references.

    Parameters
    ----------
    cleaned : (stems, frames) or (stems, channels, frames)
    estimate : (frames,) or (channels, frames)

    Returns
    -------
    dB, higher is better; +inf where the stems explain everything; NaN for a silent estimate, and
    for fewer frames than taps

    Raises
    ------
    ValueError
        Shapes that do not fit, samples that are not finite.

    Source: Vincent, Gribonval and Févotte, TASLP 2006.
    """
    return FilterProjection(cleaned, taps=taps).energies(np.asarray(estimate)[None]).sar_db(0)


def slr(
    mixture: ArrayLike,
    estimate: ArrayLike,
    silent: Spans,
    *,
    sample_rate: int,
    guard_seconds: float = GUARD_SECONDS,
) -> float:
    """Return by how much the estimate is quieter than the mixture while its target rests, in dB.

    Needs no reference, only where the target is silent. A silent estimate is perfect here: read it
    beside LC-SDR only.

    Parameters
    ----------
    mixture : (channels, frames) or (frames,)
    estimate : like `mixture`
    silent : (start, end) in seconds of the target's rests
    sample_rate : Hz
    guard_seconds : taken off both ends of every rest

    Returns
    -------
    dB, higher is better, 0 where nothing was removed; +inf for a silent estimate; NaN where less
    than a second is left of the rests, or the mixture is silent in them

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.sdr.validate`.

    Source: this project's research on metrics under bleed; see the reference page.
    """
    validate(mixture, estimate)
    mix, est = as_channels(mixture, name="mixture"), as_channels(estimate, name="estimate")
    rests = spans_mask(silent, mix.shape[-1], sample_rate=sample_rate, guard_seconds=guard_seconds)
    if rests.sum() < _LEAST_SECONDS * sample_rate:
        return float("nan")
    before = float(np.sum(np.square(mix[:, rests], dtype=np.float64)))
    after = float(np.sum(np.square(est[:, rests], dtype=np.float64)))
    return ratio_db(before, after) if before > 0.0 else float("nan")


def ceiling_db(
    reference: ArrayLike,
    silent: Spans,
    *,
    sample_rate: int,
    mixture: ArrayLike | None = None,
    guard_seconds: float = GUARD_SECONDS,
) -> float:
    """Return the SDR that a perfect estimate would get against this reference, in dB.

    ``10 log10((p_active - p_bleed) / p_bleed)``: mean power while the target plays, and while it
    rests and the others play. SDR above it rewards copying the bleed. Use it on the recorded
    stem, and on the cleaned one.

    Parameters
    ----------
    reference : (channels, frames) or (frames,)
    silent : (start, end) in seconds of the target's rests
    sample_rate : Hz
    mixture : like `reference`; tells where the others play: within 30 dB of its loud parts. All
        rests count if None
    guard_seconds : left out on both sides of every border

    Returns
    -------
    dB, higher is better; +inf for a reference that is silent in the rests; -inf where it is no
    louder outside; NaN where less than a second of rests with others, or nothing else, is left

    Raises
    ------
    ValueError
        Shapes that differ, samples that are not finite.

    Source: this project's research on metrics under bleed: with bleed at ``b`` dB below the target
    and an error unlike the bleed, SDR cannot exceed about ``b``.
    """
    ref = as_channels(reference, name="reference")
    frames = ref.shape[-1]
    rests = spans_mask(silent, frames, sample_rate=sample_rate, guard_seconds=guard_seconds)
    active = ~spans_mask(silent, frames, sample_rate=sample_rate, guard_seconds=-guard_seconds)
    if mixture is not None:
        validate(reference, mixture)
        rests &= _sounding(as_channels(mixture, name="mixture"), sample_rate)
    if rests.sum() < _LEAST_SECONDS * sample_rate or not active.any():
        return float("nan")
    power = np.sum(np.square(ref, dtype=np.float64), axis=0)
    bleed = float(power[rests].mean())
    return ratio_db(float(power[active].mean()) - bleed, bleed)


def spans_mask(
    spans: Spans, frames: int, *, sample_rate: int, guard_seconds: float = 0.0
) -> NDArray[np.bool_]:
    """Return (frames,) that is True within `spans`, each shortened by the guard at both ends.

    A negative guard lengthens them. Borders of the track need no guard, and get none.

    >>> spans_mask([(0.25, 1.0)], 4, sample_rate=4).tolist()
    [False, True, True, True]
    """
    mask = np.zeros(frames, dtype=bool)
    for start, end in spans:
        first = round((start + guard_seconds) * sample_rate) if start > 0.0 else 0
        last = round((end - guard_seconds) * sample_rate)
        if round(end * sample_rate) >= frames:
            last = frames
        if last > first:
            mask[max(first, 0) : last] = True
    return mask


def _sounding(mixture: NDArray[np.floating], sample_rate: int) -> NDArray[np.bool_]:
    """Frames whose 50 ms are within 30 dB of the loud parts of the mixture."""
    block = max(1, round(0.05 * sample_rate))
    power = np.sum(np.square(mixture, dtype=np.float64), axis=0)
    padded = np.pad(power, (0, -len(power) % block)).reshape(-1, block).mean(axis=1)
    loud = padded > np.percentile(padded, 95) * 10.0 ** (_SOUNDING_DB / 10.0)
    return np.repeat(loud, block)[: len(power)]
