"""What one can know of a multitrack's bleed before cleaning it: matrix, levels, ceilings, solos."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.errors import DatasetError, UsageError
from carnatic_sep.leakage.activity import frame_activity, silence_regions, solo_regions
from carnatic_sep.leakage.estimate import EDGES_HZ, estimate_bleed, leakage_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from carnatic_sep.datasets.multitrack import Multitrack

    Array = NDArray[np.float64]
    Region = tuple[float, float]

__all__ = ["Inspection", "inspect_stems", "inspect_track"]

_STRETCH_SECONDS = 20.0
_STEP_SECONDS = 1.0
_SILENT_DB = -80.0


@dataclass(frozen=True)
class Inspection:
    """The bleed of one track, as told from some stretches of it.

    Attributes
    ----------
    track : its id
    stems : names, in the order of every array
    matrix_db : (into, from), mean of `bands_db` over its bands, dB; NaN on the diagonal and for
        silent stems, as in all that follows
    bands_db : (into, from, bands), power that arrives from another stem's microphone, dB
    edges_hz : limits of the bands
    signal_to_bleed_db, ceiling_db : (stems,), see `estimate.BleedEstimate`
    times : (steps,), seconds, one step a second, where something was looked at
    over_time_db : (stems, steps), signal to bleed there; NaN where a stem hardly sounds
    solos, silences : stem to regions (start, end), seconds, in which it plays alone or not at all
    stretches : (start, end) of what was looked at, seconds
    duration_seconds : of the whole track
    """

    track: str
    stems: tuple[str, ...]
    matrix_db: Array
    bands_db: Array
    edges_hz: tuple[float, ...]
    signal_to_bleed_db: Array
    ceiling_db: Array
    times: Array
    over_time_db: Array
    solos: dict[str, list[Region]]
    silences: dict[str, list[Region]]
    stretches: list[Region]
    duration_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; undefined numbers become None."""
        return {
            "track": self.track,
            "stems": list(self.stems),
            "duration_seconds": round(self.duration_seconds, 3),
            "stretches": _regions(self.stretches),
            "leakage_db": _nested(self.matrix_db),
            "leakage_bands_db": _nested(self.bands_db),
            "band_edges_hz": list(self.edges_hz),
            "signal_to_bleed_db": dict(
                zip(self.stems, _nested(self.signal_to_bleed_db), strict=True)
            ),
            "ceiling_sdr_db": dict(zip(self.stems, _nested(self.ceiling_db), strict=True)),
            "over_time": {
                "seconds": _nested(self.times),
                "signal_to_bleed_db": dict(
                    zip(self.stems, _nested(self.over_time_db), strict=True)
                ),
            },
            "solos": {stem: _regions(found) for stem, found in self.solos.items()},
            "silences": {stem: _regions(found) for stem, found in self.silences.items()},
        }


def inspect_track(
    track: Multitrack, *, seconds: float = 60.0, sample_rate: int = 16000
) -> Inspection:
    """Look at stretches of a track, evenly spread, `seconds` in all.

    Parameters
    ----------
    track : recorded on one clock
    seconds : how much to look at; more takes longer and tells more
    sample_rate : Hz at which to look

    Raises
    ------
    AudioReadError
        A microphone cannot be read.
    DatasetError
        The track has one stem only, so that nothing can bleed.
    UsageError
        The track is shorter than a window, or `seconds` is not above 0.
    """
    if len(track.stems) < 2:
        raise DatasetError(f"{track.id}: bleed needs two stems or more; it has {len(track.stems)}")
    if not seconds > 0.0:
        raise UsageError(f"inspection needs some seconds to look at, not {seconds}")
    own_rate, own_frames = track.info()
    duration = own_frames / own_rate
    stretches = spread(duration, seconds=seconds)
    parts = [
        np.stack(
            [
                track.read_stem(
                    stem,
                    start=round(start * sample_rate),
                    frames=round((end - start) * sample_rate),
                    sample_rate=sample_rate,
                ).mean(axis=0)
                for stem in track.stems
            ]
        )
        for start, end in stretches
    ]
    return inspect_stems(
        np.concatenate(parts, axis=1),
        names=track.stem_names,
        sample_rate=sample_rate,
        track=track.id,
        stretches=stretches,
        duration_seconds=duration,
        highest_hz=own_rate / 2,
    )


def inspect_stems(
    stems: NDArray[np.floating],
    *,
    names: Sequence[str],
    sample_rate: int,
    track: str = "",
    stretches: list[Region] | None = None,
    duration_seconds: float | None = None,
    highest_hz: float | None = None,
) -> Inspection:
    """Look at stems in memory.

    Parameters
    ----------
    stems : (stems, frames), stretches of a track one after the other
    names : of the stems
    sample_rate : Hz
    track : its id
    stretches : where on the track's time line they are; the beginning if None
    duration_seconds : of the track; what is given if None
    highest_hz : what the recording may hold; bands beyond it, which only resampling fills, are NaN.
        Half of `sample_rate` if None

    Raises
    ------
    UsageError
        Stems that are not (stems, frames), or too short.
    """
    whole = stems.shape[-1] / sample_rate
    spans = stretches or [(0.0, whole)]
    bands = leakage_matrix(stems, sample_rate=sample_rate)
    estimate = estimate_bleed(stems, sample_rate=sample_rate)
    with np.errstate(divide="ignore"):
        bands_db = np.where(bands > 0.0, 10.0 * np.log10(bands), np.nan)
    silent = _silent(stems)
    bands_db[silent, :] = np.nan
    bands_db[:, silent] = np.nan
    if highest_hz is not None:
        bands_db[..., np.array(EDGES_HZ[1:]) > highest_hz] = np.nan
    times, over_time = _per_second(estimate.own, estimate.bleed, estimate.hop_seconds, spans)
    activity = frame_activity(stems, sample_rate=sample_rate)
    solos = {name: _placed(solo_regions(activity, k), spans) for k, name in enumerate(names)}
    silences = {name: _placed(silence_regions(activity, k), spans) for k, name in enumerate(names)}
    counted = np.sum(np.isfinite(bands_db), axis=2)
    mean = np.nansum(bands_db, axis=2) / np.maximum(counted, 1)
    return Inspection(
        track=track,
        stems=tuple(names),
        matrix_db=np.where(counted > 0, mean, np.nan),
        bands_db=bands_db,
        edges_hz=EDGES_HZ,
        signal_to_bleed_db=np.where(silent, np.nan, estimate.signal_to_bleed_db),
        ceiling_db=np.where(silent, np.nan, estimate.ceiling_db),
        times=times,
        over_time_db=over_time,
        solos=solos,
        silences=silences,
        stretches=spans,
        duration_seconds=whole if duration_seconds is None else duration_seconds,
    )


def _silent(stems: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which stems are `_SILENT_DB` or more below the loudest, (stems,)."""
    power = np.mean(np.square(stems, dtype=np.float64), axis=-1)
    return np.asarray(power <= power.max() * 10 ** (_SILENT_DB / 10))


def spread(duration: float, *, seconds: float) -> list[tuple[float, float]]:
    """Return stretches of a recording, `seconds` in all, evenly spread; all of a short one.

    >>> spread(300.0, seconds=40.0)
    [(65.0, 85.0), (215.0, 235.0)]
    """
    if duration <= seconds:
        return [(0.0, duration)]
    count = max(1, round(seconds / _STRETCH_SECONDS))
    length = seconds / count
    middles = [(k + 0.5) * duration / count for k in range(count)]
    return [(middle - length / 2, middle + length / 2) for middle in middles]


def _per_second(
    own: Array, bleed: Array, hop_seconds: float, spans: list[Region]
) -> tuple[Array, Array]:
    """Sum energies over seconds and return their times and ratios in dB."""
    hops = max(1, round(_STEP_SECONDS / hop_seconds))
    steps = max(1, own.shape[1] // hops)
    kept = steps * hops if own.shape[1] >= hops else own.shape[1]
    shape = (len(own), steps, -1)
    above = own[:, :kept].reshape(shape).sum(2)
    below = bleed[:, :kept].reshape(shape).sum(2)
    ratio = 10.0 * np.log10((above + 1e-20) / (below + 1e-20))
    loudest = (above + below).max(axis=1, keepdims=True)
    audible = (above + below > 1e-4 * loudest) & (loudest > 0.0)
    middles = (np.arange(steps) + 0.5) * kept / steps * hop_seconds
    times = np.array([_place(middle, spans) for middle in middles])
    return times, np.where(audible, ratio, np.nan)


def _place(second: float, spans: list[Region]) -> float:
    """Return the place on the track of a second in the stretches laid end to end."""
    for start, end in spans:
        if second < end - start:
            return start + second
        second -= end - start
    return spans[-1][1]


def _placed(regions: list[Region], spans: list[Region]) -> list[Region]:
    """Move regions from the stretches laid end to end to the track, cut where those meet."""
    placed, begun = [], 0.0
    for start, end in spans:
        stop = begun + end - start
        for first, last in regions:
            low, high = max(first, begun), min(last, stop)
            if low < high:
                placed.append((start + low - begun, start + high - begun))
        begun = stop
    return placed


def _regions(regions: list[Region]) -> list[list[float]]:
    return [[round(start, 3), round(end, 3)] for start, end in regions]


def _nested(values: Array) -> list[Any]:
    if values.ndim > 1:
        return [_nested(row) for row in values]
    return [round(float(value), 2) if isfinite(value) else None for value in values]
