"""Stroke patterns: what is played, when, and that a seed repeats it."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.rhythm import play_pattern

RATE = 8000


def play(seed: int, *, kinds: int = 5, seconds: float = 6.0, stroke=None):
    asked: list[int] = []
    click = np.ones(1, dtype=np.float32) if stroke is None else stroke

    def choose(kind: int):
        asked.append(kind)
        return click

    audio = play_pattern(
        choose,
        kinds=kinds,
        frames=int(seconds * RATE),
        sample_rate=RATE,
        rng=np.random.default_rng(seed),
    )
    return audio, asked


@pytest.mark.parametrize("seed", range(6))
def test_onsets_lie_on_a_grid_within_a_players_jitter(seed) -> None:
    audio, asked = play(seed)
    onsets = np.flatnonzero(audio) / RATE
    assert 1 <= len(onsets) <= len(asked)
    assert set(asked) <= set(range(5))
    # Half slots occur where a stroke is doubled; 0.08 to 0.28 s is a slot.
    best = min(
        np.abs((onsets - onsets[0]) / half - np.round((onsets - onsets[0]) / half)).mean() * half
        for half in np.geomspace(0.04, 0.14, 600)
    )
    assert best < 0.006


def test_a_seed_repeats_and_another_does_not() -> None:
    assert np.array_equal(play(3)[0], play(3)[0])
    assert not np.array_equal(play(3)[0], play(4)[0])


@pytest.mark.parametrize("kinds", [1, 2])
def test_few_kinds_and_strokes_longer_than_the_excerpt(kinds) -> None:
    audio, asked = play(0, kinds=kinds, seconds=0.5, stroke=np.ones(RATE, dtype=np.float32))
    assert audio.shape == (RATE // 2,)
    assert np.isfinite(audio).all()
    assert set(asked) <= set(range(kinds))
    assert (np.diff(audio) > -1e-6).all()  # nothing ends before the excerpt does
