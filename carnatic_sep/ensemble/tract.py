"""A vocal tract: the resonances between glottis and lips, vowel by vowel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Hz of the first five formants of a man's vowels: three from Peterson and Barney (1952), the
# upper two where those of trained speakers commonly lie.
VOWELS = {
    "a": (730.0, 1090.0, 2440.0, 3200.0, 4100.0),
    "i": (270.0, 2290.0, 3010.0, 3400.0, 4200.0),
    "u": (300.0, 870.0, 2240.0, 3100.0, 4000.0),
    "e": (530.0, 1840.0, 2480.0, 3200.0, 4100.0),
    "o": (570.0, 840.0, 2410.0, 3100.0, 4000.0),
    "nasal": (270.0, 1050.0, 2200.0, 3100.0, 4000.0),
}
_BANDWIDTHS = (80.0, 100.0, 120.0, 140.0, 200.0)
# A straight tube of 17.5 cm, from which vowels bend five resonances away.
_NEUTRAL = (500.0, 1500.0, 2500.0, 3500.0, 4500.0)
_NEUTRAL_BANDWIDTH = 100.0


def vocal_tract(
    frequency: NDArray[np.float64], formants: NDArray[np.float64], *, scale: float
) -> NDArray[np.complex128]:
    """Return the transfer from glottis to lips, all its resonances included, unity at 0 Hz.

    A straight lossy tube has the response ``1 / cosh(loss + i pi f / 1000 Hz)``; its first five
    resonances are taken out, and the vowel's put in.
    """
    relative = frequency / scale
    loss = np.pi * _NEUTRAL_BANDWIDTH / 2000.0 * (1.0 + relative / 4000.0)
    response = 1.0 / np.cosh(np.minimum(loss, relative * 0.01) + 1j * np.pi * relative / 1000.0)
    for formant, bandwidth, neutral in zip(formants, _BANDWIDTHS, _NEUTRAL, strict=True):
        response /= _resonance(relative, neutral, _NEUTRAL_BANDWIDTH * (1.0 + neutral / 4000.0))
        response *= _resonance(frequency, formant, bandwidth)
    return np.asarray(response)


def _resonance(
    frequency: NDArray[np.float64], formant: NDArray[np.float64] | float, bandwidth: float
) -> NDArray[np.complex128]:
    """Return the response of one formant, unity at 0 Hz."""
    square = np.square(formant)
    return np.asarray(square / (square - frequency**2 + 1j * frequency * bandwidth))
