"""The standard metrics as the registry calls them: (material, stem) -> a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from carnatic_sep.metrics.csdr import csdr, framewise_sdr
from carnatic_sep.metrics.sdr import sdr, usdr
from carnatic_sep.metrics.si_sdr import si_sdr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.material import Material
    from carnatic_sep.metrics.museval import BssEval

    Frames = Callable[[Material, str], NDArray[np.float64]]
    Score = Callable[[Material, str], float]


def global_sdr(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.sdr.sdr` against the recorded stem."""
    return sdr(material.references[stem], material.estimates[stem])


def global_usdr(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.sdr.usdr` against the recorded stem."""
    return usdr(material.references[stem], material.estimates[stem])


def global_si_sdr(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.si_sdr.si_sdr` against the recorded stem."""
    return si_sdr(material.references[stem], material.estimates[stem])


def median_sdr(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.csdr.csdr` of this stem alone."""
    return float(csdr(*_pair(material, stem), sample_rate=material.sample_rate)[0])


def framewise(material: Material, stem: str) -> NDArray[np.float64]:
    """Return :func:`carnatic_sep.metrics.csdr.framewise_sdr` of this stem alone, (windows,)."""
    found = framewise_sdr(*_pair(material, stem), window_frames=material.sample_rate)
    return np.asarray(found[0])


def _pair(material: Material, stem: str) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    return (
        np.asarray(material.references[stem])[None],
        np.asarray(material.estimates[stem])[None],
    )


def _bsseval(which: Literal["sdr", "isr", "sir", "sar"]) -> tuple[str, Score, Frames]:
    def frames(material: Material, stem: str) -> NDArray[np.float64]:
        stems, found = material.bsseval
        if stem not in stems:
            windows = max(1, material.frames // material.sample_rate)
            return np.full(windows, np.nan)
        scores: NDArray[np.float64] = getattr(found, which)[stems.index(stem)]
        return scores

    def median(material: Material, stem: str) -> float:
        from carnatic_sep.metrics.csdr import median_of_finite

        return float(median_of_finite(frames(material, stem)[None])[0])

    return which, median, frames


BSSEVAL = tuple(_bsseval(which) for which in ("sdr", "isr", "sir", "sar"))
"""What museval measures: (name, median over windows, by the window)."""


def bsseval_of(material: Material) -> tuple[list[str], BssEval | None]:
    """Run museval once over all stems that have a reference and an estimate and sound in both."""
    from carnatic_sep.metrics.museval import bsseval_v4

    def sounds(signal: object) -> bool:
        audio = np.atleast_2d(np.asarray(signal, dtype=np.float64))
        return bool(audio.sum(axis=0).any())

    stems = [
        stem
        for stem in material.estimates
        if sounds(material.estimates[stem]) and sounds(material.references[stem])
    ]
    if not stems:
        return [], None
    references = np.stack([material.references[stem] for stem in stems])
    estimates = np.stack([material.estimates[stem] for stem in stems])
    return stems, bsseval_v4(references, estimates, sample_rate=material.sample_rate)
