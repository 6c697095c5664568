"""Another throat in one pass: formants moved and the balance of the spectrum tilted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float32]

_SIZE, _HOP = 2048, 512
_LIMIT = float(np.log(10.0 ** (18.0 / 20.0)))
_FRAMES_PER_CHUNK = 512
_HINGE_HZ = 1000.0


def reshape_voice(audio: Row, *, formants: float, tilt_db: float, sample_rate: int) -> Row:
    """Move the envelope of a voice by `formants` and tilt it by `tilt_db` an octave.

    Each column of a short-time spectrum is weighted by its cepstrally smoothed envelope, read at
    ``frequency / formants``, over the envelope itself, within 18 dB; pitch stays.

    Parameters
    ----------
    audio : (frames,)
    formants : above 1 for a shorter vocal tract
    tilt_db : dB an octave away from 1 kHz, held beyond three octaves

    Returns
    -------
    (frames,), with the RMS of `audio`

    Source: the cepstral envelope of Oppenheim and Schafer, "Homomorphic analysis of speech",
    IEEE Transactions on Audio and Electroacoustics, 1968.
    """
    from scipy.fft import irfft, rfft

    window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_SIZE) / _SIZE)).astype(np.float32)
    count = -(-audio.size // _HOP) + _SIZE // _HOP
    padded = np.zeros((count - 1) * _HOP + _SIZE, dtype=np.float32)
    padded[_SIZE - _HOP : _SIZE - _HOP + audio.size] = audio
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP]
    out = np.zeros_like(padded)
    kept = int(0.0012 * sample_rate)  # what changes more slowly than 800 Hz apart is envelope
    tilt = _tilt(tilt_db, sample_rate)
    floor = np.float32(1e-5 * np.max(np.abs(audio), initial=1e-9))
    place = np.minimum(np.arange(_SIZE // 2 + 1) / formants, _SIZE // 2 - 1e-3).astype(np.float32)
    low = place.astype(np.int64)
    share = place - low
    for first in range(0, count, _FRAMES_PER_CHUNK):
        spectrum = rfft(frames[first : first + _FRAMES_PER_CHUNK] * window, axis=-1)
        cepstrum = irfft(np.log(np.abs(spectrum) + floor), axis=-1)
        cepstrum[:, kept : _SIZE - kept + 1] = 0.0
        envelope = rfft(cepstrum, axis=-1).real
        moved = envelope[:, low] * (1.0 - share) + envelope[:, low + 1] * share
        spectrum *= np.exp(np.clip(moved - envelope, -_LIMIT, _LIMIT) + tilt)
        for index, frame in enumerate(irfft(spectrum, axis=-1) * window):
            start = (first + index) * _HOP
            out[start : start + _SIZE] += frame
    shaped = out[_SIZE - _HOP : _SIZE - _HOP + audio.size]
    loudness = np.sqrt(np.mean(audio**2) / (np.mean(shaped**2) + 1e-20))
    return np.asarray(shaped * loudness, dtype=np.float32)


def _tilt(tilt_db: float, sample_rate: int) -> Row:
    hz = np.fft.rfftfreq(_SIZE, 1.0 / sample_rate)
    octaves = np.clip(np.log2(np.maximum(hz, 1.0) / _HINGE_HZ), -3.0, 3.0)
    return np.asarray(tilt_db / 20.0 * np.log(10.0) * octaves, dtype=np.float32)
