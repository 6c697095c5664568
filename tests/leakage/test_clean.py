"""Cleaning where the truth is known: less bleed, nothing lost, and the guard."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.clean import CleanConfig, clean, related_microphones
from carnatic_sep.leakage.stream import clean_stream, segment_starts
from carnatic_sep.metrics.sdr import sdr

RATE = 8000
SECONDS = 8


def played(seed: int, *, pitch: float) -> np.ndarray:
    """A player of notes with rests, (frames,)."""
    rng = np.random.default_rng(seed)
    time = np.arange(SECONDS * RATE) / RATE
    sound = np.zeros_like(time)
    begin = 0.0
    while begin < SECONDS:
        length = rng.uniform(0.2, 0.6)
        place = (time >= begin) & (time < begin + length)
        f0 = pitch * 2 ** (rng.integers(-5, 6) / 12)
        note = sum(np.sin(2 * np.pi * k * f0 * time[place]) / k for k in range(1, 9))
        sound[place] += note * np.hanning(place.sum())
        begin += length + rng.uniform(0.0, 0.5)
    sound += 0.01 * rng.standard_normal(len(sound)) * (np.abs(sound) > 0.01)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def echoed(sound: np.ndarray, seed: int) -> np.ndarray:
    """`sound` through 0.2 s of room, at its own level."""
    rng = np.random.default_rng(seed)
    taps = rng.standard_normal(RATE // 5) * np.exp(-30 * np.arange(RATE // 5) / RATE)
    taps[:20] = 0.0
    wet = np.convolve(sound, taps)[: len(sound)]
    return (wet * np.sqrt(np.mean(sound**2) / np.mean(wet**2))).astype(np.float32)


@pytest.fixture(scope="module")
def truth() -> dict[str, np.ndarray]:
    return {"vocals": played(1, pitch=220.0), "violin": played(2, pitch=330.0)}


@pytest.fixture(scope="module")
def bled(truth: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    gain = np.float32(10 ** (-10 / 20))
    return {
        "vocals": truth["vocals"] + gain * echoed(truth["violin"], 1),
        "violin": truth["violin"] + gain * echoed(truth["vocals"], 2),
    }


@pytest.fixture(scope="module")
def cleaned(bled: dict[str, np.ndarray]):
    return clean(bled, sample_rate=RATE)


def test_bleed_goes_and_the_player_stays(truth, bled, cleaned):
    for name, before in bled.items():
        gain = sdr(truth[name], cleaned.stems[name]) - sdr(truth[name], before)
        assert gain > 5.0, name
        assert cleaned.stems[name].dtype == np.float32


def test_masks_of_the_baseline_do_less(truth, bled, cleaned):
    baseline = clean(bled, sample_rate=RATE, config=CleanConfig(method="mira"))
    assert set(baseline.report.stems["violin"].outcome) == {"mira"}
    ours = np.mean([sdr(truth[name], cleaned.stems[name]) for name in bled])
    theirs = np.mean([sdr(truth[name], baseline.stems[name]) for name in bled])
    assert ours > theirs + 2.0


def test_same_input_same_bytes(bled, cleaned):
    again = clean(bled, sample_rate=RATE)
    for name in bled:
        assert np.array_equal(again.stems[name], cleaned.stems[name])


def test_a_louder_recording_comes_out_louder(bled, cleaned):
    louder = clean({name: 4.0 * sound for name, sound in bled.items()}, sample_rate=RATE)
    for name in bled:
        assert sdr(4.0 * cleaned.stems[name], louder.stems[name]) > 50.0


def test_confidence_is_high_where_a_player_is_alone(truth, cleaned):
    sure = cleaned.confidence["violin"]
    assert 0.0 <= sure.min() <= sure.max() <= 1.0
    hop = round(cleaned.report.column_seconds * RATE)
    level = np.array(
        [
            [np.mean(truth[name][max(0, k * hop - hop) : k * hop + hop] ** 2) for name in truth]
            for k in range(sure.shape[1])
        ]
    )
    alone = (level[:, 1] > 1e-3) & (level[:, 0] < 1e-6)
    absent = (level[:, 1] < 1e-6) & (level[:, 0] > 1e-3)
    assert alone.sum() > 5
    assert absent.sum() > 5
    loud = slice(10, 25)
    assert np.median(sure[loud, alone]) > np.median(sure[loud, absent]) + 0.3


def test_stems_without_bleed_stay_as_they_are(truth):
    found = clean(truth, sample_rate=RATE)
    for name, sound in truth.items():
        assert sdr(sound, found.stems[name]) > 20.0
        assert found.report.stems[name].removed_db < -20.0


def test_guard_falls_back_where_solos_would_be_lost(bled):
    strict = clean(bled, sample_rate=RATE, config=CleanConfig(guard_db=-200.0))
    assert all(stem.guarded for stem in strict.report.stems.values())
    assert all(set(stem.outcome) == {"wiener"} for stem in strict.report.stems.values())
    easy = clean(bled, sample_rate=RATE, config=CleanConfig(guard_db=20.0))
    assert not any(stem.guarded for stem in easy.report.stems.values())


def swapped(heard: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`heard` at first, and from half of the time on what the other microphone hears."""
    half = len(heard) // 2
    return np.concatenate([heard[:half], other[half:]])


WRONGED = {
    "cables swapped halfway": lambda a, b: {"vocals": swapped(a, b), "violin": swapped(b, a)},
    "one cable moved halfway": lambda a, b: {"vocals": a, "violin": swapped(b, a)},
    "polarity flips halfway": lambda a, b: {"vocals": a, "violin": swapped(b, -b)},
    "clock jumps halfway": lambda a, b: {"vocals": a, "violin": swapped(b, np.roll(b, 400))},
}


@pytest.mark.parametrize("wrong", WRONGED)
def test_recordings_that_break_the_model_keep_their_solos_or_fall_back(truth, bled, wrong: str):
    stems = WRONGED[wrong](bled["vocals"], bled["violin"])
    found = clean(stems, sample_rate=RATE)
    half = SECONDS * RATE // 2
    for name in stems:
        own, leaked = (
            np.convolve(sound**2, np.ones(RATE // 20), "same")
            for sound in (truth[name], bled[name] - truth[name])
        )
        alone = (own > 1e-2) & (own > 100.0 * leaked)
        alone[half:] = False  # before anything goes wrong
        assert alone.sum() > RATE // 20
        lost = np.sum((stems[name] - found.stems[name])[alone] ** 2)
        there = np.sum(stems[name][alone] ** 2)
        assert found.report.stems[name].guarded or lost < 10**-1.5 * there, name


@pytest.mark.parametrize("gain", [0.7, -0.6])
def test_a_copy_is_told_and_neither_is_cleaned_of_the_other(truth, bled, gain: float):
    found = clean({**bled, "other": np.float32(gain) * bled["vocals"]}, sample_rate=RATE)
    assert set(found.report.stems["other"].outcome) == {"copy"}
    assert set(found.report.stems["vocals"].outcome) == {"copy"}
    assert not found.report.stems["violin"].guarded
    before = sdr(truth["vocals"], bled["vocals"])
    assert sdr(truth["vocals"], found.stems["vocals"]) > before + 3.0
    assert sdr(gain * truth["vocals"], found.stems["other"]) > before + 3.0


def test_a_copy_for_three_seconds_is_told(bled):
    later = bled["violin"].copy()
    later[-3 * RATE :] = bled["vocals"][-3 * RATE :]
    found = clean({"vocals": bled["vocals"], "violin": later}, sample_rate=RATE)
    assert all(stem.guarded for stem in found.report.stems.values())


def test_a_player_heard_by_both_microphones_is_no_copy(truth):
    heard = {"vocals": truth["vocals"], "violin": np.float32(0.5) * echoed(truth["vocals"], 3)}
    found = clean(heard, sample_rate=RATE)
    assert not any("copy" in stem.outcome for stem in found.report.stems.values())


def test_bleed_without_delay_is_no_copy(truth):
    alone = truth["violin"].copy()
    alone[: 4 * RATE] = 0.0
    heard = {"vocals": truth["vocals"], "violin": alone + np.float32(0.3) * truth["vocals"]}
    found = clean(heard, sample_rate=RATE)
    assert not found.report.stems["violin"].guarded
    assert sdr(alone, found.stems["violin"]) > sdr(alone, heard["violin"]) + 5.0


def test_guard_falls_back_from_filters_that_are_wrong(bled, monkeypatch):
    def wrong(spectra, regressors, filters, taps, related):
        return spectra - 0.5 * spectra.roll(1, dims=1) - 0.5 * spectra

    monkeypatch.setattr("carnatic_sep.leakage.joint.subtract", wrong)
    found = clean(bled, sample_rate=RATE)
    for name, stem in found.report.stems.items():
        assert stem.guarded
        assert set(stem.outcome) == {"wiener"}
        assert sdr(bled[name], found.stems[name]) > 3.0


@pytest.mark.parametrize("rounds", [1, 2])
def test_guard_is_quiet_where_nothing_goes_wrong(bled, rounds: int):
    found = clean(bled, sample_rate=RATE, config=CleanConfig(rounds=rounds))
    assert not any(stem.guarded for stem in found.report.stems.values())


def test_masks_are_left_where_little_was_found(truth, bled):
    gain = np.float32(10 ** (-20 / 20))
    little = {
        "vocals": truth["vocals"] + gain * echoed(truth["violin"], 1),
        "violin": truth["violin"] + gain * echoed(truth["vocals"], 2),
    }
    for stems in (bled, little):
        linear = clean(stems, sample_rate=RATE, config=CleanConfig(post_filter=False))
        masked = clean(stems, sample_rate=RATE)
        for name in stems:
            before, after = linear.stems[name], masked.stems[name]
            assert sdr(truth[name], after) > sdr(truth[name], before) - 0.5, name


def test_two_microphones_at_one_instrument_keep_it(truth):
    left, right = truth["violin"], echoed(truth["violin"], 5)
    stems = {"vocals": truth["vocals"], "left": left, "right": right}
    found = clean(stems, sample_rate=RATE, sources={"left": "violin", "right": "violin"})
    assert sdr(left, found.stems["left"]) > 15.0


def test_silent_stem_stays_silent(truth):
    silent = np.zeros_like(truth["violin"])
    found = clean({**truth, "other": silent}, sample_rate=RATE)
    assert not found.stems["other"].any()
    assert not found.report.stems["other"].guarded
    assert found.report.as_dict()["stems"]["other"]["solo_removed_db"] is None
    assert np.isfinite(found.stems["vocals"]).all()


def test_segments_join_without_seams(truth, bled):
    config = CleanConfig(segment_seconds=3.0, overlap_seconds=0.5)
    stems = list(bled)
    pieces = list(
        clean_stream(
            lambda start, count: np.stack([bled[s][start : start + count] for s in stems]),
            frames=SECONDS * RATE,
            sample_rate=RATE,
            related=np.eye(2, dtype=bool),
            config=config,
        )
    )
    audio = np.concatenate([piece.audio for piece in pieces], axis=1)
    sure = np.concatenate([piece.confidence for piece in pieces], axis=2)
    assert len(pieces) > 2
    assert audio.shape == (2, SECONDS * RATE)
    assert pieces[-1].done == SECONDS * RATE
    assert abs(sure.shape[2] - (SECONDS * RATE // 128 + 1)) <= 1
    for index, name in enumerate(stems):
        gain = sdr(truth[name], audio[index]) - sdr(truth[name], bled[name])
        assert gain > 3.0


@pytest.mark.parametrize(("frames", "longest"), [(1000, 400), (401, 400), (99999, 5000), (50, 400)])
def test_segments_cover_the_recording(frames: int, longest: int):
    starts, length = segment_starts(frames, longest=longest, overlap=100, hop=10)
    assert starts[0] == 0
    assert all(b - a == length - 100 for a, b in pairwise(starts))
    assert starts[-1] + length >= frames
    assert length <= max(longest + 10, frames if len(starts) == 1 else 0)


@pytest.mark.parametrize(
    ("stems", "said"),
    [
        (None, "stems of NoneType: give a dict"),
        ({"vocals": [0.0] * 9000, "violin": [0.0] * 9000}, "give a dict of names and arrays"),
        ({"vocals": np.zeros(9000)}, "two stems"),
        ({"vocals": np.zeros(9000), "violin": np.zeros(8000)}, "one length"),
        ({"vocals": np.zeros((2, 9000)), "violin": np.zeros((2, 9000))}, "mono"),
        ({"vocals": np.zeros(9000), "violin": np.full(9000, np.nan)}, "NaN"),
        ({"vocals": np.zeros(10), "violin": np.zeros(10)}, "too short"),
    ],
)
def test_what_cannot_be_cleaned_is_said(stems, said: str):
    with pytest.raises(UsageError, match=said):
        clean(stems, sample_rate=RATE)
    with pytest.raises(UsageError, match="sample rate '8000': give whole Hz|stems"):
        clean(stems, sample_rate=str(RATE))


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(UsageError, match="taps"):
        CleanConfig(rounds=3)
    with pytest.raises(UsageError, match="target_taps"):
        CleanConfig(target_taps=2)
    with pytest.raises(UsageError, match="ghost"):
        related_microphones(["vocals", "violin"], {"ghost": "violin"})
