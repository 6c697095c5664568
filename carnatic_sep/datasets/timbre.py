"""Another singer's throat: formants moved while the melody stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_N_FFT, _HOP = 2048, 512
_LIMIT = np.log(10 ** (18 / 20))


def shift_formants(
    audio: NDArray[np.float32], *, ratio: float, sample_rate: int
) -> NDArray[np.float32]:
    """Move the spectral envelope of singing by `ratio`, its pitch left alone.

    Each column of an STFT is weighted by the quotient of its cepstrally smoothed envelope, read
    at ``frequency / ratio``, and the envelope itself, within 18 dB.

    Parameters
    ----------
    audio : (frames,)
    ratio : above 1 for a shorter vocal tract (women and children), below 1 for a longer one
    sample_rate : Hz

    Returns
    -------
    (frames,), with the RMS of `audio`

    Source: the cepstral envelope of Oppenheim and Schafer, "Homomorphic analysis of speech",
    IEEE Transactions on Audio and Electroacoustics, 1968.
    """
    from scipy.signal import istft, stft

    overlap = _N_FFT - _HOP
    spectrum = stft(audio, nperseg=_N_FFT, noverlap=overlap)[2]
    magnitude = np.abs(spectrum)
    log = np.log(magnitude + 1e-4 * magnitude.mean() + 1e-9)
    cepstrum = np.fft.irfft(log, axis=0)
    kept = int(0.0012 * sample_rate)  # what changes more slowly than 800 Hz apart is envelope
    cepstrum[kept : _N_FFT - kept + 1] = 0.0
    envelope = np.fft.rfft(cepstrum, axis=0).real
    place = np.arange(len(envelope)) / ratio
    low = np.minimum(place.astype(int), len(envelope) - 2)
    share = np.clip(place - low, 0, 1)[:, None]
    moved = envelope[low] * (1 - share) + envelope[low + 1] * share
    gain = np.exp(np.clip(moved - envelope, -_LIMIT, _LIMIT))
    shifted = istft(spectrum * gain, nperseg=_N_FFT, noverlap=overlap)[1][: len(audio)]
    shifted = np.pad(shifted, (0, len(audio) - len(shifted)))
    loudness = np.sqrt(np.mean(audio**2) / (np.mean(shifted**2) + 1e-20))
    return np.asarray(shifted * loudness, dtype=np.float32)
