"""The hall: equal power across the stage, and a decay of its own."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.ensemble.room import place

RATE = 22050


def _place(dry: np.ndarray, pan: float) -> np.ndarray:
    return place(dry, pan=pan, sample_rate=RATE, rng=np.random.default_rng(3))


@pytest.mark.parametrize("pan", [-1.0, -0.35, 0.0, 0.6, 1.0])
def test_direct_sound_has_the_same_power_wherever_it_sits(pan: float) -> None:
    frames = np.arange(150)
    dry = np.sin(2 * np.pi * 2000.0 * frames / RATE)  # ends before the first echo
    left, right = np.sum(_place(dry, pan) ** 2, axis=1)
    assert left + right == pytest.approx(np.sum(dry**2), rel=0.05)
    assert np.sign(round(right - left, 3)) == np.sign(pan)


def test_the_tail_falls_by_sixty_decibels_in_about_half_a_second() -> None:
    click = np.zeros(RATE)
    click[0] = 1.0
    tail = _place(click, 0.0)[:, int(0.02 * RATE) : int(0.4 * RATE)]
    left = np.cumsum((tail**2).sum(axis=0)[::-1])[::-1]  # Schroeder's backward integral
    levels = 10 * np.log10(left / left[0])
    slope = np.polyfit(np.arange(levels.size)[: RATE // 5] / RATE, levels[: RATE // 5], 1)[0]
    assert -60.0 / slope == pytest.approx(0.5, abs=0.12)


def test_reverberation_is_linear_and_silence_stays_silent() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 4000))
    assert np.allclose(_place(a + 2 * b, 0.2), _place(a, 0.2) + 2 * _place(b, 0.2), atol=1e-9)
    assert not _place(np.zeros(2000), 0.5).any()
