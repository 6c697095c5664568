"""Synthesised tanpura, ghatam, kanjira and hall: levels, partials, decay."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.accompaniment import (
    TANPURA_TONIC,
    ghatam_stroke,
    hall_noise,
    kanjira_stroke,
    tanpura,
)

RATE = 16000


def rms(audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio))))


@pytest.mark.parametrize(
    ("make", "seconds"),
    [
        (lambda rng: tanpura(1.0, sample_rate=RATE, rng=rng), 1.0),
        (lambda rng: ghatam_stroke(sample_rate=RATE, rng=rng), 0.45),
        (lambda rng: kanjira_stroke(sample_rate=RATE, rng=rng), 0.35),
        (lambda rng: hall_noise(0.5, sample_rate=RATE, rng=rng), 0.5),
    ],
    ids=["tanpura", "ghatam", "kanjira", "hall"],
)
def test_level_length_and_seed(make, seconds) -> None:
    audio = make(np.random.default_rng(1))
    assert len(audio) == int(seconds * RATE)
    assert audio.dtype == np.float32
    assert rms(audio) == pytest.approx(1.0, rel=1e-3)
    assert np.array_equal(audio, make(np.random.default_rng(1)))
    assert not np.array_equal(audio, make(np.random.default_rng(2)))


def test_a_tanpura_sounds_sa_low_sa_and_one_more_note() -> None:
    audio = tanpura(8.0, sample_rate=RATE, rng=np.random.default_rng(3))
    power = np.square(np.abs(np.fft.rfft(audio * np.hanning(len(audio)))))
    hz = np.fft.rfftfreq(len(audio), 1 / RATE)

    def near(root: float):
        """Bins within 15 cents of a harmonic: strings are detuned by some 3 cents."""
        number = np.maximum(1, np.round(hz / root))
        return np.abs(np.log2(np.maximum(hz, 1e-3) / (number * root))) < 15 / 1200

    heard = (hz > 60) & (hz < 900)
    sa = near(TANPURA_TONIC / 2)
    shares = {
        ratio: power[heard & (sa | near(TANPURA_TONIC * ratio))].sum() / power[heard].sum()
        for ratio in (3 / 4, 2 / 3, 15 / 16)
    }
    others, best = sorted(shares.values())[:2], max(shares.values())
    assert best > 0.95
    assert max(others) < best - 0.1
    for harmonic in (1, 2, 4):  # low sa, sa, its octave
        around = np.abs(hz - harmonic * TANPURA_TONIC / 2) < 3
        beside = np.abs(hz - (harmonic + 0.37) * TANPURA_TONIC / 2) < 3
        assert power[around].max() > 100 * power[beside].max()


@pytest.mark.parametrize("make", [ghatam_stroke, kanjira_stroke])
def test_strokes_die_away(make) -> None:
    for seed in range(4):
        stroke = make(sample_rate=RATE, rng=np.random.default_rng(seed))
        tenth = len(stroke) // 10
        assert rms(stroke[-tenth:]) < 0.1 * rms(stroke[:tenth])


def test_hall_noise_falls_towards_the_treble() -> None:
    noise = hall_noise(4.0, sample_rate=RATE, rng=np.random.default_rng(0))
    power = np.square(np.abs(np.fft.rfft(noise)))
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [power[(hz >= low) & (hz < 2 * low)].mean() for low in (100, 400, 1600)]
    assert octaves[0] > octaves[1] > octaves[2]
