"""Recorded strokes, retuned: onsets and pitch as the score has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.bank import Take, select
from carnatic_sep.ensemble.drum_kit import DrumKit
from carnatic_sep.ensemble.tala import Stroke

RATE = 44100


@pytest.fixture(scope="module")
def kit(data_dir: Path) -> DrumKit:
    names = select(data_dir, ["mridangam/strokes/*"])
    takes = [Take(n, Path(n).parent.name, read_audio(data_dir / n)[0].mean(axis=0)) for n in names]
    return DrumKit(takes, sample_rate=RATE)


def _play(kit: DrumKit, *strokes: Stroke, tonic_hz: float) -> np.ndarray:
    return kit.play(strokes, tonic_hz=tonic_hz, frames=2 * RATE, rng=np.random.default_rng(1))


@pytest.mark.parametrize("tonic_hz", [131.0, 200.0])
@pytest.mark.parametrize("velocity", [0.5, 1.0])
def test_strokes_land_within_a_millisecond(kit: DrumKit, tonic_hz: float, velocity: float) -> None:
    for name in ("tham", "nam", "na", "dhin", "dhi", "ta", "ki", "ka", "chapu", "thom", "gumki"):
        sound = np.abs(_play(kit, Stroke(name, 0.3137, velocity), tonic_hz=tonic_hz))
        first = int(0.3 * RATE)
        assert sound[:first].max() == 0.0
        attack = sound[first : first + int(0.07 * RATE)]
        onset = (first + np.argmax(attack > 0.12 * attack.max())) / RATE
        assert abs(onset - 0.3137) < 0.001, name


@pytest.mark.parametrize("tonic_hz", [131.0, 165.0, 207.0])
def test_open_strokes_ring_at_the_octave_of_the_tonic(kit: DrumKit, tonic_hz: float) -> None:
    """Within 30 cents: the drum was not tuned to a fork, and its modes are not quite whole."""
    for name in ("dhin", "nam", "chapu"):
        sound = _play(kit, Stroke(name, 0.0, 0.8), tonic_hz=tonic_hz)[int(0.1 * RATE) : RATE]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 18))
        hz = np.fft.rfftfreq(1 << 18, 1 / RATE)
        near = (hz > 1.8 * tonic_hz) & (hz < 2.2 * tonic_hz)
        heard = hz[near][np.argmax(spectrum[near])]
        assert abs(1200 * np.log2(heard / (2 * tonic_hz))) < 30.0, name
