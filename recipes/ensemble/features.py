"""What a mix sounds like, in numbers that have names: per recording, and per patch of a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import stft

BANDS_HZ = 31.25 * 2.0 ** np.arange(10)
"""Centres of octave bands."""
THIRDS_HZ = 50.0 * 2.0 ** (np.arange(25) / 3.0)
"""Centres of third-octave bands, 50 Hz to 12.8 kHz."""

_N_FFT, _HOP = 4096, 1024


@dataclass(frozen=True)
class Portrait:
    """A recording, in dB.

    Attributes
    ----------
    spectrum : share of the power of left + right in each of :data:`BANDS_HZ`
    levels : 5, 25, 50, 75 and 95 % points of the level of 50 ms, relative to the mean level
    crest_short, crest_long : peak over RMS of 50 ms and of 3 s, medians
    width : power of side over mid, in each of :data:`BANDS_HZ`
    """

    spectrum: np.ndarray
    levels: np.ndarray
    crest_short: float
    crest_long: float
    width: np.ndarray


def portray(audio: np.ndarray, sample_rate: int) -> Portrait:
    """Measure (2, frames)."""
    mid, side = _power(audio, sample_rate)
    hz = np.arange(mid.shape[0]) * sample_rate / _N_FFT
    shares, widths = [], []
    for centre in BANDS_HZ:
        band = (hz >= centre / np.sqrt(2)) & (hz < centre * np.sqrt(2))
        shares.append(mid[band].sum() / mid.sum())
        widths.append(side[band].sum() / mid[band].sum())
    level, crest = _blocks(audio, 0.05, sample_rate)
    loud = 10 * np.log10(np.mean(np.square(audio)))
    _, long_crest = _blocks(audio, 3.0, sample_rate)
    return Portrait(
        spectrum=10 * np.log10(np.array(shares) + 1e-12),
        levels=np.percentile(level, [5, 25, 50, 75, 95]) - loud,
        crest_short=float(np.median(crest)),
        crest_long=float(np.median(long_crest)),
        width=10 * np.log10(np.array(widths) + 1e-12),
    )


def patches(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, list[str]]:
    """Describe each second of a recording whose overall level has been taken out.

    Returns
    -------
    (patches, features) and the features' names
    """
    audio = audio / np.sqrt(np.mean(np.square(audio)) + 1e-12)
    mid, side = _power(audio, sample_rate)
    hz = np.arange(mid.shape[0]) * sample_rate / _N_FFT
    thirds = np.stack([_band(mid, hz, centre, 2.0 ** (1 / 6)) for centre in THIRDS_HZ])
    octaves = [
        _band(side, hz, c, np.sqrt(2)) - _band(mid, hz, c, np.sqrt(2)) for c in BANDS_HZ[2:9]
    ]
    per = int(sample_rate / _HOP)
    count = mid.shape[1] // per
    rows, names = [], []
    for index in range(count):
        span = slice(index * per, (index + 1) * per)
        log = thirds[:, span]
        row = [*log.mean(axis=1), *log.std(axis=1)]
        row += list(np.abs(np.diff(log, axis=1)).mean(axis=1))
        row += [band[span].mean() for band in octaves]
        piece = audio[:, index * per * _HOP : (index + 1) * per * _HOP]
        row.append(20 * np.log10(np.abs(piece).max() / (np.sqrt(np.mean(piece**2)) + 1e-9) + 1e-9))
        rows.append(row)
    for what in ("level", "spread", "flux"):
        names += [f"{what} at {centre:.0f} Hz" for centre in THIRDS_HZ]
    names += [f"width at {centre:.0f} Hz" for centre in BANDS_HZ[2:9]]
    names.append("crest")
    return np.array(rows), names


def _power(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return power spectra of mid and side, (bins, columns)."""
    both = np.stack([audio.mean(axis=0), 0.5 * (audio[0] - audio[1])]).astype(np.float32)
    spectra = stft(both, fs=sample_rate, nperseg=_N_FFT, noverlap=_N_FFT - _HOP)[2]
    mid, side = np.square(np.abs(spectra))
    return mid, side


def _band(power: np.ndarray, hz: np.ndarray, centre: float, edge: float) -> np.ndarray:
    band = (hz >= centre / edge) & (hz < centre * edge)
    if not band.any():
        band[np.argmin(np.abs(hz - centre))] = True
    return 10 * np.log10(power[band].sum(axis=0) + 1e-9)


def _blocks(audio: np.ndarray, seconds: float, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return level (dB) and crest factor (dB) of each block."""
    size = int(seconds * sample_rate)
    whole = audio.shape[1] // size * size
    blocks = audio[:, :whole].reshape(2, -1, size)
    rms = np.sqrt(np.square(blocks).mean(axis=(0, 2))) + 1e-9
    peak = np.abs(blocks).max(axis=(0, 2)) + 1e-9
    return 20 * np.log10(rms), 20 * np.log10(peak / rms)
