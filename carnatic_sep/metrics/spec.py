"""What there is to know of a metric before it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from carnatic_sep.metrics.tonal import has_rival

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carnatic_sep.metrics.material import Material

Need = Literal[
    "reference",
    "references",
    "mixture",
    "cleaned",
    "all cleaned",
    "silent",
    "melody",
    "rival melody",
    "tonic",
]


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """One metric of the registry.

    Attributes
    ----------
    name : key in :data:`carnatic_sep.metrics.registry.METRICS`
    unit : "dB", "share", "points", "cents" or "correlation"
    better : which way is better
    needs : what :class:`~carnatic_sep.metrics.material.Material` must hold, beside an estimate;
        "reference" and "cleaned" are of the stem itself, "references" and "all cleaned" of two
        stems or more, it among them
    function : (material, stem) -> one number; NaN where the metric is not defined
    source : paper, standard or program that defines it
    group : "standard", "bsseval", "bleed-tolerant", "msst", "melody" or "rhythm"
    stems : stems for which it means anything; all if empty
    frames : (material, stem) -> (windows,), the same by the second, where that exists
    costly : takes far longer than the others; left out unless asked for
    of_reference : tells the quality of the reference, not of the estimate
    """

    name: str
    unit: str
    better: Literal["higher", "lower"]
    needs: tuple[Need, ...]
    function: Callable[[Material, str], float]
    source: str
    group: str
    stems: tuple[str, ...] = ()
    frames: Callable[[Material, str], NDArray[np.float64]] | None = None
    costly: bool = False
    of_reference: bool = False

    def applies(self, material: Material, stem: str) -> bool:
        """Whether `material` holds what this metric needs to score `stem`."""
        if stem not in material.estimates or (self.stems and stem not in self.stems):
            return False
        cleaned = material.cleaned or {}
        held = {
            "reference": stem in material.references,
            "references": stem in material.references and len(material.references) > 1,
            "mixture": material.mixture is not None,
            "cleaned": stem in cleaned,
            "all cleaned": stem in cleaned and len(cleaned) > 1,
            "silent": stem in (material.silent or {}),
            "melody": stem in (material.melody or {}) or stem in material.references,
            "rival melody": has_rival(material, stem),
            "tonic": material.tonic_hz is not None,
        }
        return all(held[need] for need in self.needs)
