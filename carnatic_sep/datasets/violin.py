"""Violin lines that follow a pitch contour, from recorded notes or from a wavetable.

A shadowing violin plays the singer's own phrase a little later; that coherence is what makes
voice against violin hard, so a separator must see it in training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.pitch import PITCH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.bank import Note

    Row = NDArray[np.float32]

_TABLE_FRAMES = 2048


def shadow_contour(
    f0: Row, level: Row, *, lag_seconds: float, octaves: int, rng: np.random.Generator
) -> tuple[Row, Row]:
    """Delay and simplify a voice's contour into a violin's.

    The lag drifts, the pitch is smoothed over 20 to 60 ms and detuned by a few cents, the
    amplitude follows the voice's loudness with bow changes and its own swell.

    Parameters
    ----------
    f0, level : (samples,) at PITCH_RATE; Hz, RMS amplitude
    lag_seconds : by how much the violin is late
    octaves : by how many it plays higher than the voice

    Returns
    -------
    f0 in Hz and amplitude, both (samples,)
    """
    samples = len(f0)
    time = np.arange(samples)
    drift = np.interp(time, np.linspace(0, samples, 4), rng.normal(0, 0.03, 4))
    source = np.clip(time - (lag_seconds + drift) * PITCH_RATE, 0, samples - 1)
    cents = np.interp(source, time, 1200 * np.log2(f0))
    cents = _smooth(cents, int(rng.integers(2, 7))) + rng.normal(0, 6) + 1200 * octaves
    loud = _smooth(np.interp(source, time, level), 15)
    loud = np.maximum(loud, 0.3 * _hold(loud, 40))
    swell = np.interp(
        time, np.linspace(0, samples, samples // 40 + 2), rng.normal(0, 3, samples // 40 + 2)
    )
    loud = loud * 10 ** (swell / 20) * bow_changes(samples, rng=rng)
    return (2 ** (cents / 1200)).astype(np.float32), loud.astype(np.float32)


def bow_changes(samples: int, *, rng: np.random.Generator) -> Row:
    """Gains, (samples,), that dip for some 50 ms wherever the bow turns."""
    gains = np.ones(samples, dtype=np.float32)
    place = 0
    while place < samples:
        place += int(rng.uniform(0.25, 1.6) * PITCH_RATE)
        width = int(rng.integers(3, 9))
        dip = 1 - rng.uniform(0.3, 0.95) * np.hanning(2 * width + 1)
        stretch = slice(max(place - width, 0), min(place + width + 1, samples))
        if stretch.start < stretch.stop:
            offset = stretch.start - (place - width)
            gains[stretch] *= dip[offset : offset + stretch.stop - stretch.start]
    return gains


def bend_note(
    notes: list[Note],
    f0: Row,
    amplitude: Row,
    *,
    frames: int,
    sample_rate: int,
    rng: np.random.Generator,
) -> Row:
    """Play a contour by resampling the recorded note nearest to it, on one of the violins.

    The notes of a folder are of one violin. The note is read back and forth where it is too short.

    Parameters
    ----------
    notes : recorded at `sample_rate`
    f0, amplitude : (samples,) at PITCH_RATE; Hz, factor

    Returns
    -------
    (frames,)
    """
    centre = float(np.exp(np.average(np.log(f0), weights=amplitude + 1e-6)))
    violins = sorted({note.violin for note in notes})
    if len(violins) > 1:
        chosen = violins[rng.integers(len(violins))]
        notes = [note for note in notes if note.violin == chosen]
    distance = [abs(np.log2(note.f0 / centre)) for note in notes]
    order = np.argsort(distance)
    note = notes[int(order[0] if len(notes) < 2 or rng.random() < 0.75 else order[1])]
    speed = _upsample(f0, frames, sample_rate) / note.f0
    position = np.cumsum(speed) + rng.uniform(0, len(note.audio))
    span = len(note.audio) - 2
    position = span - np.abs(np.mod(position, 2 * span) - span)
    whole = position.astype(np.int64)
    share = (position - whole).astype(np.float32)
    tone: Row = note.audio[whole] * (1 - share) + note.audio[whole + 1] * share
    return tone * _upsample(amplitude, frames, sample_rate)


def bow_wavetable(
    f0: Row, amplitude: Row, *, frames: int, sample_rate: int, rng: np.random.Generator
) -> Row:
    """Play a contour with a random sawtooth-like cycle, band-limited, plus bow noise.

    Parameters
    ----------
    f0, amplitude : (samples,) at PITCH_RATE; Hz, factor

    Returns
    -------
    (frames,), RMS about 1 where `amplitude` is 1
    """
    harmonics = int(np.clip(15000 / f0.max(), 4, 60))
    number = np.arange(1, harmonics + 1)
    weights = number ** -rng.uniform(0.7, 1.4) * 10 ** (rng.normal(0, 4, harmonics) / 20)
    spectrum = np.zeros(_TABLE_FRAMES // 2 + 1, dtype=complex)
    spectrum[1 : harmonics + 1] = weights * np.exp(2j * np.pi * rng.random(harmonics))
    table = np.fft.irfft(spectrum)
    table = np.append(table, table[0]).astype(np.float32)
    jitter = 1 + 0.002 * np.interp(
        np.arange(frames),
        np.arange(0, frames + 900, 900),
        rng.normal(0, 1, len(range(0, frames + 900, 900))),
    )
    phase = np.cumsum(_upsample(f0, frames, sample_rate) / sample_rate * jitter) % 1.0
    position = phase * _TABLE_FRAMES
    whole = position.astype(np.int64)
    share = (position - whole).astype(np.float32)
    tone = table[whole] * (1 - share) + table[whole + 1] * share
    tone /= np.sqrt(np.mean(np.square(table))) + 1e-9
    noise = rng.standard_normal(frames).astype(np.float32)
    bowed: Row = tone + 10 ** (rng.uniform(-36, -22) / 20) * noise
    return bowed * _upsample(amplitude, frames, sample_rate)


def _upsample(row: Row, frames: int, sample_rate: int) -> Row:
    """From PITCH_RATE to `sample_rate`: (frames,); the last value is held."""
    time = np.arange(frames, dtype=np.float32) * np.float32(PITCH_RATE / sample_rate)
    dense: Row = np.interp(time, np.arange(len(row)), row).astype(np.float32)
    return dense


def _smooth(row: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    kernel = np.hanning(2 * width + 1)
    padded = np.pad(row, width, mode="edge")
    smooth: NDArray[np.floating] = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return smooth


def _hold(row: NDArray[np.floating], samples: int) -> NDArray[np.floating]:
    """Maximum over the last `samples`: a bow rings on through a singer's short gap."""
    padded = np.concatenate([np.full(samples - 1, row[0]), row])
    held: NDArray[np.floating] = np.lib.stride_tricks.sliding_window_view(padded, samples).max(-1)
    return held
