"""What the leakage room knows about a track's references, in the shapes that scoring uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.leakage.config import CleanConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.metrics.material import Spans
    from carnatic_sep.metrics.melody import Melody

    Stems = dict[str, NDArray[np.float32]]

SHORTEST_SECONDS = 0.2
"""References shorter than this are left as they are: there is nothing to learn a room from."""

SHORTEST_REST_SECONDS = 0.5
MASKED = CleanConfig(rounds=1, taps=(8,), post_filter=True)
"""The second cleaner: it knows nothing of rests and masks, so that it errs in its own way."""


def cleaner_version() -> str:
    """Return the version of the cleaners: scores of two versions must not be compared."""
    from carnatic_sep.leakage.clean import CLEANER_VERSION
    from carnatic_sep.leakage.rested import RESTED_VERSION

    return f"{CLEANER_VERSION}, rested {RESTED_VERSION}"


def clean_references(
    references: Mapping[str, NDArray[np.float32]],
    *,
    sample_rate: int,
    cleaner: str,
    silent: Mapping[str, Spans] | None = None,
) -> Stems:
    """Take each stem's bleed out of it, channel by channel, with no model.

    Parameters
    ----------
    references : stem -> (channels, frames), as recorded
    sample_rate : Hz
    cleaner : "rested", filters that learn while a player rests; "masked", filters and a mask that
        know nothing of rests; or, linear, a method of
        :class:`carnatic_sep.leakage.config.CleanConfig`
    silent : stem -> spans in seconds in which it rests, for "rested"; told from the stems if None

    Returns
    -------
    stem -> (channels, frames)

    Raises
    ------
    UsageError
        No such cleaner.
    """
    from carnatic_sep.leakage.clean import clean
    from carnatic_sep.leakage.rested import clean_rested

    channels, frames = next(iter(references.values())).shape
    if len(references) < 2 or frames < SHORTEST_SECONDS * sample_rate:
        return dict(references)
    cleaned = []
    for channel in range(channels):
        mono = {stem: np.ascontiguousarray(audio[channel]) for stem, audio in references.items()}
        if cleaner == "rested":
            cleaned.append(clean_rested(mono, sample_rate=sample_rate, rests=silent))
            continue
        config = MASKED
        if cleaner != "masked":
            config = CleanConfig(method=cleaner, post_filter=False)  # type: ignore[arg-type] # it says what it knows
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
    references: Mapping[str, NDArray[np.float32]], masked: Mapping[str, NDArray[np.float32]]
) -> dict[str, float]:
    """Return stem -> the SDR in dB that the true stem would get against the recorded one.

    As :mod:`carnatic_sep.leakage.estimate` defines it: what cleaner and mask took out, times a
    constant for what they leave, is bleed. Empty where nothing could be cleaned.

    Parameters
    ----------
    references : stem -> (channels, frames), as recorded
    masked : the same, from :func:`clean_references` with the cleaner "masked"
    """
    from carnatic_sep.leakage.estimate import LEFT

    if all(masked[stem] is recorded for stem, recorded in references.items()):
        return {}
    found = {}
    for stem, recorded in references.items():
        own = float(np.sum(np.square(masked[stem], dtype=np.float64)))
        removed = recorded.astype(np.float64) - masked[stem]
        bleed = LEFT * float(np.sum(np.square(removed)))
        if own + bleed > 0.0:
            found[stem] = 10.0 * float(np.log10((own + bleed) / bleed)) if bleed else float("inf")
    return found


def rests_of(melody: Melody, *, seconds: float, guard_seconds: float = 0.05) -> Spans:
    """Return where an annotated melody rests for half a second or more, up to `seconds`."""
    sung = melody.times[melody.f0 > 0]
    edges = np.concatenate([[0.0], sung, [seconds]])
    gaps = np.flatnonzero(np.diff(edges) >= SHORTEST_REST_SECONDS + 2 * guard_seconds)
    return [(float(edges[k] + guard_seconds), float(edges[k + 1] - guard_seconds)) for k in gaps]
