"""Strokes as a physicist would measure them."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.ensemble.mridangam import STROKE_NAMES, drum
from carnatic_sep.ensemble.tala import Stroke

RATE, TONIC = 22050, 196.0


def _hit(name: str, *, seconds: float = 1.0) -> np.ndarray:
    return drum(
        [Stroke(name, 0.0, 1.0)],
        tonic_hz=TONIC,
        frames=int(seconds * RATE),
        sample_rate=RATE,
        rng=np.random.default_rng(1),
    )


def _level_at(sound: np.ndarray, hz: float) -> float:
    """Return the strongest level within 8 Hz of `hz` in dB, past the attack."""
    ring = sound[int(0.06 * RATE) : int(0.4 * RATE)]
    spectrum = np.abs(np.fft.rfft(ring * np.hanning(ring.size), 1 << 16))
    frequency = np.fft.rfftfreq(1 << 16, 1 / RATE)
    return float(20 * np.log10(spectrum[np.abs(frequency - hz) < 8.0].max()))


@pytest.mark.parametrize("name", ["na", "dhin"])
def test_the_loaded_head_rings_in_whole_multiples_of_the_tonic(name: str) -> None:
    sound = _hit(name)
    ring = sound[int(0.06 * RATE) : int(0.5 * RATE)]
    spectrum = np.abs(np.fft.rfft(ring * np.hanning(ring.size), 1 << 17))
    frequency = np.fft.rfftfreq(1 << 17, 1 / RATE)
    for mode in (2, 3, 4):
        near = np.abs(frequency - mode * TONIC) < 40.0
        peak = frequency[near][np.argmax(spectrum[near])]
        assert peak == pytest.approx(mode * TONIC, rel=0.005)
        assert _level_at(sound, mode * TONIC) > _level_at(sound, (mode + 0.5) * TONIC) + 15.0


def test_na_damps_the_lowest_mode_that_dhin_lets_ring() -> None:
    assert _level_at(_hit("na"), TONIC) < _level_at(_hit("na"), 2 * TONIC) - 12.0
    assert _level_at(_hit("dhin"), TONIC) > _level_at(_hit("na"), TONIC) + 9.0


@pytest.mark.parametrize("name", STROKE_NAMES)
def test_every_stroke_starts_at_once_and_dies_away(name: str) -> None:
    sound = _hit(name, seconds=2.0)
    energy = np.cumsum(sound**2) / np.sum(sound**2)
    assert np.isfinite(sound).all()
    assert energy[int(0.3 * RATE)] > 0.8
    assert np.abs(sound[-RATE // 4 :]).max() < 0.01 * np.abs(sound).max()


def test_closed_strokes_are_short_and_bass_strokes_are_low() -> None:
    def half_life(sound: np.ndarray) -> int:
        return int(np.searchsorted(np.cumsum(sound**2), 0.9 * np.sum(sound**2)))

    def centroid(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float(np.sum(power * np.fft.rfftfreq(sound.size, 1 / RATE)) / power.sum())

    assert half_life(_hit("ta")) < half_life(_hit("na"))
    assert half_life(_hit("ki")) < half_life(_hit("thom"))
    assert centroid(_hit("thom")) < 200.0 < centroid(_hit("na")) < centroid(_hit("ta"))


def test_gumki_bends_upwards() -> None:
    sound = _hit("gumki")

    def peak(first: float, last: float) -> float:
        part = sound[int(first * RATE) : int(last * RATE)]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(part.size), 1 << 15))
        lowest = spectrum[: int(130.0 * (1 << 15) / RATE)]
        return float(np.argmax(lowest) * RATE / (1 << 15))

    assert peak(0.15, 0.4) > 1.1 * peak(0.0, 0.07)


def test_a_stroke_stops_what_its_head_was_sounding() -> None:
    strokes = [Stroke("dhin", 0.0, 1.0), Stroke("ki", 0.3, 1.0)]
    made = {"tonic_hz": TONIC, "frames": RATE, "sample_rate": RATE}
    both = drum(strokes, rng=np.random.default_rng(0), **made)
    alone = drum(strokes[:1], rng=np.random.default_rng(0), **made)
    late = slice(int(0.5 * RATE), int(0.7 * RATE))
    assert np.sum(both[late] ** 2) < 0.1 * np.sum(alone[late] ** 2)
