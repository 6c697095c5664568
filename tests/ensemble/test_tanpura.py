"""The drone: tuned to the tonic, with a bright crest that sinks."""

from __future__ import annotations

import numpy as np

from carnatic_sep.ensemble.tanpura import drone

RATE, TONIC = 22050, 140.0


def _drone(seconds: float) -> np.ndarray:
    return drone(
        tonic_hz=TONIC,
        frames=int(seconds * RATE),
        sample_rate=RATE,
        rng=np.random.default_rng(2),
    )


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
