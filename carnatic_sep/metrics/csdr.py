"""SDR by the second and its median: museval's SDR, without the filters that it does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Scores = NDArray[np.float64]


def validate_stems(
    references: ArrayLike, estimates: ArrayLike
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Check two sets of stems and return both as (stems, channels, frames).

    Raises
    ------
    ValueError
        Shapes that differ or are neither (stems, frames) nor (stems, channels, frames), no
        samples, or samples that are not finite; the message gives the shapes.
    """
    ref, est = np.asarray(references), np.asarray(estimates)
    if ref.shape != est.shape:
        raise ValueError(
            f"references have shape {ref.shape} but estimates have shape {est.shape}; bring both "
            "to the same stems, channels and frames"
        )
    if ref.ndim not in (2, 3) or ref.size == 0:
        raise ValueError(
            f"stems must be (stems, frames) or (stems, channels, frames), not {ref.shape}"
        )
    for name, signal in (("references", ref), ("estimates", est)):
        if not np.all(np.isfinite(signal)):
            raise ValueError(f"{name} of shape {signal.shape} hold NaN or infinite samples")
    if ref.ndim == 2:
        return ref[:, None, :], est[:, None, :]
    return ref, est


def framewise_sdr(
    references: ArrayLike,
    estimates: ArrayLike,
    *,
    window_frames: int,
    hop_frames: int | None = None,
) -> Scores:
    """Return the SDR in dB of every stem in every window: exactly what museval calls SDR.

    In BSSEval v4 the three error terms add up to the estimate minus the reference, so that the
    distortion filters cancel: SDR is the plain ratio ``|s|^2 / |s - e|^2`` over the samples and
    channels of a window, and needs none of the filters that take museval nearly all its time.

    Parameters
    ----------
    references : (stems, frames) or (stems, channels, frames)
    estimates : like `references`
    window_frames : length of a window
    hop_frames : from one window to the next; `window_frames` if None

    Returns
    -------
    (stems, windows), dB, higher is better. Frames after the last whole window are left out; less
    than one window is one window. A window in which the channels of any reference or of any
    estimate add up to exact silence is NaN for all stems (museval's rule, which also takes two
    channels in antiphase for silence); a perfect window is +inf.

    Raises
    ------
    ValueError
        See :func:`validate_stems`; a window or hop below one frame.

    Source: Stöter, Liutkus and Ito, "The 2018 Signal Separation Evaluation Campaign", LVA/ICA
    2018, and museval 0.4.
    """
    ref, est = validate_stems(references, estimates)
    hop = window_frames if hop_frames is None else hop_frames
    if window_frames < 1 or hop < 1:
        raise ValueError(f"window ({window_frames}) and hop ({hop}) must be at least one frame")
    starts = _window_starts(ref.shape[-1], window_frames, hop)
    scores = np.empty((ref.shape[0], len(starts)))
    silent = np.zeros(len(starts), dtype=bool)
    for stem in range(ref.shape[0]):
        for window, start in enumerate(starts):
            # One window at a time in float64: what is in memory does not grow with the track.
            s = ref[stem, :, start : start + window_frames].astype(np.float64)
            e = est[stem, :, start : start + window_frames].astype(np.float64)
            silent[window] |= not s.sum(axis=0).any() or not e.sum(axis=0).any()
            scores[stem, window] = _ratio_db(_energy(s), _energy(s - e))
    scores[:, silent] = np.nan
    return scores


def csdr(
    references: ArrayLike,
    estimates: ArrayLike,
    *,
    sample_rate: int,
    window_seconds: float = 1.0,
) -> Scores:
    """Return the median over windows of :func:`framewise_sdr`, as museval reports a track.

    Parameters
    ----------
    references : (stems, frames) or (stems, channels, frames)
    estimates : like `references`
    sample_rate : Hz
    window_seconds : length of a window and of a hop

    Returns
    -------
    (stems,), dB, higher is better; windows that are NaN or infinite are left out, and NaN comes
    out where none is left (all silent, or all perfect)

    Raises
    ------
    ValueError
        See :func:`framewise_sdr`.
    """
    window_frames = max(1, int(window_seconds * sample_rate))
    return median_of_finite(framewise_sdr(references, estimates, window_frames=window_frames))


def median_of_finite(scores: Scores) -> Scores:
    """Return the median of each row (stems, windows) over what is finite; NaN if nothing is."""
    kept = np.where(np.isfinite(scores), scores, np.nan)
    result = np.full(len(kept), np.nan)
    some = np.isfinite(kept).any(axis=1)
    result[some] = np.nanmedian(kept[some], axis=1)
    return result


def _window_starts(frames: int, window: int, hop: int) -> list[int]:
    count = max(1, (frames - window + hop) // hop)
    return [index * hop for index in range(count)]


def _energy(signal: NDArray[np.float64]) -> float:
    return float(np.vdot(signal, signal))


def _ratio_db(signal: float, distortion: float) -> float:
    if distortion == 0.0:
        return float("inf")
    with np.errstate(divide="ignore"):
        return 10.0 * float(np.log10(signal / distortion))
