"""BSSEval v4 as the museval package computes it, with guards against its known traps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics._optional import museval_metrics
from carnatic_sep.metrics.csdr import framewise_sdr, median_of_finite, validate_stems

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Scores = NDArray[np.float64]

_DITHER_DB = -40.0
_SEED = 0


@dataclass(frozen=True)
class BssEval:
    """BSSEval v4 of some stems, each (stems, windows) in dB; higher is better.

    Attributes
    ----------
    sdr : signal to distortion: the plain ratio, see :mod:`carnatic_sep.metrics.csdr`
    isr : image to spatial (and linear) distortion
    sir : signal to interference of the other stems
    sar : signal to artifacts: to what no filtered stem explains
    dithered : whether the references were dithered for `isr`, `sir` and `sar`; see
        :func:`bsseval_v4`
    """

    sdr: Scores
    isr: Scores
    sir: Scores
    sar: Scores
    dithered: bool = False

    def medians(self) -> dict[str, Scores]:
        """Return ``{"sdr": (stems,), ...}``, medians over finite windows, as museval reports."""
        return {
            name: median_of_finite(getattr(self, name)) for name in ("sdr", "isr", "sir", "sar")
        }


def bsseval_v4(
    references: ArrayLike,
    estimates: ArrayLike,
    *,
    sample_rate: int,
    window_seconds: float = 1.0,
    filter_frames: int = 512,
    guard: bool = True,
) -> BssEval:
    """Compute SDR, ISR, SIR and SAR by the second with the museval package.

    One set of distortion filters per track, metrics by the window, no permutations: what
    ``museval.evaluate(mode="v4", win=sample_rate, hop=sample_rate)`` does, including its rules for
    silence (see :func:`carnatic_sep.metrics.csdr.framewise_sdr`). SIR and SAR depend on which stems
    are given together.

    Parameters
    ----------
    references : (stems, frames) or (stems, channels, frames)
    estimates : like `references`
    sample_rate : Hz
    window_seconds : length of a window and of a hop
    filter_frames : taps of the distortion filters
    guard : recompute where museval's answer is impossible. References without energy in part of
        the spectrum (low-passed, upsampled, decoded from MP3) leave filters with huge gains there,
        which burst at the edges of the windows: SIR of -80 dB and SAR of 0 dB are seen. A
        projection cannot hold more energy than what it projects; where it does, ISR, SIR and SAR
        are computed once more with white noise 40 dB below each reference added to it. A singular
        matrix, on which museval 0.4 fails with NumPy 2, is treated the same way.

    Returns
    -------
    BssEval

    Raises
    ------
    ValueError
        See :func:`carnatic_sep.metrics.csdr.validate_stems`; a reference or estimate that is
        silent throughout (leave that stem out).
    UsageError
        museval is not installed.

    Source: Stöter, Liutkus and Ito, LVA/ICA 2018; museval 0.4.1.
    """
    ref, est = validate_stems(references, estimates)
    for name, signal in (("reference", ref), ("estimate", est)):
        for stem in range(len(signal)):
            if not signal[stem].sum(axis=0, dtype=np.float64).any():
                raise ValueError(
                    f"{name} {stem} is silent throughout, which BSSEval leaves undefined; leave "
                    "that stem out of both sets"
                )
    window = max(1, int(window_seconds * sample_rate))
    exact: BssEval | None
    try:
        exact = _run(ref, est, window=window, taps=filter_frames)
    except (np.linalg.LinAlgError, AttributeError):  # museval catches a name that NumPy 2 lacks
        if not guard:
            raise
        exact = None
    if exact is not None and not (guard and _impossible(exact, ref, est, window=window)):
        return exact
    again = _run(_dither(ref), est, window=window, taps=filter_frames)
    sdr = framewise_sdr(ref, est, window_frames=window)
    return BssEval(sdr, again.isr, again.sir, again.sar, dithered=True)


def _run(
    ref: NDArray[np.floating], est: NDArray[np.floating], *, window: int, taps: int
) -> BssEval:
    with np.errstate(divide="ignore", invalid="ignore"):
        sdr, isr, sir, sar, _ = museval_metrics().bss_eval(
            ref.transpose(0, 2, 1).astype(np.float64),
            est.transpose(0, 2, 1).astype(np.float64),
            window=window,
            hop=window,
            compute_permutation=False,
            filters_len=taps,
            framewise_filters=False,
            bsseval_sources_version=False,
        )
    return BssEval(sdr, isr, sir, sar)


def _impossible(
    scores: BssEval, ref: NDArray[np.floating], est: NDArray[np.floating], *, window: int
) -> bool:
    """Whether the interference found in any estimate holds more energy than the estimate."""
    windows = scores.sdr.shape[1]
    for stem in range(len(ref)):
        interference = total = 0.0
        for index in range(windows):
            isr, sir = scores.isr[stem, index], scores.sir[stem, index]
            if not (np.isfinite(isr) and np.isfinite(sir)):
                continue
            frames = slice(index * window, (index + 1) * window)
            target = float(np.sum(np.square(ref[stem, :, frames], dtype=np.float64)))
            total += float(np.sum(np.square(est[stem, :, frames], dtype=np.float64)))
            # |s_target + e_spat| is at least this, by the triangle inequality.
            image = target * (1.0 - 10.0 ** (-isr / 20.0)) ** 2
            interference += image * 10.0 ** (-sir / 10.0)
        if interference > 2.0 * total > 0.0:
            return True
    return False


def _dither(ref: NDArray[np.floating]) -> NDArray[np.float64]:
    rng = np.random.default_rng(_SEED)
    noisy = ref.astype(np.float64)
    for stem in range(len(noisy)):
        level = np.sqrt(np.mean(noisy[stem] ** 2)) * 10.0 ** (_DITHER_DB / 20.0)
        noisy[stem] += level * rng.standard_normal(noisy[stem].shape)
    return noisy
