"""The drone: tuned to the tonic, with a bright crest that sinks."""

from __future__ import annotations

import numpy as np

from carnatic_sep.ensemble.tanpura import JAWARI, pluck, sound_strings, string_set

RATE, TONIC = 22050, 140.0


def _drone(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(2)
    strings = string_set(tonic_hz=TONIC, sample_rate=RATE, rng=rng)
    return sound_strings(strings, frames=int(seconds * RATE), sample_rate=RATE, rng=rng)


def test_every_partial_belongs_to_pa_sa_or_low_sa() -> None:
    sound = _drone(12.0)
    power = np.abs(np.fft.rfft(sound * np.hanning(sound.size))) ** 2
    frequency = np.fft.rfftfreq(sound.size, 1 / RATE)
    low = (frequency > 60.0) & (frequency < 900.0)
    cents = np.full(frequency.shape, np.inf)
    for string in (0.5, 0.75, 1.0):
        ratio = np.maximum(frequency / (TONIC * string), 0.5)
        off = 1200.0 * np.abs(np.log2(ratio / np.maximum(np.round(ratio), 1.0)))
        cents = np.minimum(cents, off)
    assert np.sum(power[low & (cents < 8.0)]) > 0.9 * np.sum(power[low])


def test_overtones_outshine_the_fundamentals_and_never_stop() -> None:
    sound = _drone(8.0)
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(sound.size, 1 / RATE)
    assert np.sum(power[frequency > 600.0]) > np.sum(power[frequency < 600.0])
    half_seconds = sound[: sound.size // (RATE // 2) * (RATE // 2)].reshape(-1, RATE // 2)
    levels = 10 * np.log10(np.mean(half_seconds**2, axis=1))
    assert np.ptp(levels) < 6.0


def _overtones(jawari: float, *, place: float, at: float) -> np.ndarray:
    """Return the levels of the first ten harmonics in dB, a quarter of a second from `at` on."""
    sound = pluck(
        150.0,
        frames=2 * RATE,
        sample_rate=RATE,
        rng=np.random.default_rng(0),
        jawari=jawari,
        place=place,
    )
    part = sound[int(at * RATE) : int((at + 0.25) * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(part.size), 1 << 16))
    hz = np.fft.rfftfreq(1 << 16, 1 / RATE)
    levels = [spectrum[np.abs(hz - 150.0 * k) < 12.0].max() for k in range(1, 11)]
    return np.asarray(20 * np.log10(levels))


def test_a_grazing_bridge_sounds_overtones_that_the_pluck_left_out() -> None:
    """Raman, 1921: plucked at its middle, a string on a sharp bridge has no even harmonics."""
    sharp, curved = (_overtones(jawari, place=0.5, at=0.2) for jawari in (0.0, JAWARI))
    even, odd = slice(1, None, 2), slice(0, None, 2)
    assert sharp[even].max() < sharp[odd].max() - 60.0
    assert curved[even].max() > curved[odd].max() - 12.0


def test_a_string_keeps_its_pitch_and_only_loses_energy() -> None:
    sound = pluck(150.0, frames=3 * RATE, sample_rate=RATE, rng=np.random.default_rng(1))
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 18))
    hz = np.fft.rfftfreq(1 << 18, 1 / RATE)
    for k in (1, 2, 3):
        near = np.abs(hz - 150.0 * k) < 20.0
        assert abs(1200 * np.log2(hz[near][np.argmax(spectrum[near])] / (150.0 * k))) < 6.0
    seconds = np.sum(sound.reshape(3, -1) ** 2, axis=1)
    assert seconds[0] > seconds[1] > seconds[2] > 0.0
