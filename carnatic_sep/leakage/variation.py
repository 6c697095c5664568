"""What changes while a concert is recorded: a singer who turns, a hand on a fader, a limiter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from carnatic_sep.datasets.config import Strict
from carnatic_sep.leakage.room import Room, Seat
from carnatic_sep.stems import VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

POSES = 5
"""Steps between the straight and the turned end of a turn; sound fades from one to the next."""
_RELEASE_SECONDS = 0.15
_ATTACK_SECONDS = 0.005


class Turn(Strict):
    """A player who turns his head to and fro in front of a microphone that stands still."""

    name: str = VOCALS
    degrees: float = Field(default=50.0, ge=-180, le=180)
    neck_metres: float = Field(default=0.1, ge=0, le=0.5)
    """From the axis of the turn to where the sound comes out."""
    period_seconds: float = Field(default=8.0, gt=0)


class GainRide(Strict):
    """A hand on each fader: a slow random walk of the gain behind each microphone."""

    depth_db: float = Field(default=4.0, ge=0)
    """Standard deviation of the points that the fader moves through."""
    interval_seconds: float = Field(default=3.0, gt=0)
    """Between two such points."""


class Limiter(Strict):
    """A soft limiter behind each microphone.

    Its gain follows the level of what the microphone records, bleed included, and acts on both.
    """

    threshold_db: float = Field(default=-6.0, le=0)
    """Relative to the microphone's own peak."""
    ratio: float = Field(default=8.0, gt=1)
    knee_db: float = Field(default=6.0, gt=0)


class Variation(Strict):
    """Which of them happen."""

    turn: Turn | None = None
    gain_ride: GainRide | None = None
    limiter: Limiter | None = None


def poses(room: Room, turn: Turn) -> list[Room]:
    """Return `room` with the player straight, at each step of the turn, and fully turned."""
    seat = room.seat(turn.name)
    return [_turned(room, seat, turn, share) for share in np.linspace(0.0, 1.0, POSES)]


def pose_weights(turn: Turn, *, frames: int, sample_rate: int) -> NDArray[np.float32]:
    """Return how much of each pose is heard when, (poses, frames); sums over poses to 1.

    The turn goes from straight to turned and back as a cosine.
    """
    seconds = np.arange(frames) / sample_rate
    place = (POSES - 1) * (0.5 - 0.5 * np.cos(2 * np.pi * seconds / turn.period_seconds))
    return np.stack(
        [np.clip(1.0 - np.abs(place - pose), 0.0, 1.0).astype(np.float32) for pose in range(POSES)]
    )


def ride(
    gain_ride: GainRide, *, frames: int, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw one fader's gain, (frames,), linear: smooth in dB through random points."""
    from scipy.interpolate import PchipInterpolator

    points = int(np.ceil(frames / (gain_ride.interval_seconds * sample_rate))) + 2
    places = np.arange(points) * gain_ride.interval_seconds * sample_rate
    level = PchipInterpolator(places, rng.normal(0.0, gain_ride.depth_db, points))
    gain: NDArray[np.float32] = (10.0 ** (level(np.arange(frames)) / 20.0)).astype(np.float32)
    return gain


def limiter_gain(
    limiter: Limiter, recorded: NDArray[np.float32], *, sample_rate: int
) -> NDArray[np.float32]:
    """Return the gain, (frames,) in 0 to 1, that the limiter applies to `recorded`, (frames,).

    A compressor with a soft knee: instant peaks held and let go over 150 ms, the gain smoothed
    over 5 ms (Giannoulis, Massberg and Reiss, 2012).
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    peak = float(np.max(np.abs(recorded), initial=0.0))
    if peak == 0.0:
        return np.ones(len(recorded), dtype=np.float32)
    held = maximum_filter1d(np.abs(recorded), max(int(_RELEASE_SECONDS * sample_rate), 1))
    over = 20.0 * np.log10(held / peak + 1e-9) - limiter.threshold_db
    knee = limiter.knee_db
    bent = np.where(
        over < -knee / 2,
        0.0,
        np.where(over > knee / 2, over, (over + knee / 2) ** 2 / (2 * knee)),
    )
    reduction = uniform_filter1d(
        bent * (1.0 - 1.0 / limiter.ratio), max(int(_ATTACK_SECONDS * sample_rate), 1)
    )
    gain: NDArray[np.float32] = (10.0 ** (-reduction / 20.0)).astype(np.float32)
    return gain


def _turned(room: Room, seat: Seat, turn: Turn, share: float) -> Room:
    """Return `room` with the mouth of `seat` swung around its neck by a share of the turn."""
    before, after = np.radians([seat.facing_degrees, seat.facing_degrees + share * turn.degrees])
    x, y, z = seat.position
    moved = (
        x + turn.neck_metres * float(np.sin(after) - np.sin(before)),
        y - turn.neck_metres * float(np.cos(after) - np.cos(before)),
        z,
    )
    swung = seat.model_copy(
        update={"position": moved, "facing_degrees": seat.facing_degrees + share * turn.degrees}
    )
    seats = tuple(swung if other is seat else other for other in room.seats)
    return room.model_copy(update={"seats": seats})
