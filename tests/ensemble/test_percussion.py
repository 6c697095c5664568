"""Ghatam, kanjira and hands: each sounds like itself."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.ensemble.percussion import STROKES, RulePercussion
from carnatic_sep.ensemble.tala import Stroke

RATE = 22050


def _hit(instrument: str, name: str, seed: int = 0) -> np.ndarray:
    player = RulePercussion(instrument, sample_rate=RATE, rng=np.random.default_rng(seed))
    strokes = [Stroke(name, 0.1, 1.0, instrument), Stroke("na", 0.4, 1.0)]
    return player.play(strokes, frames=RATE, rng=np.random.default_rng(seed))


def _centroid(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(np.sum(power * np.fft.rfftfreq(sound.size, 1 / RATE)) / power.sum())


@pytest.mark.parametrize(("instrument", "name"), [(i, n) for i, ns in STROKES.items() for n in ns])
def test_strokes_start_on_time_die_away_and_leave_the_mridangams_alone(
    instrument: str, name: str
) -> None:
    sound = np.abs(_hit(instrument, name))
    assert np.isfinite(sound).all()
    assert sound[: int(0.1 * RATE)].max() == 0.0
    assert abs(np.argmax(sound > 0.1 * sound.max()) / RATE - 0.1) < 0.003
    assert sound[int(0.62 * RATE) :].max() < 1e-3 * sound.max()


def test_pots_and_skins_have_their_registers() -> None:
    assert _centroid(_hit("ghatam", "gumma")) < 300.0 < _centroid(_hit("ghatam", "tap"))
    assert _centroid(_hit("kanjira", "bass")) < _centroid(_hit("kanjira", "slap"))
    assert _centroid(_hit("kanjira", "jingle")) > 3000.0
    assert 600.0 < _centroid(_hit("clap", "clap")) < 3000.0


def test_a_slide_rises() -> None:
    sound = _hit("kanjira", "slide")[int(0.1 * RATE) :]

    def pitch(first: float, last: float) -> float:
        part = sound[int(first * RATE) : int(last * RATE)]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(part.size), 1 << 15))
        return float(np.argmax(spectrum[: int(600 * (1 << 15) / RATE)]) * RATE / (1 << 15))

    assert pitch(0.12, 0.3) > 1.2 * pitch(0.0, 0.05)


def test_two_pots_differ() -> None:
    assert not np.array_equal(_hit("ghatam", "tone", 0), _hit("ghatam", "tone", 1))
