"""What can be said of a real concert without its stems: levels, spectra, and the singer's pitch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.errors import AudioReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BANDS_HZ = (0.0, 250.0, 1000.0, 4000.0, 22050.0)


@dataclass(frozen=True)
class Sound:
    """Level in dBFS (RMS), spectral centroid in Hz, and share of energy per band of `bands_hz`."""

    level_db: float
    centroid_hz: float
    shares: tuple[float, ...]
    bands_hz: tuple[float, ...] = _BANDS_HZ


def describe(audio: NDArray[np.float32], sample_rate: int) -> Sound:
    """Measure (channels, frames) of audio by Welch's method on the mean of the channels' power."""
    from scipy.signal import welch

    frequency, density = welch(audio, fs=sample_rate, nperseg=4096, axis=-1)
    power = density.mean(axis=0)
    total = float(power.sum()) + 1e-20
    edges = zip(_BANDS_HZ, _BANDS_HZ[1:], strict=False)
    shares = [
        float(power[(frequency >= low) & (frequency < high)].sum()) / total for low, high in edges
    ]
    level = 10 * np.log10(float(np.mean(np.square(audio, dtype=np.float64))) + 1e-20)
    return Sound(float(level), float((frequency * power).sum() / total), tuple(shares))


def read_pitch(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a Saraga pitch file (two columns: seconds, Hz; 0 where unvoiced).

    Raises
    ------
    AudioReadError
        The file is missing or has other contents.
    """
    try:
        rows = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except (OSError, ValueError) as error:
        raise AudioReadError(f"{path}: not a pitch file of seconds and Hz ({error})") from error
    if rows.size == 0 or rows.shape[1] != 2:
        raise AudioReadError(f"{path}: expected two columns, seconds and Hz")
    return rows[:, 0], rows[:, 1]


def track(
    audio: NDArray[np.float32], sample_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Track pitch by pYIN on mono 16 kHz: (seconds, Hz), 0 where unvoiced, 16 ms apart."""
    import librosa
    import soxr

    mono = soxr.resample(audio.mean(axis=0), sample_rate, 16000)
    f0, voiced, _ = librosa.pyin(
        mono, fmin=80.0, fmax=800.0, sr=16000, frame_length=1024, hop_length=256, resolution=0.2
    )
    seconds = librosa.times_like(f0, sr=16000, hop_length=256)
    return seconds, np.where(voiced, np.nan_to_num(f0), 0.0)


def raw_pitch_accuracy(
    annotation: tuple[NDArray[np.float64], NDArray[np.float64]],
    estimate: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> float:
    """Share of annotated voiced frames whose estimated pitch is within 50 cents.

    Unvoiced estimates count as misses. Source: Salamon et al., "Melody extraction from polyphonic
    music signals", IEEE Signal Processing Magazine 31(2), 2014, by mir_eval.
    """
    import mir_eval

    reference_voicing, reference_cents, estimate_voicing, estimate_cents = (
        mir_eval.melody.to_cent_voicing(*annotation, *estimate)
    )
    return float(
        mir_eval.melody.raw_pitch_accuracy(
            reference_voicing, reference_cents, estimate_voicing, estimate_cents, cent_tolerance=50
        )
    )


def pitch_agreement(files: dict[str, Path], annotation: Path) -> dict[str, float]:
    """Raw pitch accuracy of each audio file against one annotation."""
    truth = read_pitch(annotation)
    return {
        name: raw_pitch_accuracy(truth, track(*read_audio(path))) for name, path in files.items()
    }
