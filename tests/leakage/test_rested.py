"""Cleaning with rests: nearer the truth than without them, and not fooled by wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.clean import CleanConfig, clean
from carnatic_sep.leakage.rested import RESTED, clean_rested, told_rests

RATE, SECONDS = 16000, 6.0
RESTS = {"vocals": [(0.5, 2.75)], "violin": [(3.0, 5.25)]}


def played(seed: int, low: float) -> np.ndarray:
    """Notes of band noise, one every quarter second, never the same loudness."""
    rng = np.random.default_rng(seed)
    frames = int(SECONDS * RATE)
    noise = lfilter(
        [1.0], [1.0, -1.8 * np.cos(2 * np.pi * low / RATE), 0.81], rng.normal(size=frames)
    )
    loud = np.repeat(rng.uniform(0.2, 1.0, int(SECONDS * 4)), RATE // 4)
    return 0.05 * noise * loud


@pytest.fixture(scope="module")
def scene() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Two players with a rest each, and microphones 5 and 8 ms from the other at about -6 dB."""
    truth = {"vocals": played(1, 500.0), "violin": played(2, 900.0)}
    for name, spans in RESTS.items():
        for start, end in spans:
            truth[name][int(start * RATE) : int(end * RATE)] = 0.0
    echo = np.zeros(400)
    echo[[80, 210, 390]] = 0.4, -0.2, 0.1
    other = np.zeros(400)
    other[[128, 300]] = 0.5, 0.2
    heard = {
        "vocals": truth["vocals"] + lfilter(other, [1.0], truth["violin"]),
        "violin": truth["violin"] + lfilter(echo, [1.0], truth["vocals"]),
    }
    return (
        {name: sound.astype(np.float32) for name, sound in truth.items()},
        {name: sound.astype(np.float32) for name, sound in heard.items()},
    )


def sdr(truth: np.ndarray, found: np.ndarray) -> float:
    truth, found = truth.astype(np.float64), found.astype(np.float64)
    return float(10 * np.log10(np.sum(truth**2) / np.sum((truth - found) ** 2)))


def test_rests_bring_stems_nearer_the_truth(scene) -> None:
    truth, heard = scene
    blind = clean(heard, sample_rate=RATE, config=CleanConfig(post_filter=False)).stems
    known = clean_rested(heard, sample_rate=RATE, rests=RESTS)
    told = clean_rested(heard, sample_rate=RATE)
    for name, sound in truth.items():
        assert sdr(sound, known[name]) > sdr(sound, blind[name]) + 3.0
        assert sdr(sound, known[name]) > sdr(sound, heard[name]) + 8.0
        assert sdr(sound, told[name]) > sdr(sound, blind[name]) + 2.0


def test_what_is_left_is_hardly_the_bleed(scene) -> None:
    truth, heard = scene
    found = clean_rested(heard, sample_rate=RATE, rests=RESTS)
    for name, sound in truth.items():
        bleed = heard[name].astype(np.float64) - sound
        left = float((found[name] - sound) @ bleed / (bleed @ bleed))
        assert abs(left) < 0.1


def test_a_player_alone_keeps_his_sound_though_he_is_said_to_rest(scene) -> None:
    truth, heard = scene
    # The violin plays alone here; filters that believed this would learn to cancel it.
    wrong = clean_rested(heard, sample_rate=RATE, rests={"violin": RESTS["vocals"]})
    alone = slice(int(1.3 * RATE), int(2.2 * RATE))
    assert sdr(truth["violin"][alone], wrong["violin"][alone]) > 14.0


def test_rests_are_told_from_the_microphones(scene) -> None:
    _, heard = scene
    found = told_rests(np.stack(list(heard.values())), list(heard), sample_rate=RATE)
    for name, [(start, end)] in RESTS.items():
        assert any(abs(a - start) < 0.4 and abs(b - end) < 0.4 for a, b in found[name])


def test_segments_are_faded_into_each_other(scene) -> None:
    truth, heard = scene
    config = replace(RESTED, segment_seconds=4.5, overlap_seconds=0.5)
    found = clean_rested(heard, sample_rate=RATE, rests=RESTS, config=config)
    for name, sound in truth.items():
        assert found[name].shape == sound.shape
        assert sdr(sound, found[name]) > sdr(sound, heard[name]) + 4.0


def test_the_same_input_gives_the_same_bytes(scene) -> None:
    _, heard = scene
    first, second = (clean_rested(heard, sample_rate=RATE, rests=RESTS) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in heard)


def test_silence_stays_silent_and_one_stem_is_refused() -> None:
    quiet = {name: np.zeros(RATE, np.float32) for name in ("vocals", "violin")}
    found = clean_rested(quiet, sample_rate=RATE)
    assert all(not sound.any() for sound in found.values())
    with pytest.raises(UsageError, match="two stems"):
        clean_rested({"vocals": quiet["vocals"]}, sample_rate=RATE)
