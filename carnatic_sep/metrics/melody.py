"""Melody: is what is sung still there, with its gamakas, and not the drone's or the violin's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.metrics._optional import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float64]

_STEP_SECONDS = 0.01
_GAMAKA_HZ = (4.0, 20.0)
_RUN_SECONDS = 0.4
_LEAST_SECONDS = 1.0
_OTHER_NOTE_CENTS = 300.0
_PA_CENTS = 1200.0 * np.log2(1.5)


@dataclass(frozen=True)
class Melody:
    """A pitch contour.

    Attributes
    ----------
    times : (samples,), seconds, rising
    f0 : (samples,), Hz; 0 where nothing sounds
    """

    times: Row
    f0: Row

    def at(self, times: Row) -> Row:
        """Return f0 at other `times`: the nearest sample's, 0 beyond 20 ms of any."""
        if not len(self.times):
            return np.zeros(len(times))
        right = np.clip(np.searchsorted(self.times, times), 1, max(len(self.times) - 1, 1))
        right = np.minimum(right, len(self.times) - 1)
        left = np.maximum(right - 1, 0)
        nearest = np.where(times - self.times[left] <= self.times[right] - times, left, right)
        near = np.abs(self.times[nearest] - times) <= 2 * _STEP_SECONDS
        return np.where(near, self.f0[nearest], 0.0)


@dataclass(frozen=True)
class MelodyScores:
    """Shares from 0 to 1; higher is better, but for `voicing_false_alarm`.

    Attributes
    ----------
    raw_pitch : of the reference's voiced samples, estimated within the tolerance
    raw_chroma : the same, octaves forgiven
    voicing_recall : of the reference's voiced samples, voiced in the estimate
    voicing_false_alarm : of the reference's unvoiced samples, voiced in the estimate
    overall_accuracy : of all samples, right in voicing and pitch
    """

    raw_pitch: float
    raw_chroma: float
    voicing_recall: float
    voicing_false_alarm: float
    overall_accuracy: float


@dataclass(frozen=True)
class GamakaFidelity:
    """How the 4 to 20 Hz modulation of the pitch survived.

    Attributes
    ----------
    correlation : of the modulations, -1 to 1; higher is better
    rms_cents : of their difference; lower is better
    seconds : that were compared
    """

    correlation: float
    rms_cents: float
    seconds: float


def validate(melody: Melody, *, name: str) -> None:
    """Check a contour.

    Raises
    ------
    ValueError
        Times and f0 of different shapes, times that do not rise, values that are not finite, or a
        negative f0; names the contour.
    """
    times, f0 = np.asarray(melody.times), np.asarray(melody.f0)
    if times.shape != f0.shape or times.ndim != 1:
        raise ValueError(f"{name}: times have shape {times.shape} but f0 has shape {f0.shape}")
    if not (np.all(np.isfinite(times)) and np.all(np.isfinite(f0))):
        raise ValueError(f"{name}: times or f0 hold NaN or infinite values; unvoiced is 0 Hz")
    if np.any(np.diff(times) <= 0.0) or np.any(f0 < 0.0):
        raise ValueError(f"{name}: times must rise and f0 must not be negative")


def melody_scores(
    reference: Melody, estimate: Melody, *, tolerance_cents: float = 50.0
) -> MelodyScores:
    """Score a melody with mir_eval.

    Parameters
    ----------
    reference, estimate : contours; the estimate is read at the reference's times
    tolerance_cents : 50 as usual; 25 asks for the intonation that raga lives by

    Returns
    -------
    MelodyScores; a share of nothing (pitch of a reference that is never voiced, false alarms of
    one that always is) is NaN

    Raises
    ------
    ValueError
        See :func:`validate`.
    UsageError
        mir_eval is not installed.

    Source: Bittner and Bosch, "Generalised metrics for single-f0 estimation evaluation", ICASSP
    2019; Raffel et al., "mir_eval", ISMIR 2014.
    """
    validate(reference, name="reference melody")
    validate(estimate, name="estimated melody")
    voiced = np.asarray(reference.f0) > 0.0
    if not len(voiced):
        return MelodyScores(*[float("nan")] * 5)
    found = np.asarray(estimate.at(reference.times))
    heard = found > 0.0
    false_alarm = float(heard[~voiced].mean()) if not voiced.all() else float("nan")
    if not voiced.any():
        nan = float("nan")
        return MelodyScores(nan, nan, nan, false_alarm, float(np.mean(~heard)))
    if not heard.any():
        return MelodyScores(0.0, 0.0, 0.0, false_alarm, float(np.mean(~voiced)))
    measure = require("mir_eval.melody")
    cents = [measure.hz2cents(np.asarray(f0, dtype=np.float64)) for f0 in (reference.f0, found)]
    marks = (voiced.astype(float), cents[0], heard.astype(float), cents[1])
    return MelodyScores(
        float(measure.raw_pitch_accuracy(*marks, cent_tolerance=tolerance_cents)),
        float(measure.raw_chroma_accuracy(*marks, cent_tolerance=tolerance_cents)),
        float(heard[voiced].mean()),
        false_alarm,
        float(measure.overall_accuracy(*marks, cent_tolerance=tolerance_cents)),
    )


def gamaka_fidelity(reference: Melody, estimate: Melody) -> GamakaFidelity:
    """Compare the fast movement of two contours: what makes a svara a gamaka.

    Both contours in cents, at 100 Hz, are band-passed from 4 to 20 Hz within runs of at least 0.4 s
    in which both are voiced and, octaves forgiven, within 300 cents.

    Parameters
    ----------
    reference, estimate : contours

    Returns
    -------
    GamakaFidelity; correlation and rms are NaN where less than a second can be compared, the
    correlation also where either contour is still

    Raises
    ------
    ValueError
        See :func:`validate`.

    Source: this project; below the band lie phrases, above it what a tracker adds.
    """
    from scipy.signal import butter, sosfiltfilt

    _, left, right = _together(reference, estimate)
    both = (left > 0.0) & (right > 0.0)
    cents = np.zeros((2, len(left)))
    cents[:, both] = 1200.0 * np.log2(np.stack([left[both], right[both]]) / 55.0)
    octaves = np.round((cents[1] - cents[0]) / 1200.0)
    cents[1] -= 1200.0 * octaves
    same = both & (np.abs(cents[1] - cents[0]) <= _OTHER_NOTE_CENTS)
    # A jump of an octave within a run would be filtered into a wobble: it ends the run.
    jumps = np.flatnonzero(np.diff(octaves) != 0) + 1
    same[jumps] = False
    band = butter(2, _GAMAKA_HZ, btype="bandpass", fs=1.0 / _STEP_SECONDS, output="sos")
    parts = [
        sosfiltfilt(band, cents[:, start:end], axis=1)
        for start, end in _runs(same)
        if (end - start) * _STEP_SECONDS >= _RUN_SECONDS
    ]
    moved = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0))
    seconds = moved.shape[1] * _STEP_SECONDS
    if seconds < _LEAST_SECONDS:
        return GamakaFidelity(float("nan"), float("nan"), seconds)
    rms = float(np.sqrt(np.mean((moved[1] - moved[0]) ** 2)))
    energy = float(np.sqrt(np.sum(moved[0] ** 2) * np.sum(moved[1] ** 2)))
    still = energy < 1e-6 * moved.shape[1]
    correlation = float("nan") if still else float(np.sum(moved[0] * moved[1]) / energy)
    return GamakaFidelity(correlation, rms, seconds)


def drone_locking(
    reference: Melody, estimate: Melody, *, tonic_hz: float, tolerance_cents: float = 50.0
) -> float:
    """Return the share of sung samples that the estimate pulls to Sa or Pa.

    Of the reference's voiced samples that are more than twice the tolerance away from Sa and Pa in
    every octave: those in which the estimate is voiced and within the tolerance of one of them. A
    separator that lets the tanpura through, or a tracker that hears it, shows here.

    Parameters
    ----------
    reference, estimate : contours
    tonic_hz : pitch of Sa, in any octave
    tolerance_cents : what counts as Sa or Pa

    Returns
    -------
    0 to 1, lower is better; NaN where the reference never leaves Sa and Pa

    Raises
    ------
    ValueError
        See :func:`validate`; a tonic that is not positive.

    Source: this project, after the guard of a raga study that counted samples on Sa.
    """
    if not tonic_hz > 0.0:
        raise ValueError(f"the tonic must be positive, not {tonic_hz} Hz")
    _, sung, found = _together(reference, estimate)

    def away(f0: Row) -> Row:
        cents = 1200.0 * np.log2(np.maximum(f0, 1e-9) / tonic_hz)
        from_drone = [(cents - note + 600.0) % 1200.0 - 600.0 for note in (0.0, _PA_CENTS)]
        return np.asarray(np.min(np.abs(from_drone), axis=0))

    asked = (sung > 0.0) & (away(sung) > 2.0 * tolerance_cents)
    if not asked.any():
        return float("nan")
    pulled = asked & (found > 0.0) & (away(found) <= tolerance_cents)
    return float(pulled.sum() / asked.sum())


def _together(reference: Melody, estimate: Melody) -> tuple[Row, Row, Row]:
    """Return times at 100 Hz over the reference, and both contours there."""
    validate(reference, name="reference melody")
    validate(estimate, name="estimated melody")
    if not len(reference.times):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    first, last = float(reference.times[0]), float(reference.times[-1])
    steps = np.arange(int((last - first) / _STEP_SECONDS + 1e-6) + 1)
    times = np.asarray(first + _STEP_SECONDS * steps, dtype=np.float64)
    return times, reference.at(times), estimate.at(times)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
