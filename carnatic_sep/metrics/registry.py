"""Every metric by name: what it measures in, what it needs, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from carnatic_sep.errors import UnknownNameError
from carnatic_sep.metrics.catalogue import BLEED_TOLERANT, MELODY, RHYTHM, STANDARD
from carnatic_sep.metrics.spec import MetricSpec

if TYPE_CHECKING:
    from carnatic_sep.metrics.material import Material

__all__ = ["METRICS", "MetricSpec", "score", "select"]

METRICS: dict[str, MetricSpec] = {
    spec.name: spec for spec in (*STANDARD, *BLEED_TOLERANT, *MELODY, *RHYTHM)
}
"""Every metric by name."""


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

    >>> [spec.name for spec in select(["msst", "sdr"])]
    ['sdr', 'bleedless', 'fullness']
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
    material : the track; what several metrics or stems share is computed once and kept in it
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
    UsageError
        A library of the ``eval`` extra is missing.
    """
    if stem not in material.estimates:
        raise UnknownNameError("estimate", stem, list(material.estimates))
    chosen = select() if metrics is None else metrics
    return {
        spec.name: spec.function(material, stem) for spec in chosen if spec.applies(material, stem)
    }
