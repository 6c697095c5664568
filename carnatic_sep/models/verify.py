"""Check that a stored model is intact and runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carnatic_sep.errors import CheckpointError
from carnatic_sep.models.checkpoint import load_checkpoint
from carnatic_sep.transfer.digest import file_digest

if TYPE_CHECKING:
    from carnatic_sep.models.base import SeparationModel
    from carnatic_sep.models.zoo import ModelEntry

_NOISE_SECONDS = 1.0
_STEREO = 2


@dataclass(frozen=True)
class Verdict:
    """What :func:`verify_entry` found; `problems` is empty for a sound model."""

    name: str
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


def verify_entry(entry: ModelEntry) -> Verdict:
    """Check a stored model: SHA-256, shapes, finite weights, one second of noise through it.

    Parameters
    ----------
    entry : one with a `path`; downloads that were never fetched cannot be verified
    """
    if entry.path is None:
        return Verdict(entry.name, ("not downloaded yet",))
    published = entry.download
    # What another format was converted to has no published sum; its header holds one of its own.
    direct = published is not None and published.format == "safetensors"
    if published and direct and file_digest(entry.path) != published.sha256:
        return Verdict(
            entry.name, (f"{entry.path}: not the published file (SHA-256); delete it to refetch",)
        )
    try:
        model = load_checkpoint(entry.path)
    except CheckpointError as error:
        return Verdict(entry.name, (str(error),))
    return Verdict(entry.name, (*_weights_that_are_not_finite(model), *_faults_on_noise(model)))


def _weights_that_are_not_finite(model: SeparationModel) -> list[str]:
    return [
        f"{name} holds numbers that are not finite"
        for name, tensor in model.state_dict().items()
        if not bool(tensor.isfinite().all())
    ]


def _faults_on_noise(model: SeparationModel) -> list[str]:
    import torch

    frames = math.ceil(_NOISE_SECONDS * model.sample_rate)
    channels = model.channels or _STEREO
    generator = torch.Generator().manual_seed(0)
    mixture = 0.1 * torch.randn(1, channels, frames, generator=generator)
    try:
        with torch.inference_mode():
            stems = model(mixture)
    except RuntimeError as error:
        return [f"fails on {_NOISE_SECONDS:g} s of noise: {error}"]
    expected = (1, len(model.stems), channels, frames)
    if tuple(stems.shape) != expected:
        return [f"gives {tuple(stems.shape)} for noise, not {expected}"]
    return [] if bool(stems.isfinite().all()) else ["gives numbers that are not finite for noise"]
