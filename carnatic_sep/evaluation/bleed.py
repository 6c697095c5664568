"""What the leakage room knows about a track's references, in the shapes that scoring uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.material import Spans

    Stems = dict[str, NDArray[np.float32]]

SHORTEST_SECONDS = 0.2
"""References shorter than this are left as they are: there is nothing to learn a room from."""


def cleaner_version() -> str:
    """Return the version of the cleaners: scores of two versions must not be compared."""
    from carnatic_sep.leakage.clean import CLEANER_VERSION

    return CLEANER_VERSION


def clean_references(
    references: Mapping[str, NDArray[np.float32]], *, sample_rate: int, cleaner: str
) -> Stems:
    """Take each stem's bleed out of it, channel by channel, with no model.

    Parameters
    ----------
    references : stem -> (channels, frames), as recorded
    sample_rate : Hz
    cleaner : a method of :class:`carnatic_sep.leakage.config.CleanConfig`

    Returns
    -------
    stem -> (channels, frames)

    Raises
    ------
    UsageError
        No such method.
    """
    from carnatic_sep.leakage.clean import clean
    from carnatic_sep.leakage.config import CleanConfig

    channels, frames = next(iter(references.values())).shape
    if len(references) < 2 or frames < SHORTEST_SECONDS * sample_rate:
        return dict(references)
    config = CleanConfig(method=cleaner)  # type: ignore[arg-type] # it says what it knows
    cleaned = []
    for channel in range(channels):
        mono = {stem: np.ascontiguousarray(audio[channel]) for stem, audio in references.items()}
        cleaned.append(clean(mono, sample_rate=sample_rate, config=config).stems)
    return {
        stem: np.stack([each[stem] for each in cleaned]).astype(np.float32) for stem in references
    }


def silent_spans(
    references: Mapping[str, NDArray[np.float32]], *, sample_rate: int
) -> dict[str, Spans]:
    """Return stem -> spans in seconds in which its player rests, told from all microphones."""
    from carnatic_sep.leakage.activity import frame_activity, silence_regions

    frames = next(iter(references.values())).shape[-1]
    if len(references) < 2 or frames < SHORTEST_SECONDS * sample_rate:
        return {}
    together = np.stack([audio.mean(axis=0) for audio in references.values()])
    activity = frame_activity(together, sample_rate=sample_rate)
    return {stem: silence_regions(activity, index) for index, stem in enumerate(references)}


def ceilings(
    references: Mapping[str, NDArray[np.float32]],
    silent: Mapping[str, Spans],
    *,
    sample_rate: int,
) -> dict[str, float]:
    """Return stem -> signal over bleed in dB: the SDR that a perfect estimate would get.

    Parameters
    ----------
    references : stem -> (channels, frames), as recorded or cleaned
    silent : stem -> spans in seconds in which it rests
    sample_rate : Hz

    Returns
    -------
    only for stems that rest for long enough
    """
    from carnatic_sep.metrics.leakage import ceiling_db

    mixture = np.sum(list(references.values()), axis=0)
    found = {
        stem: ceiling_db(audio, silent[stem], sample_rate=sample_rate, mixture=mixture)
        for stem, audio in references.items()
        if stem in silent
    }
    return {stem: value for stem, value in found.items() if not np.isnan(value)}
