"""The front-of-house desk: level, seat in the stereo picture, tone, reverb, mastering; as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.config import Range, Share, Strict
from carnatic_sep.ensemble.mastering import Mastering

if TYPE_CHECKING:
    from numpy.typing import NDArray

OCTAVES_HZ = 31.25 * 2.0 ** np.arange(10)
"""Where tone curves have their gains; between them they run straight in octaves and dB."""


class DeskConfig(Strict):
    """What a desk may be set to. Levels are dB relative to the voice while both sound.

    The limits lie around what was measured on a concert's mix: `recipes/ensemble/realism.py`.
    """

    levels_db: Mapping[str, Range] = {
        "vocals": (0.0, 0.0),
        "violin": (-12.0, -1.0),
        "mridangam": (-6.0, 4.0),
        "tanpura": (-30.0, -14.0),
        "ghatam": (-14.0, -4.0),
        "kanjira": (-14.0, -4.0),
        "clap": (-26.0, -12.0),
        "hall": (-32.0, -19.0),
    }
    pans: Mapping[str, Range] = {
        "vocals": (-0.1, 0.1),
        "violin": (-0.6, -0.1),
        "mridangam": (0.1, 0.6),
        "tanpura": (-0.4, 0.4),
        "ghatam": (-0.7, 0.7),
        "kanjira": (-0.7, 0.7),
        "clap": (-0.5, 0.5),
    }
    mirrored: Share = 0.5
    """How often left and right are exchanged, as seen from the other side."""
    channel_tone_db: float = 2.0
    """Standard deviation of each player's own tone curve, dB an octave band."""
    master_tone_db: float = 2.0
    """Standard deviation of the whole mix's tone curve around :data:`CONCERT_TONE_DB`."""
    reverb_db: Range = (-13.0, -3.0)
    """Level of the desk's stereo reverb relative to the dry sound, between its corners."""
    reverb_seconds: Range = (0.6, 1.6)
    reverb_hz: tuple[float, float] = (120.0, 9000.0)
    """Corners between which the reverb returns: below the first it falls by 12 dB an octave (0 for
    no such corner), above the second by 6 dB."""
    threshold_db: Range = (4.0, 12.0)
    ratio: Range = (1.0, 2.5)
    loudness_db: Range = (-31.0, -19.0)
    ceiling: Range = (0.5, 0.95)


CONCERT_TONE_DB = (-4.0, -1.0, 5.0, -2.0, 1.0, 0.0, -2.5, -5.0, -2.5, -8.0)
"""Gain of the whole mix in the bands :data:`OCTAVES_HZ` that brings its mean spectrum near that of
a concert; fitted to the first half of one by `recipes/ensemble/realism.py --half first`."""


@dataclass(frozen=True)
class Channel:
    """One player's strip.

    Attributes
    ----------
    level_db : relative to the voice
    pan : -1 left to 1 right
    tone_db : gain in each of :data:`OCTAVES_HZ`
    """

    level_db: float
    pan: float
    tone_db: tuple[float, ...]

    @property
    def pan_gains(self) -> NDArray[np.float32]:
        """Gains of left and right, (2,), of equal power."""
        angle = (self.pan + 1.0) * np.pi / 4.0
        return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


@dataclass(frozen=True)
class Desk:
    """All settings of one mix.

    Attributes
    ----------
    channels : by player
    tone_db : of the whole mix, in :data:`OCTAVES_HZ`
    reverb_db, reverb_seconds, reverb_hz : of the desk's stereo reverb; no level for none
    bleed_db : energy of what each microphone hears of the others, relative to its own player;
        None for microphones that hear nobody else
    mastering : compressor and limiter
    """

    channels: Mapping[str, Channel]
    tone_db: tuple[float, ...]
    reverb_db: float | None
    reverb_seconds: float
    reverb_hz: tuple[float, float] = (120.0, 9000.0)
    bleed_db: float | None = None
    mastering: Mastering = field(default_factory=Mastering)

    def without_tone(self) -> Desk:
        """Return the same desk with every tone curve flat."""
        flat = (0.0,) * OCTAVES_HZ.size
        channels = {name: replace(c, tone_db=flat) for name, c in self.channels.items()}
        return replace(self, channels=channels, tone_db=flat)


def draw_desk(
    rng: np.random.Generator, config: DeskConfig, *, bleed_db: float | None = None
) -> Desk:
    """Draw the settings of one mix."""
    side = -1.0 if rng.random() < config.mirrored else 1.0
    flat = (0.0, 0.0)
    channels = {
        name: Channel(
            level_db=float(rng.uniform(*limits)),
            pan=side * float(rng.uniform(*config.pans.get(name, flat))),
            tone_db=_tone(rng, config.channel_tone_db, (0.0,) * OCTAVES_HZ.size),
        )
        for name, limits in config.levels_db.items()
    }
    return Desk(
        channels=channels,
        tone_db=_tone(rng, config.master_tone_db, CONCERT_TONE_DB),
        reverb_db=float(rng.uniform(*config.reverb_db)),
        reverb_seconds=float(rng.uniform(*config.reverb_seconds)),
        reverb_hz=config.reverb_hz,
        bleed_db=bleed_db,
        mastering=Mastering(
            threshold_db=float(rng.uniform(*config.threshold_db)),
            ratio=float(rng.uniform(*config.ratio)),
            loudness_db=float(rng.uniform(*config.loudness_db)),
            ceiling=float(rng.uniform(*config.ceiling)),
        ),
    )


def _tone(
    rng: np.random.Generator, deviation: float, centre: tuple[float, ...]
) -> tuple[float, ...]:
    """Draw a tone curve around `centre`; neighbours are alike."""
    steps = rng.normal(0.0, deviation, len(centre) + 2)
    smooth = (0.5 * steps[:-2] + steps[1:-1] + 0.5 * steps[2:]) / np.sqrt(1.5)
    return tuple(float(value) for value in np.asarray(centre) + smooth)


def tone_gains(tone_db: tuple[float, ...], hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read a tone curve at frequencies in Hz, as factors; held beyond its ends."""
    place = np.log2(np.maximum(hz, 1.0) / OCTAVES_HZ[0])
    gains = 10.0 ** (np.interp(place, np.arange(OCTAVES_HZ.size), tone_db) / 20.0)
    return np.asarray(gains)
