"""Violins that follow a contour: is the pitch there, at the time when it should be?"""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.bank import Note
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.datasets.violin import bend_note, bow_changes, bow_wavetable, shadow_contour

RATE = 44100


def harmonic(f0: float, seconds: float):
    time = np.arange(int(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, 5))
    return (sound / np.sqrt(np.mean(np.square(sound)))).astype(np.float32)


def glide(samples: int):
    """A slow gamaka around 440 Hz."""
    time = np.arange(samples) / PITCH_RATE
    return (440 * 2 ** (2 * np.sin(2 * np.pi * 0.8 * time) / 12)).astype(np.float32)


def pitch_of(audio):
    librosa = pytest.importorskip("librosa")
    hop = int(RATE / PITCH_RATE)
    return librosa.yin(audio, fmin=250, fmax=800, sr=RATE, frame_length=2048, hop_length=hop)


def cents_off(audio, f0):
    heard = pitch_of(audio)[: len(f0)]
    inside = slice(10, -10)
    return np.abs(1200 * np.log2(heard[inside] / f0[inside]))


# The note lies well off the contour and is far shorter than it, so it must be bent and reused.
@pytest.mark.parametrize("play", ["note", "wavetable"])
def test_the_contour_is_what_one_hears(play) -> None:
    f0, ones = glide(150), np.ones(150, dtype=np.float32)
    options = {"frames": int(1.5 * RATE), "sample_rate": RATE, "rng": np.random.default_rng(0)}
    if play == "note":
        notes = [Note("D4", 293.66, harmonic(293.66, 0.8)), Note("D6", 1174.7, harmonic(1174.7, 1))]
        audio = bend_note(notes[:1], f0, ones, **options)
    else:
        audio = bow_wavetable(f0, ones, **options)
    assert audio.shape == (int(1.5 * RATE),)
    assert audio.dtype == np.float32
    assert np.median(cents_off(audio, f0)) < 8
    assert np.quantile(cents_off(audio, f0), 0.9) < 35


def share_that_sounds(notes: list[Note], draws: int) -> float:
    f0, ones = np.full(20, 450, np.float32), np.ones(20, np.float32)
    return float(
        np.mean(
            [
                bend_note(
                    notes, f0, ones, frames=4000, sample_rate=RATE, rng=np.random.default_rng(seed)
                ).any()
                for seed in range(draws)
            ]
        )
    )


def test_the_nearest_note_is_bent() -> None:
    # One note sounds, the other is silent: only the nearest three times of four is not.
    notes = [Note("A4", 440.0, harmonic(440.0, 1)), Note("A6", 1760.0, np.zeros(RATE, np.float32))]
    assert 0.55 < share_that_sounds(notes, 60) < 0.92


def test_every_folder_is_a_violin_and_all_play() -> None:
    silent = np.zeros(RATE, np.float32)
    notes = [Note("one/A4", 440.0, harmonic(440.0, 1))]
    notes += [Note(f"{name}/A4", 440.0, silent) for name in ("two", "three")]
    assert 0.2 < share_that_sounds(notes, 120) < 0.47


def test_amplitude_is_followed() -> None:
    amplitude = np.concatenate([np.zeros(50), np.ones(50)]).astype(np.float32)
    audio = bow_wavetable(
        np.full(100, 300, np.float32),
        amplitude,
        frames=RATE,
        sample_rate=RATE,
        rng=np.random.default_rng(0),
    )
    assert not audio[: int(0.48 * RATE)].any()
    assert np.sqrt(np.mean(np.square(audio[RATE // 2 :]))) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("lag", [0.0, 0.15, 0.5])
def test_a_shadow_is_late_by_its_lag(lag) -> None:
    rng = np.random.default_rng(4)
    walk = np.convolve(rng.normal(0, 60, 800), np.hanning(21), mode="same")
    f0 = (300 * 2 ** (walk / 1200)).astype(np.float32)
    follower, _ = shadow_contour(
        f0, np.ones(800, np.float32), lag_seconds=lag, octaves=0, rng=np.random.default_rng(5)
    )
    shape = np.log2(follower) - np.log2(follower).mean()
    voice = np.log2(f0) - np.log2(f0).mean()
    scores = [np.dot(shape[100:], np.roll(voice, shift)[100:]) for shift in range(90)]
    # The lag drifts by some hundredths of a second about its middle.
    assert int(np.argmax(scores)) / PITCH_RATE == pytest.approx(lag, abs=0.08)


def test_octaves_and_loudness() -> None:
    level = np.concatenate([np.full(200, 0.2), np.zeros(200)]).astype(np.float32)
    f0, loud = shadow_contour(
        np.full(400, 200, np.float32),
        level,
        lag_seconds=0.1,
        octaves=1,
        rng=np.random.default_rng(0),
    )
    assert 1200 * np.log2(f0 / 400) == pytest.approx(0, abs=25)
    assert np.median(loud[50:150]) > 0.1
    assert loud[300:].max() < 0.02
    assert (loud >= 0).all()


def test_bow_changes_only_ever_dip() -> None:
    gains = bow_changes(2000, rng=np.random.default_rng(1))
    assert gains.shape == (2000,)
    assert gains.max() == 1.0
    assert 0 < gains.min() < 0.7
    assert np.mean(gains == 1.0) > 0.6
    # A turn every 0.25 to 1.6 s on average: some 22 in 20 s.
    starts = np.flatnonzero((gains[1:] < 1) & (gains[:-1] == 1))
    assert 10 <= len(starts) <= 60
