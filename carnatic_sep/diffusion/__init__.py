"""Cold diffusion: training, masks, and the diffusers scheduler and pipeline (extra `diffusion`)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from carnatic_sep.diffusion.calibration import calibrate
    from carnatic_sep.diffusion.learning import fit, training_loss
    from carnatic_sep.diffusion.pipeline import ColdDiffusionSeparationPipeline
    from carnatic_sep.diffusion.scheduler import ColdDiffusionScheduler
    from carnatic_sep.diffusion.unet import ColdUNetModel

_PUBLIC = {
    "ColdDiffusionScheduler": "scheduler",
    "ColdDiffusionSeparationPipeline": "pipeline",
    "ColdUNetModel": "unet",
    "calibrate": "calibration",
    "fit": "learning",
    "training_loss": "learning",
}

__all__ = [
    "ColdDiffusionScheduler",
    "ColdDiffusionSeparationPipeline",
    "ColdUNetModel",
    "calibrate",
    "fit",
    "training_loss",
]


def __getattr__(name: str) -> Any:
    """Import public names on first use; torch and diffusers come with them, not before."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_PUBLIC[name]}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "diffusers":
            raise
        raise UsageError(
            f"{name} needs diffusers; install it with: pip install 'carnatic-sep[diffusion]'"
        ) from error
    return getattr(module, name)
