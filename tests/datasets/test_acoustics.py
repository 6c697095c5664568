"""Rooms and equalisers against convolutions written out."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.acoustics import (
    apply_acoustics,
    equaliser,
    measured_room,
    synthetic_room,
)

RATE = 16000


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal(4000).astype(np.float32)


def apply(audio, **options):
    defaults = {"room": None, "wet": 0.0, "depth_db": 0.0}
    return apply_acoustics(
        audio, sample_rate=RATE, rng=np.random.default_rng(1), **(defaults | options)
    )


def test_no_room_and_a_flat_microphone_change_nothing(noise) -> None:
    assert apply(noise) == pytest.approx(noise, abs=1e-5)


def test_one_echo_is_the_sound_again_later(noise) -> None:
    room = np.zeros(700, dtype=np.float32)
    room[500] = 1.0
    expected = noise.copy()
    expected[500:] += 0.4 * noise[:-500]
    assert apply(noise, room=room, wet=0.4) == pytest.approx(expected, abs=1e-5)


def test_a_long_room_does_not_wrap_around(noise) -> None:
    room = synthetic_room(sample_rate=RATE, rng=np.random.default_rng(2))
    wet = apply(noise, room=room, wet=1.0)
    expected = noise + np.convolve(noise, room)[: len(noise)]
    assert wet == pytest.approx(expected, abs=1e-4)


def test_filters_are_linear(noise) -> None:
    loud = apply(2 * noise, depth_db=8.0)
    assert loud == pytest.approx(2 * apply(noise, depth_db=8.0), abs=1e-4)


def test_equalisers_are_bounded_and_differ() -> None:
    frequencies = np.linspace(0, RATE / 2, 500)
    drawn = [
        equaliser(frequencies, depth_db=7.0, rng=np.random.default_rng(seed)) for seed in range(20)
    ]
    levels = 20 * np.log10(np.stack(drawn))
    assert levels.min() >= -24.001
    assert levels.max() <= 18.001
    assert 2 < levels.std() < 15
    flat = equaliser(frequencies, depth_db=0.0, rng=np.random.default_rng(0))
    assert flat == pytest.approx(1.0)


def test_a_synthetic_room_decays_and_has_unit_energy() -> None:
    for seed in range(5):
        room = synthetic_room(sample_rate=RATE, rng=np.random.default_rng(seed))
        assert np.sum(np.square(room)) == pytest.approx(1.0, abs=1e-3)
        quarters = np.square(room[: len(room) // 4 * 4]).reshape(4, -1).sum(axis=1)
        assert (np.diff(quarters) < 0).all()


def test_a_measured_room_loses_its_direct_sound() -> None:
    response = np.zeros(3000, dtype=np.float32)
    response[100] = -5.0
    response[100 + 48 + 10] = 0.5  # 3 ms are 48 frames
    room = measured_room(response, sample_rate=RATE)
    assert np.flatnonzero(room).tolist() == [10]
    assert room[10] == pytest.approx(1.0)
