"""The whole ensemble: shapes, sums, seeds, levels, spectra."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from carnatic_sep.ensemble import mix, render
from carnatic_sep.ensemble.desk import DeskConfig
from carnatic_sep.errors import UsageError
from carnatic_sep.stems import DEFAULT_STEMS

RATE = 16000


def _centroid(sound: np.ndarray, rate: int) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(np.sum(power * np.fft.rfftfreq(sound.size, 1 / rate)) / power.sum())


def _share(sound: np.ndarray, rate: int, low: float, high: float) -> float:
    """Return the share of power between `low` and `high` Hz in dB."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(sound.size, 1 / rate)
    return float(10 * np.log10(power[(hz >= low) & (hz < high)].sum() / power.sum()))


def test_shapes_sum_and_cleanliness() -> None:
    stems = render(seconds=4.0, sample_rate=RATE, seed=2)
    assert tuple(stems) == DEFAULT_STEMS
    for stem in stems.values():
        assert stem.dtype == np.float32
        assert stem.shape == (2, 4 * RATE)
        assert np.isfinite(stem).all()
        assert np.max(np.abs(stem.mean(axis=1))) < 1e-3
    mixture = mix(stems)
    assert 0.2 < np.abs(mixture).max() <= DeskConfig().ceiling[1]
    total = sum(stem.astype(np.float64) for stem in stems.values())
    assert np.max(np.abs(mixture - total)) < 1e-6


def test_levels_are_those_of_the_desk(piece: Any) -> None:
    level = {n: 10 * np.log10(np.mean(s.astype(float) ** 2)) for n, s in piece.stems.items()}
    over = {name: value - level["vocals"] for name, value in level.items()}
    asked = {name: channel.level_db for name, channel in piece.desk.channels.items()}
    assert over["violin"] == pytest.approx(asked["violin"], abs=0.5)
    assert over["mridangam"] == pytest.approx(asked["mridangam"], abs=0.5)
    played = {stroke.instrument for stroke in piece.score.strokes} - {"mridangam"}
    beside = [10 ** (asked[name] / 10) for name in {"tanpura", "hall"} | played]
    # Levels count while a player sounds, so strokes with rests between them come to less.
    assert -4.0 < over["other"] - 10 * np.log10(sum(beside)) < 0.5


def test_spectra_are_those_of_the_instruments(piece: Any) -> None:
    rate = piece.sample_rate
    sound = {name: piece.mono(name) for name in piece.stems}
    centroid = {name: _centroid(s, rate) for name, s in sound.items()}
    assert centroid["mridangam"] < centroid["vocals"] < centroid["violin"]
    assert _share(sound["mridangam"], rate, 30.0, 1000.0) > -1.0
    assert _share(sound["vocals"], rate, 300.0, 1500.0) > -3.0
    assert -32.0 < _share(sound["vocals"], rate, 2300.0, 4500.0) < -8.0
    assert _share(sound["violin"], rate, 4000.0, 8000.0) > -28.0
    lowest = piece.score.tonic_hz * 2.0 ** (piece.score.voice.cents.min() / 1200.0)
    assert _share(sound["vocals"], rate, 0.0, 0.8 * lowest) < -25.0


def test_harmonics_leave_no_aliases() -> None:
    """The bow's noise ends at 16 kHz too, so that whatever folds back shows above it."""
    narrow = render(seconds=2.0, sample_rate=44100, seed=4)["violin"]
    wide = render(seconds=2.0, sample_rate=88200, seed=4)["violin"]
    assert _share(narrow[0], 44100, 17000.0, 22050.0) < -50.0
    assert _share(wide[0], 88200, 17000.0, 44100.0) < -50.0


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    first, again, other = (render(seconds=2.0, sample_rate=16000, seed=s) for s in (7, 7, 8))
    for name in DEFAULT_STEMS:
        assert first[name].tobytes() == again[name].tobytes()
        assert first[name].tobytes() != other[name].tobytes()


@pytest.mark.parametrize("rate", [8000, 48000])
@pytest.mark.parametrize("seconds", [1.0, 1.37])
def test_other_rates_and_short_pieces(rate: int, seconds: float) -> None:
    stems = render(seconds=seconds, sample_rate=rate)
    assert {stem.shape for stem in stems.values()} == {(2, round(seconds * rate))}
    assert all(np.isfinite(stem).all() and stem.any() for stem in stems.values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seconds": 0.5}, "at least 1"),
        ({"seconds": math.nan}, "at least 1"),
        ({"seconds": math.inf}, "at least 1"),
        ({"sample_rate": 4000}, "8000"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_rendered_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        render(**options)
