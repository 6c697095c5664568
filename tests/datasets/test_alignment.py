"""Lag, polarity, gain and drift, against those that were imposed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.datasets.alignment import BAND_CENTRES_HZ, align_stem, shifted
from carnatic_sep.errors import UsageError

RATE = 16000


@pytest.fixture(scope="module")
def band():
    """Three players who hear each other 10 dB down and some milliseconds late: (3, frames)."""
    rng = np.random.default_rng(4)
    frames = 12 * RATE
    level = np.repeat(rng.uniform(0.05, 1.0, (3, 60)), frames // 60, axis=1)
    alone = level * rng.standard_normal((3, frames))
    alone[1] = np.convolve(alone[1], [1.0, 0.9, 0.5], "same")
    bled = alone.copy()
    for i in range(3):
        for j in set(range(3)) - {i}:
            delay = 40 + 25 * i + 13 * j
            tail = 0.15 * rng.standard_normal(800) * np.exp(-np.arange(800) / 150)
            tail[0] = 1.0
            heard = np.convolve(alone[j], tail)[:frames]
            bled[i] += 0.2 * shifted(heard, delay)
    return bled


@settings(max_examples=10)
@given(
    lag=st.floats(-900, 900),
    polarity=st.sampled_from([-1, 1]),
    gain_db=st.floats(-20, 20),
    index=st.integers(0, 2),
)
def test_imposed_lag_and_polarity_are_found(band, lag, polarity, gain_db, index):
    gain = 10 ** (gain_db / 20)
    stem = polarity / gain * shifted(band[index], lag)
    found = align_stem(stem, band.sum(axis=0), sample_rate=RATE)
    assert found.lag_seconds * RATE == pytest.approx(lag, abs=0.1)
    assert found.polarity == polarity
    assert 20 * np.log10(found.gain) == pytest.approx(gain_db, abs=3.0)
    assert found.confidence > 0.5
    assert found.drift_ppm is None


def test_a_perfect_copy_is_certain():
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(4 * RATE)
    found = align_stem(0.5 * sound, sound, sample_rate=RATE)
    assert found.lag_seconds == pytest.approx(0.0, abs=1e-6)
    assert found.gain == pytest.approx(2.0, rel=1e-3)
    assert found.confidence > 0.9
    assert np.nanmax(np.abs(np.array(found.band_gains_db) - 20 * np.log10(2))) < 0.01


def test_somebody_elses_recording_gets_no_confidence():
    rng = np.random.default_rng(1)
    found = align_stem(*rng.standard_normal((2, 5 * RATE)), sample_rate=RATE)
    assert found.confidence < 0.2


def test_octaves_have_their_own_gains():
    """A mixture whose treble was cut by 6 dB above 2.8 kHz."""
    from scipy.signal import butter, lfilter, sosfiltfilt

    stem = lfilter([1.0], [1.0, -0.9], np.random.default_rng(2).standard_normal(8 * RATE))
    treble = sosfiltfilt(butter(6, 2828, btype="highpass", fs=RATE, output="sos"), stem)
    found = align_stem(stem, stem - 0.5 * treble, sample_rate=RATE)
    gains = dict(zip(BAND_CENTRES_HZ, found.band_gains_db, strict=True))
    assert gains[500.0] == pytest.approx(0.0, abs=0.3)
    assert gains[4000.0] == pytest.approx(-6.0, abs=0.8)


def test_clocks_that_run_apart_are_told():
    """A stem that a clock 30 ppm faster sampled comes late by 30 ppm of the time."""
    import soxr

    frames = 60 * RATE
    mixture = np.random.default_rng(3).standard_normal(frames)
    stem = soxr.resample(mixture, 1_000_000, 1_000_030, quality="VHQ")
    found = align_stem(shifted(stem, 25.0), mixture, sample_rate=RATE)
    assert found.drift_ppm == pytest.approx(30.0, abs=0.5)
    assert found.lag_seconds * RATE == pytest.approx(25.0 + 30e-6 * frames / 2, abs=0.2)


def test_no_drift_is_no_drift(band):
    long = np.tile(band, 4)
    found = align_stem(shifted(long[0], 7.25), long.sum(axis=0), sample_rate=RATE)
    assert found.drift_ppm == pytest.approx(0.0, abs=0.2)
    assert found.lag_seconds * RATE == pytest.approx(7.25, abs=0.1)


def test_phase_rotation_shows_in_octaves_and_costs_confidence():
    """A chain of all-passes delays low sound more: no one lag explains the stem."""
    from scipy.signal import sosfilt

    rng = np.random.default_rng(5)
    mixture = stem = rng.standard_normal(10 * RATE)
    angle, radius = 2 * np.pi * 400 / RATE, 0.93
    pole = np.array([1.0, -2 * radius * np.cos(angle), radius**2])
    for _ in range(3):
        mixture = sosfilt(np.concatenate([pole[::-1], pole])[None], mixture)
    found = align_stem(stem, mixture, sample_rate=RATE)
    lags = dict(zip(BAND_CENTRES_HZ, found.band_lags_seconds, strict=True))
    assert lags[500.0] < lags[4000.0] - 0.002
    straight = align_stem(stem, stem, sample_rate=RATE)
    assert found.confidence < 0.9 * straight.confidence


@pytest.mark.parametrize("silent", [0, 1])
def test_silence_is_found_nowhere(silent):
    pair = np.random.default_rng(6).standard_normal((2, RATE))
    pair[silent] = 0.0
    found = align_stem(*pair, sample_rate=RATE)
    assert (found.confidence, found.gain, found.polarity) == (0.0, 0.0, 1)
    assert np.all(np.isnan(found.band_gains_db))


@pytest.mark.parametrize(
    ("stem", "message"),
    [(np.ones((2, RATE)), "must be mono"), (np.ones(1000), "0.06 s are too short")],
)
def test_what_cannot_be_aligned_is_named(stem, message):
    with pytest.raises(UsageError, match=message):
        align_stem(stem, np.ones(RATE), sample_rate=RATE)


@given(frames=st.floats(-50, 50))
def test_shifts_undo_each_other(frames):
    time = np.arange(4000)
    bump = np.exp(-(((time - 2000) / 40) ** 2)) * np.sin(time / 5)
    moved = shifted(bump, frames)
    np.testing.assert_allclose(shifted(moved, -frames), bump, atol=1e-5)
    centre = np.sum(time * moved.astype(float) ** 2) / np.sum(moved.astype(float) ** 2)
    there = np.sum(time * bump**2) / np.sum(bump**2)
    assert centre - there == pytest.approx(frames, abs=0.01)
