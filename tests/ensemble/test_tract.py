"""The vocal tract: formants where the tables say, and the voice's fall per octave."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import find_peaks

from carnatic_sep.ensemble.tract import VOWELS, vocal_tract


@pytest.mark.parametrize("vowel", VOWELS)
@pytest.mark.parametrize("scale", [1.0, 1.14])
def test_the_response_peaks_at_the_formants(vowel: str, scale: float) -> None:
    hz = np.arange(1.0, 4600.0 * scale)
    formants = scale * np.array(VOWELS[vowel])
    response = vocal_tract(hz, formants[:, None] * np.ones(hz.size), scale=scale)
    peaks = hz[find_peaks(np.abs(response))[0]]
    for formant in formants:
        assert np.min(np.abs(peaks - formant)) < 0.06 * formant


def test_it_passes_steady_air_unchanged() -> None:
    still = vocal_tract(np.array([1e-3]), np.array(VOWELS["a"])[:, None], scale=1.0)
    assert np.abs(still[0]) == pytest.approx(1.0, abs=1e-3)


def test_a_straight_tube_is_as_loud_at_every_resonance() -> None:
    """Its bandwidths grow, so its peaks may sink a little; they must not run away."""
    neutral = np.array([500.0, 1500.0, 2500.0, 3500.0, 4500.0])
    hz = np.arange(1.0, 9000.0)
    response = np.abs(vocal_tract(hz, neutral[:, None] * np.ones(hz.size), scale=1.0))
    octaves = [20 * np.log10(response[(hz > a) & (hz < b)].max()) for a, b in pairwise(
        range(0, 9000, 1000))]  # fmt: skip
    assert np.ptp(octaves) < 14.0
