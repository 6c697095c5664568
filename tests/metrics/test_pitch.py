"""The pitch tracker on tones of known pitch."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.metrics.melody import Melody, gamaka_fidelity, melody_scores
from carnatic_sep.metrics.pitch import track_melody

pytest.importorskip("librosa", reason="librosa is not installed (extra: eval)")
RATE = 22050


def _sung(f0: np.ndarray) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    return 0.1 * np.sum([np.sin(k * phase + k * k) / k for k in range(1, 7)], axis=0)


@pytest.mark.parametrize("f0", [110.0, 231.7, 702.0])
def test_a_steady_tone_is_found_to_a_cent(f0: float) -> None:
    found = track_melody(_sung(np.full(RATE, f0)), sample_rate=RATE)
    assert len(found.times) == 101
    assert np.mean(found.f0 > 0) > 0.95
    middle = found.f0[5:-5]
    assert np.abs(1200 * np.log2(middle[middle > 0] / f0)).max() < 1.0


def test_a_gamaka_keeps_its_shape() -> None:
    time = np.arange(2 * RATE) / RATE
    cents = 70.0 * np.sin(2 * np.pi * 5.5 * time)
    found = track_melody(_sung(220.0 * 2 ** (cents / 1200)), sample_rate=RATE)
    grid = found.times
    truth = Melody(grid, 220.0 * 2 ** (70.0 * np.sin(2 * np.pi * 5.5 * grid) / 1200))
    assert gamaka_fidelity(truth, found).correlation > 0.98
    assert melody_scores(truth, found, tolerance_cents=25.0).raw_pitch > 0.97


def test_channels_silence_and_scraps() -> None:
    tone = _sung(np.full(RATE // 2, 200.0))
    stereo = track_melody(np.stack([tone, tone]), sample_rate=RATE)
    np.testing.assert_array_equal(stereo.f0, track_melody(tone, sample_rate=RATE).f0)
    assert not track_melody(0 * tone, sample_rate=RATE).f0.any()
    assert track_melody([0.5], sample_rate=RATE).f0.tolist() == [0.0]
    with pytest.raises(ValueError, match="NaN"):
        track_melody(np.full(9, np.nan), sample_rate=RATE)
