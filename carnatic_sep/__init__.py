"""Source separation for Carnatic music: vocals, violin, mridangam and the rest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carnatic_sep.evaluation.dataset import evaluate
    from carnatic_sep.leakage.clean import clean
    from carnatic_sep.models.zoo import load_model
    from carnatic_sep.separation.separator import Separator, separate

__version__ = "0.1.0"

_PUBLIC = {
    "Separator": "carnatic_sep.separation.separator",
    "separate": "carnatic_sep.separation.separator",
    "load_model": "carnatic_sep.models.zoo",
    "evaluate": "carnatic_sep.evaluation.dataset",
    "clean": "carnatic_sep.leakage.clean",
}

__all__ = ["Separator", "__version__", "clean", "evaluate", "load_model", "separate"]


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that ``import carnatic_sep`` stays light."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
