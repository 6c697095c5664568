"""Score every system on one track, in whatever process this runs."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.errors import CarnaticSepError
from carnatic_sep.evaluation.contenders import Contender, fit_channels, separate_with
from carnatic_sep.evaluation.excerpts import Excerpt, cut_excerpts
from carnatic_sep.evaluation.parts import Part
from carnatic_sep.evaluation.scoring import Score, metrics_for, score_system, with_melodies
from carnatic_sep.stems import DEFAULT_STEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.evaluation.options import EvaluationOptions
    from carnatic_sep.evaluation.recording import Recording
    from carnatic_sep.metrics.registry import MetricSpec

_log = logging.getLogger(__name__)

SUNG_GROUPS = ("melody", "rhythm")
"""Tracking pitch and onsets takes long: beside what is tested only the mixture is worth it."""


def score_track(
    track: Multitrack,
    systems: tuple[Contender, ...],
    options: EvaluationOptions,
    *,
    fingerprint: str,
) -> Part:
    """Score all `systems` on `track`; one system in memory at a time.

    A system, or the whole track, that cannot be scored is a failure in the result, not an error.
    """
    from carnatic_sep.evaluation.recording import read_recording

    begin = time.process_time()
    failures: dict[str, str] = {}
    scores: list[Score] = []
    excerpts: list[Excerpt] = []
    notes: list[str] = []
    recording: Recording | None = None
    try:
        recording = read_recording(track, options)
    except Exception as error:
        failures[""] = _told(track.id, error)
    if recording is not None:
        notes += recording.notes
        metrics = metrics_for(recording, options.metrics)
        recording = with_melodies(recording, metrics)
        for system in systems:
            if system.kind == "bound" and not recording.references:
                continue
            try:
                found, cut, more = _score(system, track, recording, options, metrics)
            except Exception as error:
                failures[system.name] = _told(f"{track.id}, {system.name}", error)
                continue
            scores += found
            excerpts += cut
            notes += more
    return Part(
        track=track.id,
        concert=track.concert or track.id,
        fingerprint=fingerprint,
        seconds=recording.frames / recording.sample_rate if recording else 0.0,
        stems=tuple(recording.references) if recording else (),
        ceiling_db=dict(recording.ceiling_db) if recording else {},
        scores=tuple(scores),
        excerpts=tuple(excerpts),
        notes=tuple(notes),
        failures=failures,
        cpu_seconds=time.process_time() - begin,
    )


def _score(
    system: Contender,
    track: Multitrack,
    recording: Recording,
    options: EvaluationOptions,
    metrics: Sequence[MetricSpec],
) -> tuple[list[Score], list[Excerpt], list[str]]:
    notes: list[str] = []
    estimates: dict[str, NDArray[np.float32]]
    if system.kind == "estimates":
        from carnatic_sep.evaluation.estimate_files import read_estimates

        read = read_estimates(
            Path(system.source),
            track.id,
            stems=tuple(recording.references) or None,
            sample_rate=recording.sample_rate,
            frames=recording.frames,
        )
        estimates, notes = read.stems, list(read.notes)
    else:
        estimates = separate_with(
            system,
            recording.mixture,
            recording.truth or dict.fromkeys(DEFAULT_STEMS, recording.mixture),
            sample_rate=recording.sample_rate,
        )
    if not (system.tested or system.name == "mixture"):
        metrics = [spec for spec in metrics if spec.group not in SUNG_GROUPS]
    scores = score_system(system.name, estimates, recording, metrics=metrics)
    excerpts = []
    if system.tested and options.excerpt_seconds and recording.truth:
        fitted = {s: fit_channels(x, recording.channels) for s, x in estimates.items()}
        seconds = options.excerpt_seconds
        excerpts = cut_excerpts(system.name, fitted, recording, seconds=seconds)
    return scores, excerpts, notes


def _told(what: str, error: Exception) -> str:
    """Return a failure in words; a mistake of ours is logged with its trace."""
    if isinstance(error, CarnaticSepError):
        return str(error)
    if isinstance(error, ValueError):
        return f"{what}: {error}"
    _log.exception("%s: unexpected error", what)
    return f"{what}: unexpected {type(error).__name__}: {error}; please report it"
