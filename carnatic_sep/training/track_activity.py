"""Who plays when in a multitrack, and how far its microphones can be trusted, once per track."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import DatasetError, UnknownNameError
from carnatic_sep.files import growing
from carnatic_sep.leakage.activity import Activity, frame_activity
from carnatic_sep.leakage.clean_files import CONFIDENCE
from carnatic_sep.stems import OTHER, canonical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.multitrack import Multitrack

RATE = 22050
_STRETCH_SECONDS = 900.0
_HOP_SECONDS = 0.05
_GUARD_SECONDS = 0.3
_QUIET_SHARE = 0.1
_VERSION = 3


@dataclass(frozen=True)
class TrackActivity:
    """Hop k stands for the time around ``k * hop_seconds``.

    silent : (stems, hops) bool, nobody plays this stem, with a margin of 0.3 s on both sides
    confidence : (stems, hops), share of a microphone's energy that is its own player's, 0 to 1
    """

    silent: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    hop_seconds: float


def track_activity(
    track: Multitrack, feeds: Mapping[str, Sequence[str]], *, cache: Path | None = None
) -> TrackActivity:
    """Tell activity and confidence of stems made of a track's stems.

    Where the track was cleaned (`carnatic-sep clean`), the cleaner says how sure it is. Otherwise
    bleed of a microphone is what it hears on average while its own player is silent, and the share
    that is the player's own is what the level exceeds that by. Long tracks are taken in stretches
    of 15 minutes, so memory does not grow with them.

    Parameters
    ----------
    feeds : stem to the track's stems that are summed for it; one without any is silent, unless
        the track has no stems at all: of a mixdown alone nothing is known
    cache : folder that keeps results between runs

    Raises
    ------
    AudioReadError
        A file cannot be read.
    DatasetError
        What the cleaner wrote is damaged.
    """
    place = None if cache is None else cache / f"activity-{_mark(track, feeds)}.npz"
    if place is not None and place.is_file():
        with np.load(place) as kept:
            return TrackActivity(kept["silent"], kept["confidence"], float(kept["hop_seconds"]))
    found = _measured(track, feeds)
    if place is not None:
        with growing(place, shared=True) as begun, begun.open("wb") as file:
            np.savez(
                file,
                silent=found.silent,
                confidence=found.confidence,
                hop_seconds=np.float64(found.hop_seconds),
            )
    return found


def confidence(level_db: NDArray[np.floating], active: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the share of each hop's energy that the stem's own player accounts for.

    Parameters
    ----------
    level_db : (stems, hops), what the microphones hear
    active : (stems, hops), whether the own player sounds; of a stem that never rests the quietest
        tenth counts as bleed
    """
    power = 10.0 ** (level_db.astype(np.float64) / 10)
    shares = np.ones_like(power)
    for index, (heard, playing) in enumerate(zip(power, active, strict=True)):
        rests = heard[~playing]
        bleed = rests.mean() if len(rests) else np.quantile(heard, _QUIET_SHARE)
        shares[index] = np.clip(1 - bleed / np.maximum(heard, 1e-20), 0, 1)
    return shares.astype(np.float32)


def _measured(track: Multitrack, feeds: Mapping[str, Sequence[str]]) -> TrackActivity:
    from carnatic_sep.audio.resample import output_frames

    own_rate, own_frames = track.info()
    frames = output_frames(own_frames, own_rate, RATE)
    sounding = [index for index, names in enumerate(feeds.values()) if names]
    hop = round(_HOP_SECONDS * RATE)
    stretch = hop * round(_STRETCH_SECONDS * RATE / hop)  # so that hops go on where the next begins
    if not sounding:
        nobody = (len(feeds), 1)
        return TrackActivity(np.zeros(nobody, dtype=bool), np.ones(nobody, dtype=np.float32), 1.0)
    parts: list[Activity] = []
    for start in range(0, frames, stretch):
        count = min(stretch, frames - start)
        if parts and count < RATE:
            continue  # less than a second at the end: as the hop before it
        stems = np.stack([_mono(track, names, start, count) for names in feeds.values() if names])
        parts.append(frame_activity(stems, sample_rate=RATE, hop_seconds=_HOP_SECONDS))
    hop_seconds = hop / RATE
    # The last hop of a whole stretch is the first of the next one.
    ends = [*[stretch // hop] * (len(parts) - 1), None]
    pairs = list(zip(parts, ends, strict=True))
    active = np.concatenate([part.active[:, :end] for part, end in pairs], axis=1)
    level = np.concatenate([part.level_db[:, :end] for part, end in pairs], axis=1)
    silent = np.ones((len(feeds), active.shape[1]), dtype=bool)
    trusted = np.ones(silent.shape, dtype=np.float32)
    silent[sounding] = ~_widened(active, round(_GUARD_SECONDS / hop_seconds))
    trusted[sounding] = confidence(level, active)
    place = _cleaners_file(track)
    if place is not None:
        times = np.arange(active.shape[1], dtype=np.float64) * hop_seconds
        trusted[sounding] = [
            cleaners_confidence(place, names, times) for names in feeds.values() if names
        ]
    return TrackActivity(silent, trusted, hop_seconds)


def cleaners_confidence(
    path: Path, names: Sequence[str], times: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return how sure the cleaner is of stems at `times` in seconds, the mean over its bands.

    Parameters
    ----------
    path : what `carnatic-sep clean` wrote beside the stems
    names : stems that are summed; microphones of other names belong to `other`

    Raises
    ------
    DatasetError
        The file is damaged, or knows none of the stems.
    """
    try:
        with np.load(path) as kept:
            step = float(kept["column_seconds"])
            rows = [
                kept[name].mean(axis=0) / 255
                for name in kept.files
                if name not in ("band_edges_hz", "column_seconds") and _stem_of(name) in names
            ]
            share = np.mean(rows, axis=0) if rows else np.empty(0)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{path}: damaged ({error}); clean the track again with --overwrite"
        ) from error
    if not len(share):
        raise DatasetError(f"{path}: knows nothing of {', '.join(names)}; clean the track again")
    return np.interp(times, np.arange(len(share)) * step, share).astype(np.float32)


def _stem_of(microphone: str) -> str:
    try:
        return canonical(microphone)
    except UnknownNameError:
        return OTHER


def _cleaners_file(track: Multitrack) -> Path | None:
    folders = {microphone.path.parent for microphone in track.microphones}
    place = folders.pop() / CONFIDENCE if len(folders) == 1 else None
    return place if place is not None and place.is_file() else None


def _mono(track: Multitrack, names: Sequence[str], start: int, frames: int) -> NDArray[np.float32]:
    parts = [
        track.read_stem(name, start=start, frames=frames, sample_rate=RATE).mean(axis=0)
        for name in names
    ]
    return np.asarray(sum(parts), dtype=np.float32)


def _widened(flags: NDArray[np.bool_], hops: int) -> NDArray[np.bool_]:
    """Set `hops` hops before and after each true flag, along the last axis."""
    from scipy.ndimage import binary_dilation

    structure = np.ones((1, 2 * hops + 1), dtype=bool)
    return np.asarray(binary_dilation(flags, structure), dtype=bool)


def _mark(track: Multitrack, feeds: Mapping[str, Sequence[str]]) -> str:
    """Name a track's audio as it is now: files, sizes, times, and what is made of them."""
    digest = hashlib.sha256(f"{_VERSION} {dict(feeds)}".encode())
    cleaned = _cleaners_file(track)
    for path in (*track.files, *([cleaned] if cleaned else [])):
        status = path.stat()
        digest.update(f"{path.resolve()} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()[:24]
