"""What is asked of an evaluation, beside who is scored on what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal

from carnatic_sep.errors import UsageError

References = Literal["bleeding", "clean"]
Mixture = Literal["auto", "sum", "file"]

CLEANERS = ("rested", "masked")
"""Two ways to clean a reference; the first makes the headline, both must agree on who wins."""


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """Everything that changes scores.

    Attributes
    ----------
    references : "bleeding" where microphones hear each other: scores are then held against
        references cleaned of it; "clean" where each stem is its source alone
    mixture : what is separated: the sum of the stems, the mixture's file, or (auto) the sum where
        there are stems. A live mixdown has other gains and delays than its stems
    metrics : names or groups of :data:`carnatic_sep.metrics.registry.METRICS`; all quick ones if
        None
    cleaners : of :func:`carnatic_sep.evaluation.bleed.clean_references`, the headline's first
    ceiling_db : stems whose reference has less signal than this above its bleed are set apart
    excerpt_seconds : length of the best and worst excerpts; 0 for none

    Raises
    ------
    UsageError
        A value that cannot be.
    """

    references: References = "bleeding"
    mixture: Mixture = "auto"
    metrics: tuple[str, ...] | None = None
    cleaners: tuple[str, ...] = CLEANERS
    ceiling_db: float = 8.0
    excerpt_seconds: float = 6.0

    def __post_init__(self) -> None:
        if self.references not in ("bleeding", "clean"):
            raise UsageError(f"references {self.references!r}: can be bleeding or clean")
        if self.mixture not in ("auto", "sum", "file"):
            raise UsageError(f"mixture {self.mixture!r}: can be auto, sum or file")
        if not self.cleaners and self.references == "bleeding":
            raise UsageError("bleeding references need a cleaner; give one, or say they are clean")
        if not isfinite(self.ceiling_db):
            raise UsageError(f"ceiling of {self.ceiling_db} dB: give a number, e.g. 8")
        if not 0.0 <= self.excerpt_seconds <= 30.0:
            raise UsageError(f"excerpts of {self.excerpt_seconds} s: give 0 to 30")

    @property
    def cleaned(self) -> bool:
        """Whether references are cleaned before scores are held against them."""
        return self.references == "bleeding"

    @property
    def headline(self) -> str:
        """The metric that ranks systems."""
        return "lc_sdr" if self.cleaned else "sdr"

    @property
    def headlines(self) -> tuple[str, ...]:
        """The headline against each kind of reference; a claim needs all of them."""
        if not self.cleaned:
            return (self.headline,)
        others = (at_cleaner(self.headline, cleaner) for cleaner in self.cleaners[1:])
        return (self.headline, *others)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as JSON holds them."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def at_cleaner(metric: str, cleaner: str) -> str:
    """Return what a metric is called against another cleaner's references: ``lc_sdr@masked``."""
    return f"{metric}@{cleaner}"
