"""Whole pieces: sums, times, seeds, bleed, and what the score says against what is heard."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.ensemble.players import Players, at_level
from carnatic_sep.ensemble.score import Score
from carnatic_sep.ensemble.tala import Stroke
from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.stems import DEFAULT_STEMS

RATE = 16000


def _hum(score: Score, frames: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A stand-in for a singer, a hundred times as fast: noise where the voice sings."""
    at = np.arange(frames) / sample_rate
    level = np.interp(at, score.voice.times, score.voice.level)
    return (level * rng.standard_normal(frames)).astype(np.float32)


def _silent(score: Score, frames: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.zeros(frames, dtype=np.float32)


@pytest.fixture(scope="module")
def quick() -> Ensemble:
    config = EnsembleConfig(bleed_db=(-10.0, -10.0), halls=2)
    return Ensemble(Players(voice=_hum, violin=_hum), config=config, sample_rate=RATE)


def _db(error: np.ndarray, reference: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(error).max() / np.abs(reference).max()))


@pytest.mark.parametrize("seed", [0, 1])
def test_stems_and_microphones_both_sum_to_the_mixture(quick: Ensemble, seed: int) -> None:
    piece = quick.render(seconds=5.0, seed=seed, form="kriti", bleeding=True)
    assert tuple(piece.stems) == tuple(piece.bleeding) == DEFAULT_STEMS
    assert {s.shape for s in piece.stems.values()} == {(2, 5 * RATE)}
    exact = np.sum(list(piece.stems.values()), axis=0, dtype=np.float64)
    assert _db(exact - piece.mixture, piece.mixture) < -120.0
    bled = np.sum(list(piece.bleeding.values()), axis=0, dtype=np.float64)
    assert _db(bled - piece.mixture, piece.mixture) < -110.0
    assert np.abs(piece.mixture).max() <= piece.desk.mastering.ceiling * 1.02
    assert np.sum((piece.bleeding["vocals"] - piece.stems["vocals"]) ** 2) > 0


def test_the_same_seed_gives_the_same_bytes_whatever_was_rendered_before(quick: Ensemble) -> None:
    fresh = Ensemble(quick.players, config=quick.config, sample_rate=RATE)
    one, again, other = (
        ensemble.render(seconds=3.0, seed=seed)
        for ensemble, seed in ((quick, 7), (fresh, 7), (quick, 8))
    )
    assert one.score.to_json() == again.score.to_json()
    for name in DEFAULT_STEMS:
        assert one.stems[name].tobytes() == again.stems[name].tobytes()
        assert one.stems[name].tobytes() != other.stems[name].tobytes()


@pytest.mark.parametrize("staged", [True, False])
def test_strokes_sound_when_they_are_written(staged: bool) -> None:
    """Through drum, microphone, tone, hall and mastering, within a millisecond."""
    rate = 44100
    config = EnsembleConfig(staged=staged, halls=1)
    ensemble = Ensemble(Players(voice=_silent, violin=_silent), config=config, sample_rate=rate)
    plain = ensemble.compose(seconds=4.0, seed=2, form="kriti")
    names = ("na", "ta", "ki", "tham", "dhin")
    strokes = tuple(Stroke(name, 0.31 + 0.7013 * index, 1.0) for index, name in enumerate(names))
    sound = np.abs(ensemble.play(replace(plain, strokes=strokes)).stems["mridangam"]).max(axis=0)
    for stroke in strokes:
        first = int((stroke.seconds - 0.02) * rate)
        part = sound[first : first + int(0.06 * rate)]
        onset = first + int(np.argmax(part > 0.15 * part.max()))
        assert abs(onset / rate - stroke.seconds) < 0.001


def test_activity_says_when_stems_sound(quick: Ensemble) -> None:
    piece = quick.render(seconds=6.0, seed=3, form="alapana")
    assert set(piece.score.activity) == set(DEFAULT_STEMS)
    assert piece.score.activity["mridangam"] == ()
    assert not piece.stems["mridangam"].any()
    seconds = np.arange(6 * RATE) / RATE
    inside = np.zeros(6 * RATE, dtype=bool)
    for start, end in piece.score.activity["vocals"]:
        inside |= (seconds >= start) & (seconds < end)
    energy = np.sum(piece.stems["vocals"] ** 2, axis=0)
    assert energy[inside].sum() > 0.99 * energy.sum()


def test_the_whole_ensemble_moves_with_its_tonic() -> None:
    ensemble = Ensemble(Players(voice=_silent, violin=_silent), sample_rate=RATE)
    low, high = (
        ensemble.render(seconds=8.0, seed=11, form="kriti", tonic_hz=tonic)
        for tonic in (120.0, 180.0)
    )
    assert [s.seconds for s in low.score.strokes] == [s.seconds for s in high.score.strokes]
    for name in ("mridangam", "other"):
        spectra = [np.abs(np.fft.rfft(p.stems[name].mean(axis=0))) for p in (low, high)]
        hz = np.fft.rfftfreq(8 * RATE, 1 / RATE)
        grid = np.arange(np.log2(150.0), np.log2(1500.0), 1 / 600)
        one, other = (np.interp(grid, np.log2(hz[1:]), s[1:]) for s in spectra)
        lags = np.arange(0, 600)
        likeness = [
            np.corrcoef(one[: one.size - 600], other[g : g + one.size - 600])[0, 1] for g in lags
        ]
        cents = 2.0 * lags[int(np.argmax(likeness))]
        assert cents == pytest.approx(1200 * math.log2(1.5), abs=15.0)


def test_levels_are_set_by_what_sounds() -> None:
    burst = np.zeros(10 * RATE, dtype=np.float32)
    burst[RATE : 2 * RATE] = 0.3
    assert np.abs(at_level(burst, -6.0)).max() == pytest.approx(0.0501, rel=0.05)
    assert not at_level(np.zeros(100, dtype=np.float32), 0.0).any()


def test_what_cannot_be_rendered_is_refused(quick: Ensemble) -> None:
    for options, words in (
        ({"seconds": 0.5, "seed": 0}, "at least 1"),
        ({"seconds": math.nan, "seed": 0}, "at least 1"),
        ({"seconds": 2.0, "seed": -1}, "seed"),
    ):
        with pytest.raises(UsageError, match=words):
            quick.render(**options)
    with pytest.raises(UnknownNameError, match="kriti"):
        quick.render(seconds=2.0, seed=0, form="kritti")
    with pytest.raises(UsageError, match="8000"):
        Ensemble(sample_rate=4000)
