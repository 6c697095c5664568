"""What the leakage room knows about a track's references, in the shapes that scoring uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.material import Spans
    from carnatic_sep.metrics.melody import Melody

    Stems = dict[str, NDArray[np.float32]]

SHORTEST_SECONDS = 0.2
"""References shorter than this are left as they are: there is nothing to learn a room from."""


SHORTEST_REST_SECONDS = 0.5


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
    cleaned: Mapping[str, NDArray[np.float32]],
    silent: Mapping[str, Spans],
    *,
    sample_rate: int,
) -> dict[str, float]:
    """Return stem -> signal over bleed in dB: about the SDR that a perfect estimate would get.

    The lower of two estimates: the energy of what the cleaner left over the energy of what it took
    out; and, where the stem rests for a second or more, its power while it plays over its power
    while the others play alone.

    Parameters
    ----------
    references : stem -> (channels, frames), as recorded
    cleaned : the same, cleaned
    silent : stem -> spans in seconds in which it rests
    sample_rate : Hz
    """
    from carnatic_sep.metrics.leakage import ceiling_db
    from carnatic_sep.metrics.sdr import sdr

    mixture = np.sum(list(references.values()), axis=0)
    found = {}
    for stem, recorded in references.items():
        values = [sdr(cleaned[stem], recorded)]
        if stem in silent:
            rests = silent[stem]
            values.append(ceiling_db(recorded, rests, sample_rate=sample_rate, mixture=mixture))
        known = [value for value in values if not np.isnan(value)]
        if known:
            found[stem] = float(min(known))
    return found


def rests_of(melody: Melody, *, seconds: float, guard_seconds: float = 0.2) -> Spans:
    """Return where an annotated melody rests for half a second or more, up to `seconds`."""
    sung = melody.times[melody.f0 > 0]
    edges = np.concatenate([[0.0], sung, [seconds]])
    gaps = np.flatnonzero(np.diff(edges) >= SHORTEST_REST_SECONDS + 2 * guard_seconds)
    return [(float(edges[k] + guard_seconds), float(edges[k + 1] - guard_seconds)) for k in gaps]
