from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.analysis.octaves import lowered

from .conftest import RATE, harmonic

SECONDS = 2.0
TIMES = np.arange(0.0, SECONDS, 0.01)


def _tone(hz: float, count: int = 12) -> np.ndarray:
    return harmonic(np.full(round(SECONDS * RATE), hz), count).astype(np.float32)


@pytest.mark.parametrize("factor", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("hz", [110.0, 165.0, 300.0])
def test_a_multiple_is_brought_to_the_pitch(hz, factor) -> None:
    told = np.full(len(TIMES), factor * hz)
    assert np.allclose(lowered(_tone(hz), TIMES, told, lowest_hz=80.0), hz)


def test_nothing_goes_below_the_lowest() -> None:
    told = np.full(len(TIMES), 220.0)
    assert np.allclose(lowered(_tone(110.0), TIMES, told, lowest_hz=120.0), 220.0)


def test_each_stretch_for_itself_and_rests_stay_rests() -> None:
    audio = np.concatenate([_tone(150.0), _tone(200.0)])
    times = np.arange(0.0, 2 * SECONDS, 0.01)
    told = np.where(times < SECONDS, 300.0, 200.0)
    told[90:110] = 0.0
    found = lowered(audio, times, told, lowest_hz=80.0)
    truth = np.where(told == 0.0, 0.0, np.where(times < SECONDS, 150.0, 200.0))
    near = np.abs(times - SECONDS) < 0.15  # a frame hears both
    assert np.allclose(found[~near], truth[~near])


@pytest.mark.parametrize("decibels", [-6.0, 0.0, 6.0])
@pytest.mark.parametrize("hz", [165.0, 300.0, 450.0])
def test_noise_between_partials_lowers_nothing(hz, decibels) -> None:
    rng = np.random.default_rng(round(hz))
    tone = _tone(hz)
    noise = rng.standard_normal(len(tone)) * 0.1 * 10 ** (decibels / 20)
    told = np.full(len(TIMES), hz)
    assert np.allclose(lowered((tone + noise).astype(np.float32), TIMES, told, lowest_hz=80.0), hz)


def test_a_glide_keeps_its_shape() -> None:
    hz = 120.0 * 2 ** (TIMES / 4)
    audio = harmonic(np.interp(np.arange(round(SECONDS * RATE)) / RATE, TIMES, hz))
    assert np.allclose(lowered(audio.astype(np.float32), TIMES, 2 * hz, lowest_hz=80.0), hz)


def test_silence_and_nothing() -> None:
    assert not lowered(np.zeros(RATE, np.float32), TIMES, 0 * TIMES, lowest_hz=80.0).any()
    empty = np.zeros(0)
    assert len(lowered(np.zeros(RATE, np.float32), empty, empty, lowest_hz=80.0)) == 0
