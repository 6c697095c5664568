"""What can be said of a real concert without its stems: levels, spectra, and the singer's pitch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.info import AUDIO_SUFFIXES
from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.pitch_annotation import read_pitch
from carnatic_sep.errors import UsageError
from carnatic_sep.separation.naming import SIDECAR
from carnatic_sep.separation.verification import null_depth
from carnatic_sep.stems import DEFAULT_STEMS, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BANDS_HZ = (0.0, 250.0, 1000.0, 4000.0, float("inf"))


@dataclass(frozen=True)
class Sound:
    """What a recording sounds like, in three numbers.

    Attributes
    ----------
    level_db : RMS in dBFS
    centroid_hz : mean frequency, weighted by power
    shares : of the energy, in each of the bands between neighbours in `bands_hz`
    """

    level_db: float
    centroid_hz: float
    shares: tuple[float, ...]
    bands_hz: tuple[float, ...] = _BANDS_HZ


@dataclass(frozen=True)
class Concert:
    """What is known of a separated concert.

    Attributes
    ----------
    sounds : of the mixture, called ``mixture``, and of each stem
    null_db : peak of "sum of the stems minus the mixture", dBFS
    pitch_accuracy : raw pitch accuracy, 0 to 1, of vocals and mixture; empty without annotation
    """

    sounds: dict[str, Sound]
    null_db: float
    pitch_accuracy: dict[str, float]


def look_at(
    mixture: Path,
    stems_dir: Path,
    *,
    annotation: Path | None = None,
    offset_seconds: float | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Concert:
    """Describe a mixture and the stems in `stems_dir`, one file in memory at a time.

    Parameters
    ----------
    mixture : the recording that was separated
    stems_dir : holds ``vocals.flac`` and so on, in any format, as ``separate`` writes them
    annotation : pitch of the voice, see :func:`~carnatic_sep.datasets.pitch_annotation.read_pitch`
    offset_seconds : added to the annotation's times; as that function knows if None
    report : takes a line before each thing that takes a while

    Raises
    ------
    UsageError
        There are no stems in `stems_dir`, or no vocals to hold against `annotation`.
    AudioReadError
        A file cannot be read.
    CarnaticSepError
        A stem is not as long as the mixture.
    """
    stems = stem_files(stems_dir)
    files = {"mixture": mixture, **stems}
    if annotation:
        read_pitch(annotation)  # so that a faulty one is told of before minutes of work
        if VOCALS not in stems:
            raise UsageError(f"{stems_dir}: no {VOCALS} to hold against {annotation}")
    sounds = {}
    for name, path in files.items():
        report(f"reading {path}")
        sounds[name] = describe(*read_audio(path))
    report("summing the stems")
    depth = null_depth(mixture, list(stems.values()), gain=_gain(stems_dir))
    accuracy = {}
    if annotation:
        sung = {name: files[name] for name in (VOCALS, "mixture")}
        accuracy = pitch_agreement(sung, annotation, offset_seconds=offset_seconds, report=report)
    return Concert(sounds, depth, accuracy)


def stem_files(folder: Path) -> dict[str, Path]:
    """Return the files in `folder` that are named after stems, in their usual order.

    Raises
    ------
    UsageError
        `folder` is none, holds no stem, or holds one in two formats.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name the one that holds the stems")
    found: dict[str, Path] = {}
    for stem in DEFAULT_STEMS:
        files = [p for p in sorted(folder.glob(f"{stem}.*")) if p.suffix.lower() in AUDIO_SUFFIXES]
        if len(files) > 1:
            raise UsageError(f"{folder}: {' and '.join(p.name for p in files)}; keep one of them")
        if files:
            found[stem] = files[0]
    if not found:
        raise UsageError(
            f"{folder}: no {', '.join(DEFAULT_STEMS)}; run carnatic-sep separate first"
        )
    return found


def _gain(folder: Path) -> float:
    """Return the common gain that the record beside the stems tells of, 1 without one."""
    try:
        return float(json.loads((folder / SIDECAR).read_text(encoding="utf-8"))["gain"] or 1.0)
    except (OSError, ValueError, LookupError, TypeError):
        return 1.0


def describe(audio: NDArray[np.float32], sample_rate: int) -> Sound:
    """Measure (channels, frames) of audio by Welch's method on the mean of the channels' power."""
    from scipy.signal import welch

    window = min(4096, audio.shape[-1])
    frequency, density = welch(audio, fs=sample_rate, nperseg=window, axis=-1)
    power = density.mean(axis=0)
    total = float(power.sum()) + 1e-20
    shares = [
        float(power[(frequency >= low) & (frequency < high)].sum()) / total
        for low, high in pairwise(_BANDS_HZ)
    ]
    level = 10 * np.log10(float(np.mean(np.square(audio, dtype=np.float64))) + 1e-20)
    return Sound(float(level), float((frequency * power).sum() / total), tuple(shares))


def track(
    audio: NDArray[np.float32], sample_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Track pitch by pYIN on mono 16 kHz: (seconds, Hz), 16 ms apart.

    Where pYIN hears no voice its best guess comes with a minus, as mir_eval has it: raw pitch
    accuracy asks for the pitch alone, whatever was decided about voicing.
    """
    import librosa
    import soxr

    mono = soxr.resample(audio.mean(axis=0), sample_rate, 16000)
    f0, voiced, _ = librosa.pyin(
        mono,
        fmin=80.0,
        fmax=800.0,
        sr=16000,
        frame_length=1024,
        hop_length=256,
        resolution=0.2,
        fill_na=None,
    )
    seconds = librosa.times_like(f0, sr=16000, hop_length=256)
    return seconds, np.where(voiced, f0, -f0)


def raw_pitch_accuracy(
    annotation: tuple[NDArray[np.float64], NDArray[np.float64]],
    estimate: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> float:
    """Share of annotated voiced frames whose estimated pitch is within 50 cents.

    An estimate of 0 Hz is a miss; a negative one, which marks doubt about voicing, counts by its
    size. Source: Salamon et al., "Melody extraction from polyphonic music signals", IEEE Signal
    Processing Magazine 31(2), 2014, by mir_eval.
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


def pitch_agreement(
    files: dict[str, Path],
    annotation: Path,
    *,
    offset_seconds: float | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, float]:
    """Raw pitch accuracy, 0 to 1, of each audio file against one annotation."""
    truth = read_pitch(annotation, offset_seconds=offset_seconds)
    found = {}
    for name, path in files.items():
        report(f"tracking the pitch of {path}, which takes a while")
        found[name] = raw_pitch_accuracy(truth, track(*read_audio(path)))
    return found
