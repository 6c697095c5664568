"""MSST's two numbers as the registry calls them: (material, stem) -> a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carnatic_sep.metrics.material import Material


def bleedless_of(material: Material, stem: str) -> float:
    """Return :attr:`carnatic_sep.metrics.msst.BleedFull.bleedless` against the recorded stem."""
    return material.bleed_full(stem).bleedless


def fullness_of(material: Material, stem: str) -> float:
    """Return :attr:`carnatic_sep.metrics.msst.BleedFull.fullness` against the recorded stem."""
    return material.bleed_full(stem).fullness
