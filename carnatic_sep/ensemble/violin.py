"""A Carnatic violin: a bowed string's sawtooth through the resonances of the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.additive import (
    HOP_FRAMES,
    at_columns,
    band_limit,
    columns,
    harmonic_sum,
    phase_cycles,
    shaped_noise,
    upsample,
)
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HARMONICS = 90
_BODY_TOP_HZ = 20000.0
# Signature modes A0, CBR, B1-, B1+ of a violin body (Bissinger, 2008): Hz, Q, gain.
_SIGNATURE_MODES = ((275.0, 18.0, 0.9), (405.0, 22.0, 0.35), (470.0, 25.0, 1.0), (545.0, 28.0, 1.2))


def bow(
    contour: Contour,
    *,
    tonic_hz: float,
    frames: int,
    sample_rate: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Play `contour` (cents over `tonic_hz`) without vibrato, changing the bow now and then.

    Returns
    -------
    (frames,), mono, dry
    """
    from scipy.ndimage import gaussian_filter1d

    count, column_rate = columns(frames), sample_rate / HOP_FRAMES
    cents = at_columns(contour.cents, rate=CONTROL_RATE, frames=frames, sample_rate=sample_rate)
    level = at_columns(contour.level, rate=CONTROL_RATE, frames=frames, sample_rate=sample_rate)
    shake = gaussian_filter1d(rng.standard_normal(count), 0.03 * column_rate)
    f0 = tonic_hz * 2.0 ** ((cents + 1.5 * shake / (np.std(shake) + 1e-20)) / 1200.0)
    stroke = level * _bow_changes(contour, count, column_rate, rng)
    pressure = gaussian_filter1d(rng.standard_normal(count), 0.08 * column_rate)
    speed = stroke * 10.0 ** (0.8 * pressure / (np.std(pressure) + 1e-20) / 20.0)

    body = _body(rng)
    frequency = np.arange(1, _HARMONICS + 1)[:, None] * f0
    # A string bowed at one tenth of its length lacks every tenth harmonic; the corner is rounded
    # more by a light bow, hence a pole that moves with its speed.
    bowing_point = 0.35 + 0.65 * np.abs(np.sin(np.pi * frequency / f0 * 0.098))
    rounding = 1.0 / np.sqrt(1.0 + (frequency / (4000.0 + 5000.0 * stroke)) ** 4)
    string = f0 / frequency * bowing_point * rounding
    amplitudes = string * _at(body, frequency) * band_limit(frequency, sample_rate=sample_rate)
    phase = phase_cycles(f0, frames=frames, sample_rate=sample_rate)
    tone = harmonic_sum(phase, (amplitudes * speed).astype(np.complex64))
    tone /= np.sqrt(np.mean(tone**2) + 1e-20)

    def through_body(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        rising = hz / (hz + 1200.0)
        return np.abs(_at(body, hz)) * rising * band_limit(hz, sample_rate=sample_rate)

    noise = shaped_noise(frames, sample_rate=sample_rate, gain=through_body, rng=rng)
    scrape = upsample(np.sqrt(np.maximum(stroke * level, 0.0)), frames=frames)
    sawtooth = 0.5 + (phase % 1.0)
    return np.asarray(tone + 0.06 * noise * scrape * sawtooth)


def _bow_changes(
    contour: Contour, count: int, rate: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the dips in level where the bow turns: never twice within 0.5 s, (columns,)."""
    gain, seconds, last = np.ones(count), np.arange(count) / rate, -1.0
    for note in contour.notes:
        if note.start - last > 0.5 and (note.opens_phrase or rng.random() < 0.4):
            last = note.start + 0.2
            gain *= 1.0 - 0.75 * np.exp(-0.5 * ((seconds - last) / 0.016) ** 2)
    return gain


def _body(rng: np.random.Generator) -> NDArray[np.complex128]:
    """Return the bridge-to-air response of one instrument on a grid of 1 Hz, unit mean square.

    Signature modes, a thicket of modes up to 9 kHz drawn at random, lifted at the bridge hill near
    2.4 kHz, and a fall of 12 dB an octave above 5 kHz. The few milliseconds for which they ring are
    taken out as a whole: else a gliding pitch would come late by them.
    """
    hz = np.arange(_BODY_TOP_HZ + 1.0)
    modes = [(f * rng.uniform(0.97, 1.03), q, g) for f, q, g in _SIGNATURE_MODES]
    centre = 640.0
    while centre < 9000.0:
        hill = 1.0 + 0.9 * np.exp(-0.5 * (np.log2(centre / 2400.0) / 0.45) ** 2)
        modes.append((centre, rng.uniform(20.0, 40.0), hill * rng.uniform(0.3, 0.9)))
        centre += rng.uniform(60.0, 180.0)
    response = np.full(hz.size, 0.12, dtype=np.complex128)
    for index, (frequency, quality, gain) in enumerate(modes):
        offset = (frequency**2 - hz**2) + 1j * hz * frequency / quality
        response += (-1.0) ** index * gain * (1j * hz * frequency / quality) / offset
    response *= (hz / (hz + 120.0)) / np.sqrt(1.0 + (hz / 5000.0) ** 4)
    heard = response[200:4000]
    turn = np.angle(np.sum(heard[1:] * np.conj(heard[:-1])))  # of the phase from one Hz to the next
    response *= np.exp(-1j * turn * hz)
    return np.asarray(response / np.sqrt(np.mean(np.abs(response[200:4000]) ** 2)))


def _at(body: NDArray[np.complex128], hz: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Read the body's response at `hz`, between grid points by a straight line."""
    return np.interp(hz, np.arange(body.size), body)
