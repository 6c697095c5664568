"""A drum from takes: what is heard of tuning, onset and loudness."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.bank import Take
from carnatic_sep.ensemble.drum_kit import DrumKit
from carnatic_sep.ensemble.tala import Stroke
from carnatic_sep.errors import ConfigError

RATE = 44100
TUNED_TO = 180.0


def _take(kind: str, partials: dict[float, float], *, level: float, silence: int) -> Take:
    seconds = np.arange(RATE) / RATE
    sound = sum(gain * np.sin(2 * np.pi * hz * seconds + 1) for hz, gain in partials.items())
    sound = level * sound * np.exp(-6 * seconds)
    audio = np.concatenate([np.zeros(silence), sound]).astype(np.float32)
    return Take(f"{kind}/{level}", kind, audio)


@pytest.fixture(scope="module")
def kit() -> DrumKit:
    open_head = {2 * TUNED_TO: 1.0, 4 * TUNED_TO: 0.5, 6 * TUNED_TO: 0.3, 2.9 * TUNED_TO: 0.3}
    takes = [
        _take(kind, open_head, level=level, silence=silence)
        for kind, silence in (("nam", 30), ("dhin", 300))
        for level in (0.05, 0.2, 0.8)
    ]
    return DrumKit([*takes, _take("thom", {75.0: 1.0}, level=0.5, silence=4)], sample_rate=RATE)


def _play(kit: DrumKit, *strokes: Stroke, tonic_hz: float, seconds: float = 1.5) -> np.ndarray:
    return kit.play(
        strokes, tonic_hz=tonic_hz, frames=int(seconds * RATE), rng=np.random.default_rng(0)
    )


def _pitch(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 18))
    return float(np.argmax(spectrum) * RATE / (1 << 18))


def test_a_kit_hears_its_own_tuning(kit: DrumKit) -> None:
    assert 1200 * abs(np.log2(kit.tonic_hz / TUNED_TO)) < 10.0


@pytest.mark.parametrize("tonic_hz", [131.0, 180.0, 207.0])
def test_open_strokes_ring_an_octave_above_the_tonic(kit: DrumKit, tonic_hz: float) -> None:
    heard = _pitch(_play(kit, Stroke("dhin", 0.1, 1.0), tonic_hz=tonic_hz)[int(0.15 * RATE) :])
    assert 1200 * abs(np.log2(heard / (2 * tonic_hz))) < 12.0


@pytest.mark.parametrize("name", ["nam", "dhin", "thom", "tham"])
@pytest.mark.parametrize("tonic_hz", [120.0, 200.0])
def test_onsets_land_within_a_millisecond(kit: DrumKit, name: str, tonic_hz: float) -> None:
    for seconds in (0.1, 0.23457, 0.5):
        sound = np.abs(_play(kit, Stroke(name, seconds, 0.9), tonic_hz=tonic_hz))
        onset = np.argmax(sound > 0.1 * sound.max()) / RATE
        assert abs(onset - seconds) < 0.001


def test_harder_strokes_are_louder_and_seeds_repeat(kit: DrumKit) -> None:
    loud, soft = (
        _play(kit, Stroke("nam", 0.0, velocity), tonic_hz=150.0) for velocity in (1.0, 0.4)
    )
    assert np.sum(loud**2) > 4.0 * np.sum(soft**2)
    assert np.array_equal(loud, _play(kit, Stroke("nam", 0.0, 1.0), tonic_hz=150.0))


def test_tham_is_both_hands(kit: DrumKit) -> None:
    both = _play(kit, Stroke("tham", 0.0, 1.0), tonic_hz=TUNED_TO)[: RATE // 2]
    power = np.abs(np.fft.rfft(both)) ** 2
    hz = np.fft.rfftfreq(both.size, 1 / RATE)
    assert power[(hz > 60) & (hz < 90)].sum() > 0.02 * power.sum()
    assert power[(hz > 340) & (hz < 380)].sum() > 0.02 * power.sum()


def test_a_kit_needs_strokes_that_sound() -> None:
    with pytest.raises(ConfigError, match="no mridangam stroke"):
        DrumKit([], sample_rate=RATE)
    with pytest.raises(ConfigError, match=r"nam/quiet.*silent"):
        DrumKit([Take("nam/quiet", "nam", np.zeros(500, dtype=np.float32))], sample_rate=RATE)
