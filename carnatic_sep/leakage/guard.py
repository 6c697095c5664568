"""The guard: a cleaner must not touch a microphone where its own player is alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carnatic_sep.leakage.powers import power_of

if TYPE_CHECKING:
    from torch import Tensor


def solo_bins(share: Tensor, *, solo_db: float) -> Tensor:
    """Tell where a microphone hears nobody but its own source.

    Parameters
    ----------
    share : (bins, microphones, columns), the source's power over all that may be heard, 0..1
    solo_db : by how much the source must exceed all that leaks in

    Returns
    -------
    like `share`, 1 where the source is alone, else 0
    """
    ratio = 10.0 ** (solo_db / 10.0)
    alone: Tensor = share > ratio / (1.0 + ratio)
    return alone.to(share.dtype)


def energy(spectra: Tensor, solo: Tensor) -> Tensor:
    """Sum the energy of spectra (bins, microphones, columns) where `solo`: (microphones,)."""
    return (power_of(spectra) * solo).sum((0, 2))
