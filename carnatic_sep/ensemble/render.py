"""The public face of the ensemble: a kutcheri with known truth, by rule alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.mridangam import drum
from carnatic_sep.ensemble.plan import Plan, generator, plan
from carnatic_sep.ensemble.room import place
from carnatic_sep.ensemble.tanpura import drone
from carnatic_sep.ensemble.violin import bow
from carnatic_sep.ensemble.voice import sing
from carnatic_sep.errors import UsageError
from carnatic_sep.stems import MRIDANGAM, OTHER, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEAK = 0.7
# As a front-of-house desk would set them: dB relative to the voice, and seats on the stage.
_LEVELS_DB = {VOCALS: 0.0, VIOLIN: -6.0, MRIDANGAM: -5.0, OTHER: -20.0}
_PANS = {VOCALS: 0.0, VIOLIN: -0.35, MRIDANGAM: 0.35, OTHER: 0.15}
_LOWEST_RATE, _HIGHEST_RATE = 8000, 192000


def render(
    *, seconds: float = 20.0, sample_rate: int = 44100, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Render voice, shadowing violin, mridangam in adi tala and tanpura.

    Parameters
    ----------
    seconds : length, at least 1
    sample_rate : Hz, 8000 to 192000
    seed : the same seed gives the same bytes; another gives another raga, tonic and melody

    Returns
    -------
    ``{"vocals", "violin", "mridangam", "other"}``, each (2, frames) float32; their sum,
    :func:`mix`, peaks at 0.7 of full scale.

    Raises
    ------
    UsageError
        A length, rate or seed out of range.
    """
    if not seconds >= 1.0 or not np.isfinite(seconds):
        raise UsageError(f"seconds must be at least 1, not {seconds}")
    if not _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE:
        raise UsageError(
            f"sample rate must lie between {_LOWEST_RATE} and {_HIGHEST_RATE} Hz, not {sample_rate}"
        )
    if seed < 0:
        raise UsageError(f"the seed must be 0 or above, not {seed}")
    return perform(plan(seconds=seconds, seed=seed), sample_rate=sample_rate)


def perform(piece: Plan, *, sample_rate: int) -> dict[str, NDArray[np.float32]]:
    """Play a plan; see :func:`render` for what comes back."""
    frames = round(piece.seconds * sample_rate)
    dry = {
        VOCALS: sing(
            piece.voice,
            tonic_hz=piece.tonic_hz,
            high_voice=piece.high_voice,
            frames=frames,
            sample_rate=sample_rate,
            rng=generator(piece.seed, VOCALS),
        ),
        VIOLIN: bow(
            piece.violin,
            tonic_hz=piece.tonic_hz,
            frames=frames,
            sample_rate=sample_rate,
            rng=generator(piece.seed, VIOLIN),
        ),
        MRIDANGAM: drum(
            piece.strokes,
            tonic_hz=piece.tonic_hz,
            frames=frames,
            sample_rate=sample_rate,
            rng=generator(piece.seed, MRIDANGAM),
        ),
        OTHER: drone(
            tonic_hz=piece.tonic_hz,
            frames=frames,
            sample_rate=sample_rate,
            rng=generator(piece.seed, OTHER),
        ),
    }
    placed = {
        name: place(
            sound * (10.0 ** (_LEVELS_DB[name] / 20.0) / np.sqrt(np.mean(sound**2) + 1e-20)),
            pan=_PANS[name],
            sample_rate=sample_rate,
            rng=generator(piece.seed, f"seat of {name}"),
        )
        for name, sound in dry.items()
    }
    gain = PEAK / np.max(np.abs(sum(placed.values())))
    return {name: (gain * sound).astype(np.float32) for name, sound in placed.items()}


def mix(stems: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the sum of `stems`, each (channels, frames), in their order."""
    total = np.zeros_like(next(iter(stems.values())))
    for stem in stems.values():
        total += stem
    return total
