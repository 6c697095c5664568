"""All scores of one system on one recording, of the whole track and by the second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.evaluation.contenders import fit_channels
from carnatic_sep.evaluation.options import at_cleaner
from carnatic_sep.evaluation.recording import Recording
from carnatic_sep.stems import VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.registry import MetricSpec

    Stems = Mapping[str, NDArray[np.float32]]

SHORTEST_SECONDS = 0.1
"""Below this only what is a ratio of energies is computed: nothing else is defined there."""


@dataclass(frozen=True)
class Score:
    """One number.

    Attributes
    ----------
    system, stem, metric : of what
    value : NaN where the metric is not defined, infinite for a perfect or hopeless estimate
    start_seconds : of the second that it is about; None for the whole track
    """

    system: str
    stem: str
    metric: str
    value: float
    start_seconds: float | None = None


def score_system(
    system: str,
    estimates: Stems,
    recording: Recording,
    *,
    metrics: Sequence[MetricSpec],
) -> list[Score]:
    """Score a system's estimates with every metric that there is material for.

    Parameters
    ----------
    system : its name
    estimates : stem -> (channels, frames); those without a reference are left out, if there are
        references at all
    recording : the track
    metrics : to compute; the headline is computed for each cleaner, the others for the first

    Raises
    ------
    ValueError
        NaN in an estimate, or channels that cannot be compared.
    """
    channels = recording.channels
    wanted = recording.references or estimates
    fitted = {
        stem: fit_channels(np.asarray(audio), channels)
        for stem, audio in estimates.items()
        if stem in wanted
    }
    if not fitted:
        return []
    found: list[Score] = []
    cleaners: Sequence[str | None] = list(recording.cleaned) or [None]
    for number, cleaner in enumerate(cleaners):
        chosen = metrics if number == 0 else [spec for spec in metrics if spec.name == _HEADLINE]
        suffix = "" if number == 0 or cleaner is None else cleaner
        found += _scores(system, fitted, recording, cleaner, suffix=suffix, metrics=chosen)
    return found


def metrics_for(recording: Recording, names: Sequence[str] | None) -> list[MetricSpec]:
    """Return the metrics of those named (all quick ones if None) that say something here.

    Where references are clean they stand for the cleaned ones too, so that what tells bleed from
    artefacts is measured; what would only repeat SDR is left out.
    """
    from carnatic_sep.metrics.registry import select

    found = [spec for spec in select(names) if spec.name not in _OF_REFERENCES]
    if recording.cleaned:
        return found
    return [spec for spec in found if spec.name not in _REPEATED]


_HEADLINE = "lc_sdr"
"""All that the other cleaners are for: whether they agree on who is better."""

_OF_REFERENCES = ("ceiling", "lc_ceiling")
_REPEATED = ("lc_sdr", "lc_csdr", "lw_sdr")


def with_melodies(recording: Recording, metrics: Sequence[MetricSpec]) -> Recording:
    """Track the melodies of the references once, for all systems, if a metric asks for them."""
    if not recording.references or not any("melody" in spec.needs for spec in metrics):
        return recording
    from carnatic_sep.metrics.material import Material

    material = Material(
        sample_rate=recording.sample_rate,
        estimates=recording.references,
        references=recording.references,
        cleaned=recording.truth,
        melody=recording.melody,
    )
    tracked = {
        stem: material.melody_of(stem) for stem in (VOCALS, VIOLIN) if stem in recording.references
    }
    return replace(recording, melody={**tracked, **recording.melody})


def _scores(
    system: str,
    estimates: dict[str, NDArray[np.float32]],
    recording: Recording,
    cleaner: str | None,
    *,
    suffix: str,
    metrics: Sequence[MetricSpec],
) -> list[Score]:
    from carnatic_sep.metrics.material import Material

    cleaned = recording.cleaned[cleaner] if cleaner else recording.references
    material = Material(
        sample_rate=recording.sample_rate,
        estimates=estimates,
        references=recording.references,
        mixture=fit_channels(recording.mixture, recording.channels),
        cleaned=cleaned or None,
        silent=recording.silent,
        melody=recording.melody,
        tonic_hz=recording.tonic_hz,
        prepared=recording.prepared if cleaned is recording.truth else None,
    )
    short = recording.frames < SHORTEST_SECONDS * recording.sample_rate
    found = []
    for stem in estimates:
        for spec in metrics:
            if not spec.applies(material, stem) or (short and spec.name not in ("sdr", "usdr")):
                continue
            name = at_cleaner(spec.name, suffix) if suffix else spec.name
            found.append(Score(system, stem, name, float(spec.function(material, stem))))
            if spec.frames is not None and not short:
                seconds = enumerate(spec.frames(material, stem))
                found += [Score(system, stem, name, float(x), float(s)) for s, x in seconds]
    return found
