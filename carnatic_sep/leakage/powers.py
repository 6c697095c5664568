"""Which power in a microphone is its own source's, given how much leaks in.

The model: each column of a microphone's power is its own source plus what the others leak, with an
echo that decays over a few columns. Under it the powers are found by majorise-minimise steps of
the Itakura-Saito divergence with the leakage held fixed (learning both at once is not
identifiable, and drifts to no leakage at all). Source of the step: Févotte and Idier, "Algorithms
for Nonnegative Matrix Factorization with the beta-Divergence", Neural Computation 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_FLOOR = 1e-8
_START_SHARE = 0.02
_START_STEPS = 3
_BINS_AT_ONCE = 16  # what an iteration reads should stay in the processor's cache


@dataclass(frozen=True)
class Powers:
    """Powers of sources at their own microphones.

    Attributes
    ----------
    own : (bins, microphones, columns), the source's power, in the units of the input
    share : like `own`, in 0..1: own over all that the microphone is modelled to hear
    """

    own: Tensor
    share: Tensor


def source_powers(
    power: Tensor, gains: Tensor, *, scale: float, steps: int, smear_columns: int, decay: float
) -> Powers:
    """Split the power of every microphone into its own source and leakage.

    Parameters
    ----------
    power : (bins, microphones, columns)
    gains : (bins, into, from), see `quantile.leakage_gains`
    scale : typical power of the recording, against which floors are set
    steps : of the majorise-minimise scheme, exponent 1/2
    smear_columns, decay : echo weights exp(-decay k) for k below smear_columns, summing to 1
    """
    import torch

    ringing = [exp(-decay * lag) for lag in range(smear_columns)]
    weights = [value / sum(ringing) for value in ringing]
    own, share = torch.empty_like(power), torch.empty_like(power)
    for first in range(0, len(power), _BINS_AT_ONCE):
        some = slice(first, first + _BINS_AT_ONCE)
        heard = power[some] / scale + _FLOOR
        own[some], share[some] = _split(heard, gains[some], weights, steps=steps)
    return Powers(own.mul_(scale), share)


def _split(
    heard: Tensor, gains: Tensor, weights: list[float], *, steps: int
) -> tuple[Tensor, Tensor]:
    """Return own power and its share, for powers near 1; shapes as in :func:`source_powers`."""
    import torch

    back = gains.transpose(1, 2).contiguous()
    own = heard.clone()
    for _ in range(_START_STEPS):
        own = torch.maximum(heard - gains @ _smear(own, weights), _START_SHARE * heard)
    model = own + gains @ _smear(own, weights)
    for _ in range(steps):
        inverse = model.reciprocal()
        fit = heard * inverse * inverse
        over = fit + back @ _unsmear(fit, weights)
        under = inverse.add_(back @ _unsmear(inverse, weights))
        own.mul_(over.div_(under).sqrt_()).clamp_(min=_FLOOR)
        model = own + gains @ _smear(own, weights)
    return own, (own / model).clamp_(max=1.0)


def power_of(spectra: Tensor) -> Tensor:
    """Return squared magnitudes, several times quicker than by way of ``abs``."""
    return spectra.real.square().addcmul_(spectra.imag, spectra.imag)


def _smear(power: Tensor, weights: list[float]) -> Tensor:
    """Let each column ring into the ones after it."""
    out = power * weights[0]
    for lag, weight in enumerate(weights[1:], start=1):
        out[..., lag:].add_(power[..., :-lag], alpha=weight)
    return out


def _unsmear(power: Tensor, weights: list[float]) -> Tensor:
    """The adjoint of :func:`_smear`."""
    out = power * weights[0]
    for lag, weight in enumerate(weights[1:], start=1):
        out[..., :-lag].add_(power[..., lag:], alpha=weight)
    return out
