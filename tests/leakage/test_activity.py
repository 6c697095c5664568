"""Who plays when, against players who were switched on and off."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.activity import (
    Activity,
    frame_activity,
    leakage,
    silence_regions,
    solo_regions,
)
from carnatic_sep.leakage.simulate import draw_room, room_responses, simulate

RATE = 16000
SECONDS = 40


def gated(sound, spans):
    gate = np.zeros(len(sound))
    for start, end in spans:
        gate[int(start * RATE) : int(end * RATE)] = 1.0
    fade = np.hanning(int(0.03 * RATE))
    return (sound * np.convolve(gate, fade / fade.sum(), "same")).astype(np.float32)


SPANS = {
    "vocals": [(1, 8), (12, 20), (24, 26), (32, 39)],
    "violin": [(5, 11), (14, 22), (27, 36)],
    "mridangam": [(0.5, 13), (17, 24), (29, 31), (34, 38)],
}


@pytest.fixture(scope="module")
def players():
    rng = np.random.default_rng(0)
    time = np.arange(SECONDS * RATE) / RATE

    def melody(f0: float, harmonics: int):
        # Gliding, as gamakas do: a tone that stands still meets each room's peaks and notches.
        turns = np.linspace(0, SECONDS, 6 * SECONDS)
        steps = np.interp(time, turns, rng.uniform(0, 12, turns.size))
        phase = 2 * np.pi * np.cumsum(f0 * 2 ** (steps / 12)) / RATE
        return sum(np.sin(k * phase) / k for k in range(1, harmonics + 1))

    strokes = np.zeros(time.size)
    for start in np.arange(0, SECONDS - 1, 0.25):
        span = slice(int(start * RATE), int((start + 0.25) * RATE))
        decay = np.exp(-np.arange(RATE // 4) / (0.05 * RATE))
        strokes[span] += decay * (np.sin(2 * np.pi * 150 * time[: RATE // 4]))
        strokes[span] += 0.2 * decay * rng.standard_normal(RATE // 4)
    sounds = {"vocals": melody(200, 20), "violin": melody(400, 12), "mridangam": strokes}
    return {name: gated(sound, SPANS[name]) for name, sound in sounds.items()}


@pytest.fixture(scope="module")
def responses():
    pytest.importorskip("pyroomacoustics")
    return room_responses(draw_room(9), sample_rate=RATE, names=tuple(SPANS))


@pytest.mark.parametrize(("bleed_db", "mistaken"), [(-20, 0.05), (-10, 0.15), (-5, 0.2)])
def test_players_are_told_from_their_bleed(players, responses, bleed_db, mistaken):
    scene = simulate(players, sample_rate=RATE, room=responses, bleed_db=bleed_db)
    found = frame_activity(np.stack(list(scene.bled.values())), sample_rate=RATE)
    seconds = np.arange(found.active.shape[1]) * found.hop_seconds
    for stem, spans in zip(found.active, SPANS.values(), strict=True):
        playing = np.zeros(seconds.size, bool)
        near = np.zeros(seconds.size, bool)
        for start, end in spans:
            playing |= (seconds > start + 0.1) & (seconds < end - 0.1)
            near |= (seconds > start - 0.1) & (seconds < end + 0.8)
        assert stem[playing].mean() > 0.9
        assert stem[~near].mean() < mistaken


def test_regions_hold_what_they_promise(players, responses):
    """In solos the others are 15 dB down; in silences nothing of the player is left."""
    scene = simulate(players, sample_rate=RATE, room=responses, bleed_db=-10)
    found = frame_activity(np.stack(list(scene.bled.values())), sample_rate=RATE)
    solos = 0.0
    for index, name in enumerate(players):
        close, bleed = scene.close[name].astype(float), scene.bleed[name].astype(float)
        for start, end in solo_regions(found, index):
            span = slice(int(start * RATE), int(end * RATE))
            assert np.sum(close[span] ** 2) > 10**1.5 * np.sum(bleed[span] ** 2)
            solos += end - start
        silent = silence_regions(found, index)
        for start, end in silent:
            span = slice(int(start * RATE), int(end * RATE))
            assert np.mean(close[span] ** 2) < 1e-3 * np.mean(close**2)
        resting = SECONDS - sum(end - start for start, end in SPANS[name])
        assert sum(end - start for start, end in silent) > 0.5 * resting
    # Solos by the plan, seconds: vocals 24 to 26, mridangam 0.5 to 1 and 22 to 24, violin 26.. 29.
    assert solos > 3.0


def test_level_of_one_microphone_does_not_matter(players, responses):
    scene = simulate(players, sample_rate=RATE, room=responses, bleed_db=-10)
    stems = np.stack(list(scene.bled.values()))
    loud = frame_activity(stems, sample_rate=RATE)
    quiet = frame_activity(stems * np.array([[1.0], [0.01], [3.0]]), sample_rate=RATE)
    assert np.mean(loud.active == quiet.active) > 0.97


def test_silence_is_silent():
    found = frame_activity(np.zeros((3, RATE)), sample_rate=RATE)
    assert not found.active.any()
    assert np.all(np.isfinite(found.level_db))
    assert np.all(np.isfinite(found.own_db))


def test_level_is_that_of_a_sine():
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    found = frame_activity(sine[None], sample_rate=RATE)
    np.testing.assert_allclose(found.level_db[0, 2:-2], 20 * np.log10(0.5 / np.sqrt(2)), atol=0.05)
    assert found.active[0, 1:-1].all()


def test_leakage_is_found_where_the_other_rests():
    rng = np.random.default_rng(3)
    alone = rng.exponential(size=(2, 6, 400))
    alone[0, :, :200] = 1e-9
    alone[1, :, 250:] = 1e-9
    recorded = np.stack([alone[0] + 0.01 * alone[1], alone[1] + 0.04 * alone[0]])
    found = leakage(recorded)
    np.testing.assert_allclose(found[0, 1], 0.01, rtol=0.01)
    np.testing.assert_allclose(found[1, 0], 0.04, rtol=0.01)
    assert not found[0, 0].any()


def made(*rows: str) -> Activity:
    flags = np.array([[mark == "#" for mark in row] for row in rows])
    level = np.zeros(flags.shape, np.float32)
    return Activity(active=flags, level_db=level, own_db=level, hop_seconds=0.1)


def test_guards_and_shortest_regions():
    activity = made("..########........", "....##.....#......")
    assert silence_regions(activity, 0, min_seconds=0.1, guard_seconds=0.2) == [
        pytest.approx((1.2, 1.8))
    ]
    assert silence_regions(activity, 0, min_seconds=0.7, guard_seconds=0.2) == []
    assert solo_regions(activity, 0, min_seconds=0.1, guard_seconds=0.1) == [
        pytest.approx((0.2, 0.3)),
        pytest.approx((0.7, 1.0)),
    ]
    assert solo_regions(activity, 1, min_seconds=0.1, guard_seconds=0.0) == [
        pytest.approx((1.0, 1.2))
    ]


def test_rests_between_strokes_belong_to_a_solo():
    activity = made("#....#....#.......#", "...................")
    assert solo_regions(activity, 0, min_seconds=0.5) == [pytest.approx((0.0, 1.1))]


@pytest.mark.parametrize(
    ("stems", "options", "message"),
    [
        (np.zeros(100), {}, r"must be \(stems, frames\)"),
        (np.zeros((2, 100)), {}, "shorter than one of"),
        (np.zeros((2, RATE)), {"hop_seconds": 0.0}, "hops must last"),
    ],
)
def test_what_cannot_be_told_is_named(stems, options, message):
    with pytest.raises(UsageError, match=message):
        frame_activity(stems, sample_rate=RATE, **options)
