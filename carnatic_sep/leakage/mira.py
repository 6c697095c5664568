"""The baseline: spectral masks from powers and leakage that are learned together.

Interference reduction after KAMIR and MIRA (Prätzlich, Bittner, Liutkus and Müller, ICASSP 2015;
Di Carlo, Déguernel and Liutkus, AES Semantic Audio 2017), written from the papers' model: powers of
microphones are independent, each the sum over sources of leakage times power, fitted by
majorise-minimise steps of the Itakura-Saito divergence; microphones are masked by their own
source's share. Phases between microphones are not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 15
START_GAIN = 0.1
HIGHEST_GAIN = 0.5
_FLOOR = 1e-8


def mira_share(power: Tensor, *, related: Tensor, scale: float) -> Tensor:
    """Return the share of its own source in each microphone's power.

    Parameters
    ----------
    power : (bins, microphones, columns)
    related : (microphones, microphones), true for those at one source
    scale : typical power of the recording

    Returns
    -------
    like `power`, in 0..1
    """
    heard = power / scale + _FLOOR
    own = heard.clone()
    start = (~related).to(power.dtype) * START_GAIN
    gains = start.expand(len(power), *start.shape).clone()
    model = own + gains @ own
    for _ in range(STEPS):
        inverse = model.reciprocal()
        fit = heard * inverse.square()
        back = gains.transpose(1, 2)
        own = (own * ((fit + back @ fit) / (inverse + back @ inverse)).sqrt()).clamp(min=_FLOOR)
        model = own + gains @ own
        inverse = model.reciprocal()
        fit = heard * inverse.square()
        across = own.transpose(1, 2)
        step = (fit @ across) / (inverse @ across + 1e-12)
        gains = (gains * step.sqrt()).clamp(max=HIGHEST_GAIN)
        model = own + gains @ own
    return (own / model).clamp(max=1.0)
