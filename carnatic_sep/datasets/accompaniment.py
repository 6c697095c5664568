"""What else sounds at a concert, by rule: tanpura, ghatam, kanjira, and the hall itself.

No recording of these is at hand with a free licence, so banks of them are synthesised once per
run and then resampled and sequenced like recorded takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]
    Floats = NDArray[np.floating]

TANPURA_TONIC = 160.0
"""Tonic in Hz at which tanpuras are rendered; resample by tonic / TANPURA_TONIC."""


def tanpura(seconds: float, *, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Pluck a tanpura's cycle pa sa sa low-sa (or ma or ni for pa): (frames,), RMS 1.

    Harmonics rise one after another and decay slowly, as the jivari (the string grazing a curved
    bridge) makes them do; each string is slightly inharmonic and beats with its neighbours.
    """
    time = _clock(seconds, sample_rate)
    frames = len(time)
    first = rng.choice([3 / 4, 3 / 4, 2 / 3, 15 / 16])
    gap = rng.uniform(0.7, 1.4)
    bloom = rng.uniform(0.01, 0.05)
    tilt = rng.uniform(0.2, 0.9)
    audio = np.zeros(frames, dtype=np.float32)
    start = -4 * gap * rng.random()
    while start < seconds:
        for ratio in (first, 1.0, 1.0, 0.5):
            f0 = TANPURA_TONIC * ratio * 2 ** (rng.normal(0, 3) / 1200)
            since = time - start
            from_frame = int(np.searchsorted(since, 0))
            stretch = since[from_frame : from_frame + int(6 * sample_rate)]
            if len(stretch):
                audio[from_frame : from_frame + len(stretch)] += _string(
                    stretch, f0, bloom=bloom, tilt=tilt, rng=rng
                )
            start += gap * rng.uniform(0.95, 1.05)
        start += gap * rng.uniform(0, 0.5)
    return _unit(audio)


def _string(
    since: Audio, f0: float, *, bloom: float, tilt: float, rng: np.random.Generator
) -> Audio:
    """One string, plucked `since` seconds ago: (frames,)."""
    harmonics = int(min(36, 7000 / f0))
    sound = np.zeros_like(since)
    for number in range(1, harmonics + 1):
        frequency = f0 * number * np.sqrt(1 + 2e-5 * number**2)
        rise = 1 - np.exp(-since / (0.004 + bloom * number * rng.uniform(0.5, 1.5)))
        decay = np.exp(-since * (0.35 + 0.05 * number))
        gain = number**-tilt * 10 ** (rng.normal(0, 4) / 20)
        phase = np.float32(2 * np.pi * rng.random())
        sound += gain * rise * decay * np.sin(np.float32(2 * np.pi * frequency) * since + phase)
    return sound


def ghatam_stroke(*, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Strike a clay pot once: short ringing modes, sometimes the deep tone of its mouth.

    Returns (frames,), 0.45 s, RMS 1.
    """
    time = _clock(0.45, sample_rate)
    modes = (
        rng.uniform(550, 900) * np.array([1.0, 1.52, 2.07, 2.9, 3.8, 5.1]) * rng.normal(1, 0.03, 6)
    )
    decays = rng.uniform(15, 60, 6)
    gains = 10 ** (rng.normal(-3, 6, 6) / 20)
    sound = _modes(time, modes, decays, gains, rng=rng)
    if rng.random() < 0.4:
        sound += _modes(
            time, rng.uniform(90, 190, 1), rng.uniform(12, 30, 1), np.full(1, 2.0), rng=rng
        )
    return _unit(sound + _click(time, rng=rng, decay=rng.uniform(150, 500)))


def kanjira_stroke(*, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Strike a kanjira once: a gliding membrane tone and the jingle of its coins.

    Returns (frames,), 0.35 s, RMS 1.
    """
    time = _clock(0.35, sample_rate)
    base = rng.uniform(70, 320)
    glide = base * (1 + rng.uniform(0, 1.2) * np.exp(-time * rng.uniform(10, 40)))
    sound = np.sin(2 * np.pi * np.cumsum(glide) / sample_rate) * np.exp(-time * rng.uniform(10, 40))
    coins = _modes(
        time,
        rng.uniform(3500, 11000, 12),
        rng.uniform(12, 50, 12),
        np.full(12, rng.uniform(0.02, 0.25)),
        rng=rng,
    )
    return _unit(sound + coins + 0.5 * _click(time, rng=rng, decay=rng.uniform(80, 300)))


def hall_noise(seconds: float, *, sample_rate: int, rng: np.random.Generator) -> Audio:
    """Noise of the hall and its amplifiers, between white and brown: (frames,), RMS 1."""
    frames = int(seconds * sample_rate)
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    frequency = np.fft.rfftfreq(frames, 1 / sample_rate)
    spectrum /= np.maximum(frequency, 40.0) ** rng.uniform(0.2, 1.0)
    return _unit(np.fft.irfft(spectrum, frames).astype(np.float32))


def _modes(
    time: Audio, frequencies: Floats, decays: Floats, gains: Floats, *, rng: np.random.Generator
) -> Audio:
    """Sum decaying sines of the given frequencies (Hz), decays (1/s) and gains: (frames,)."""
    sound = np.zeros_like(time)
    for frequency, decay, gain in zip(frequencies, decays, gains, strict=True):
        phase = 2 * np.pi * rng.random()
        sound += gain * np.exp(-decay * time) * np.sin(2 * np.pi * frequency * time + phase)
    return sound


def _click(time: Audio, *, rng: np.random.Generator, decay: float) -> Audio:
    click: Audio = (rng.standard_normal(len(time)) * np.exp(-decay * time)).astype(np.float32)
    return click


def _clock(seconds: float, sample_rate: int) -> Audio:
    """Time of each frame in seconds, (frames,)."""
    frames = np.arange(int(seconds * sample_rate), dtype=np.float32)
    return (frames / sample_rate).astype(np.float32, copy=False)


def _unit(audio: Audio) -> Audio:
    """Scale to RMS 1."""
    scaled: Audio = (audio / (np.sqrt(np.mean(np.square(audio))) + 1e-9)).astype(np.float32)
    return scaled
