"""Every metric by name: what it measures in, what it needs, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from carnatic_sep.errors import UnknownNameError
from carnatic_sep.metrics import standard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.material import Material

Need = Literal["reference", "references", "mixture", "cleaned", "silent", "melody", "tonic"]


@dataclass(frozen=True)
class MetricSpec:
    """One metric of the registry.

    Attributes
    ----------
    name : key in :data:`METRICS`
    unit : "dB", "share", "cents" or "points"
    better : which way is better
    needs : what :class:`~carnatic_sep.metrics.material.Material` must hold; an estimate always.
        "reference" is that of the stem itself, "references" of two stems or more
    function : (material, stem) -> one number; NaN where the metric is not defined
    source : paper, standard or program that defines it
    group : "standard", "bleed-tolerant", "msst", "melody" or "rhythm"
    stems : stems for which it means anything; all if empty
    frames : (material, stem) -> (windows,), the same by the second, where that exists
    costly : takes far longer than the others; left out unless asked for
    """

    name: str
    unit: str
    better: Literal["higher", "lower"]
    needs: tuple[Need, ...]
    function: Callable[[Material, str], float]
    source: str
    group: str = "standard"
    stems: tuple[str, ...] = ()
    frames: Callable[[Material, str], NDArray[np.float64]] | None = None
    costly: bool = False

    def applies(self, material: Material, stem: str) -> bool:
        """Whether `material` holds what this metric needs to score `stem`."""
        if stem not in material.estimates or (self.stems and stem not in self.stems):
            return False
        held = {
            "reference": stem in material.references,
            "references": stem in material.references and len(material.references) > 1,
            "mixture": material.mixture is not None,
            "cleaned": stem in (material.cleaned or {}),
            "silent": stem in (material.silent or {}),
            "melody": stem in (material.melody or {}) or stem in material.references,
            "tonic": material.tonic_hz is not None,
        }
        return all(held[need] for need in self.needs)


METRICS: dict[str, MetricSpec] = {
    spec.name: spec
    for spec in (
        MetricSpec(
            "sdr",
            "dB",
            "higher",
            ("reference",),
            standard.global_sdr,
            "Fabbro et al., Sound Demixing Challenge 2023, without its constant",
        ),
        MetricSpec(
            "usdr",
            "dB",
            "higher",
            ("reference",),
            standard.global_usdr,
            "Mitsufuji et al., Music Demixing Challenge 2021",
        ),
        MetricSpec(
            "si_sdr",
            "dB",
            "higher",
            ("reference",),
            standard.global_si_sdr,
            "Le Roux et al., ICASSP 2019",
        ),
        MetricSpec(
            "csdr",
            "dB",
            "higher",
            ("reference",),
            standard.median_sdr,
            "museval 0.4 (SDR); Luo and Yu, BSRNN, 2023 (name)",
            frames=standard.framewise,
        ),
        *(
            MetricSpec(
                f"bsseval_{which}",
                "dB",
                "higher",
                ("references",),
                function,
                "Stöter et al., LVA/ICA 2018; museval 0.4",
                frames=frames,
                costly=True,
            )
            for which, function, frames in standard.BSSEVAL
        ),
    )
}


def select(names: Iterable[str] | None = None, *, costly: bool = False) -> list[MetricSpec]:
    """Return the metrics that `names` ask for, in the registry's order.

    Parameters
    ----------
    names : metrics or groups; all if None
    costly : with `names` None, take museval's metrics too

    Raises
    ------
    UnknownNameError
        A name that is neither a metric nor a group.
    """
    if names is None:
        return [spec for spec in METRICS.values() if costly or not spec.costly]
    wanted = list(names)
    groups = {spec.group for spec in METRICS.values()}
    for name in wanted:
        if name not in METRICS and name not in groups:
            raise UnknownNameError("metric", name, [*METRICS, *groups])
    return [spec for spec in METRICS.values() if spec.name in wanted or spec.group in wanted]


def score(
    material: Material, stem: str, *, metrics: Iterable[MetricSpec] | None = None
) -> dict[str, float]:
    """Score the estimate of `stem` with all metrics that `material` suffices for.

    Parameters
    ----------
    material : the track
    stem : which estimate
    metrics : what to compute; :func:`select` without arguments if None

    Returns
    -------
    metric name -> number; a metric whose needs are not met is absent, one that is not defined for
    these signals (a silent reference, say) is NaN

    Raises
    ------
    UnknownNameError
        There is no estimate of `stem`.
    """
    if stem not in material.estimates:
        raise UnknownNameError("estimate", stem, list(material.estimates))
    chosen = select() if metrics is None else metrics
    return {
        spec.name: spec.function(material, stem) for spec in chosen if spec.applies(material, stem)
    }
