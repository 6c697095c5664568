"""Melody and rhythm as the registry calls them: (material, stem) -> a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from carnatic_sep.metrics.confusion import voice_violin_confusion
from carnatic_sep.metrics.melody import (
    Melody,
    drone_locking,
    gamaka_fidelity,
    melody_scores,
)
from carnatic_sep.metrics.pitch import track_melody
from carnatic_sep.metrics.rhythm import (
    detect_onsets,
    loudest_band,
    onset_scores,
    stroke_bands,
)
from carnatic_sep.stems import VIOLIN, VOCALS

if TYPE_CHECKING:
    from carnatic_sep.metrics.material import Audio, Material

    Score = Callable[[Material, str], float]

_RIVAL = {VOCALS: VIOLIN, VIOLIN: VOCALS}
_RANGE_HZ = {VOCALS: (75.0, 1000.0), VIOLIN: (170.0, 2000.0)}


def reference_of(material: Material, stem: str) -> Audio:
    """Return the cleaned stem where there is one, or the recorded one."""
    return (material.cleaned or {}).get(stem, material.references[stem])


def tracked(audio: Audio, stem: str, sample_rate: int) -> Melody:
    """Track the pitch of a stem within the range of its instrument."""
    lowest, highest = _RANGE_HZ.get(stem, _RANGE_HZ[VOCALS])
    return track_melody(audio, sample_rate=sample_rate, lowest_hz=lowest, highest_hz=highest)


def reference_melody(material: Material, stem: str) -> Melody:
    """Return the given melody of a stem, or track it in the cleaned or recorded reference."""
    given = (material.melody or {}).get(stem)
    if given is not None:
        return given
    return tracked(reference_of(material, stem), stem, material.sample_rate)


def melody_metric(name: str, *, tolerance_cents: float) -> Score:
    """Return the function of one field of :class:`carnatic_sep.metrics.melody.MelodyScores`."""

    def function(material: Material, stem: str) -> float:
        pair = material.melody_of(stem), material.estimated_melody(stem)
        return float(getattr(melody_scores(*pair, tolerance_cents=tolerance_cents), name))

    return function


def gamaka_metric(name: str) -> Score:
    """Return the function of one field of :class:`carnatic_sep.metrics.melody.GamakaFidelity`."""

    def function(material: Material, stem: str) -> float:
        pair = material.melody_of(stem), material.estimated_melody(stem)
        return float(getattr(gamaka_fidelity(*pair), name))

    return function


def drone_locking_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.melody.drone_locking`."""
    assert material.tonic_hz is not None
    pair = material.melody_of(stem), material.estimated_melody(stem)
    return drone_locking(*pair, tonic_hz=material.tonic_hz)


def confusion_of(material: Material, stem: str) -> float:
    """Return :func:`carnatic_sep.metrics.confusion.voice_violin_confusion`."""
    return voice_violin_confusion(
        material.estimates[stem],
        material.melody_of(stem),
        material.melody_of(_RIVAL[stem]),
        sample_rate=material.sample_rate,
    )


def has_rival(material: Material, stem: str) -> bool:
    """Whether the melodies of both `stem` and its rival can be known."""
    known = set(material.melody or {}) | set(material.references)
    return stem in known and _RIVAL.get(stem) in known


def onset_metric(name: str) -> Score:
    """Return the function of one field of :class:`carnatic_sep.metrics.rhythm.OnsetScores`."""

    def function(material: Material, stem: str) -> float:
        reference, rate = reference_of(material, stem), material.sample_rate
        scale = loudest_band(reference, sample_rate=rate)
        found = (
            detect_onsets(audio, sample_rate=rate, full_scale=scale)
            for audio in (reference, material.estimates[stem])
        )
        return float(getattr(onset_scores(*found), name))

    return function


def stroke_metric(name: str) -> Score:
    """Return the function of one field of :class:`carnatic_sep.metrics.rhythm.StrokeBands`."""

    def function(material: Material, stem: str) -> float:
        pair = reference_of(material, stem), material.estimates[stem]
        return float(getattr(stroke_bands(*pair, sample_rate=material.sample_rate), name))

    return function
