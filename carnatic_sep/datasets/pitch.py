"""Pitch contours of solo recordings, computed once and kept beside the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PITCH_RATE = 100.0
"""Contour samples per second."""


@dataclass(frozen=True)
class Contour:
    """Pitch and loudness of a recording at :data:`PITCH_RATE`.

    Attributes
    ----------
    f0 : (samples,), Hz, interpolated through unvoiced gaps
    voiced : (samples,), True where a pitch was found
    level : (samples,), RMS amplitude
    """

    f0: NDArray[np.float32]
    voiced: NDArray[np.bool_]
    level: NDArray[np.float32]


def track_pitch(audio: NDArray[np.float32], sample_rate: int) -> Contour:
    """Track the pitch of a solo voice.

    Parameters
    ----------
    audio : (frames,), mono
    sample_rate : Hz

    Returns
    -------
    A contour of ``ceil(frames / sample_rate * PITCH_RATE)`` samples; 200 Hz where nothing is
    ever voiced

    Source: Mauch and Dixon, "pYIN: A fundamental frequency estimator using probabilistic
    threshold distributions", ICASSP 2014, as implemented in librosa.
    """
    import librosa
    import soxr

    rate = 16000
    slow = soxr.resample(audio, sample_rate, rate) if sample_rate != rate else audio
    hop = int(rate / PITCH_RATE)
    f0, voiced, _ = librosa.pyin(
        slow, fmin=75.0, fmax=1000.0, sr=rate, frame_length=1024, hop_length=hop, resolution=0.2
    )
    level = librosa.feature.rms(y=slow, frame_length=1024, hop_length=hop)[0]
    samples = int(np.ceil(len(audio) / sample_rate * PITCH_RATE))
    f0, voiced, level = (_fit(row, samples) for row in (f0, voiced, level))
    voiced = voiced.astype(bool) & np.isfinite(f0)
    if voiced.any():
        index = np.arange(samples)
        f0 = np.exp(np.interp(index, index[voiced], np.log(f0[voiced])))
    else:
        f0 = np.full(samples, 200.0)
    return Contour(f0.astype(np.float32), voiced, level.astype(np.float32))


def _fit(row: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """Cut to `samples`, or hold the last value until there are as many."""
    if len(row) >= samples:
        return row[:samples]
    return np.concatenate([row, np.repeat(row[-1:], samples - len(row))])
