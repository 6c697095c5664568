"""The pitch tracker on tones of known pitch."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.metrics.melody import Melody, gamaka_fidelity, melody_scores
from carnatic_sep.metrics.pitch import track_melody

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


def test_a_slide_is_neither_early_nor_late() -> None:
    time = np.arange(2 * RATE) / RATE
    found = track_melody(_sung(150.0 * 2.0 ** (time - 0.5)), sample_rate=RATE)
    middle = slice(20, 180)
    cents = 1200 * np.log2(found.f0[middle] / 150.0)
    # An octave a second: 12 cents are 10 ms.
    late = found.times[middle] - 0.5 - cents / 1200
    assert np.abs(late).max() < 0.004


def test_breath_is_unvoiced_and_a_weak_fundamental_is_no_octave() -> None:
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(RATE)
    assert np.mean(track_melody(noise, sample_rate=RATE).f0 > 0) < 0.2
    phase = 2 * np.pi * 160.0 * np.arange(RATE) / RATE
    hollow = 0.05 * np.sin(phase) + np.sin(2 * phase) + 0.8 * np.sin(3 * phase)
    found = track_melody(hollow, sample_rate=RATE).f0[5:-5]
    assert np.median(found) == pytest.approx(160.0, rel=0.002)


def test_a_range_that_cannot_be_searched_is_named() -> None:
    with pytest.raises(ValueError, match="from 20 to 1000 Hz"):
        track_melody(np.ones(RATE), sample_rate=RATE, lowest_hz=20, highest_hz=1000)
