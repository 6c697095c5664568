"""Many recordings one after the other; one that fails does not stop the rest."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from carnatic_sep.errors import AudioReadError, AudioWriteError, CarnaticSepError
from carnatic_sep.files import partial
from carnatic_sep.separation.naming import check_collisions
from carnatic_sep.separation.progress import Progress
from carnatic_sep.separation.tracks import SeparationResult, TrackOptions, plan_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from carnatic_sep.separation.inputs import Track
    from carnatic_sep.separation.separator import Separator

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrackReport:
    """How one recording went: `result` if it is separated, `error` if not.

    `skipped` if an earlier run had done all that was asked for; then there is neither.
    """

    track: Track
    result: SeparationResult | None = None
    error: CarnaticSepError | None = None
    skipped: bool = False


class Observer(Progress, Protocol):
    """Whoever watches a batch."""

    def begin_track(self, track: Track) -> None:
        """`track` is next; `update` and `warn` are about it."""

    def end_track(self, report: TrackReport) -> None:
        """Take note that a track is through, well or not."""


def check_batch(
    separator: Separator, tracks: Sequence[Track], out_dir: Path, *, options: TrackOptions
) -> None:
    """Find out before any work what would fail after hours of it.

    Raises
    ------
    UsageError
        A stem that the model does not have, or outputs that would replace each other or an input.
    """
    targets: dict[Path, list[Path]] = {}
    for track in tracks:
        outputs, sidecar = plan_outputs(separator, track.name, out_dir, options=options)
        targets[track.path] = [*outputs.values(), sidecar]
    check_collisions(targets)


def unfinished(
    separator: Separator, tracks: Sequence[Track], out_dir: Path, *, options: TrackOptions
) -> list[Path]:
    """Return the files that a run which did not come to its end has left under partial names."""
    outputs = [
        path
        for track in tracks
        for path in plan_outputs(separator, track.name, out_dir, options=options)[0].values()
    ]
    growing = [partial(path, *spool) for path in outputs for spool in ((), ("wav",))]
    return [path for path in growing if os.path.exists(path)]  # noqa: PTH110 (long names too)


def separate_tracks(
    separator: Separator,
    tracks: Sequence[Track],
    out_dir: Path,
    *,
    options: TrackOptions,
    observer: Observer,
    resume: bool = False,
) -> list[TrackReport]:
    """Separate each of `tracks`, and report every one, those that failed included.

    Parameters
    ----------
    resume : whether to leave out what an earlier run has finished
        (:func:`~carnatic_sep.separation.finished.is_finished`)
    """
    from carnatic_sep.separation.finished import is_finished

    reports = []
    for track in tracks:
        observer.begin_track(track)
        if resume and is_finished(separator, track, out_dir, options=options):
            report = TrackReport(track, skipped=True)
        else:
            report = _attempt(separator, track, out_dir, options=options, observer=observer)
        observer.end_track(report)
        reports.append(report)
    return reports


def _attempt(
    separator: Separator,
    track: Track,
    out_dir: Path,
    *,
    options: TrackOptions,
    observer: Observer,
) -> TrackReport:
    try:
        result = separator.separate_file(
            track.path, out_dir, options=options, track=track.name, progress=observer
        )
    except (AudioReadError, AudioWriteError) as error:
        return TrackReport(track, error=error)
    except CarnaticSepError as error:  # of the model or the options: it may not know the file
        if str(track.path) in str(error):
            return TrackReport(track, error=error)
        return TrackReport(track, error=CarnaticSepError(f"{track.path}: {error}"))
    except BrokenPipeError:
        raise  # whoever listened to the observer has left
    except Exception as error:
        # a mistake of ours; the other recordings of the night are still to be done
        _log.exception("%s: unexpected error", track.path)
        message = f"{track.path}: unexpected {type(error).__name__}: {error}; please report it"
        return TrackReport(track, error=CarnaticSepError(message))
    return TrackReport(track, result=result)
