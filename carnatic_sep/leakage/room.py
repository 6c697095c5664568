"""A kutcheri's stage as data: who sits where, what microphone stands there, and in which hall."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from carnatic_sep.datasets.config import Strict
from carnatic_sep.errors import UnknownNameError
from carnatic_sep.stems import ALIASES, MRIDANGAM, OTHER, VIOLIN, VOCALS

Point = tuple[float, float, float]
Metres = Annotated[float, Field(gt=0)]

# Where players sit, in metres from the singer's seat: to the right as the audience sees it, towards
# the back of the stage, and height above the platform of what sounds. Then how far its microphone
# stands, from where (degrees to the player's own left of where he looks, and upwards), and how
# strongly the instrument beams (0 sounds alike all around, 0.5 is a cardioid). The violinist sits
# left and the mridangam player right of the singer, both turned towards him; the others sit behind.
_STAGE: dict[str, tuple[Point, float, float, float, float, float]] = {
    VOCALS: ((0.0, 0.0, 0.75), 0.0, 0.15, 0.0, -25.0, 0.35),
    VIOLIN: ((-1.3, 0.35, 0.55), 35.0, 0.30, 20.0, 45.0, 0.15),
    MRIDANGAM: ((1.3, 0.35, 0.35), -35.0, 0.25, 60.0, 10.0, 0.1),
    "tanpura": ((-0.55, 1.15, 0.45), 0.0, 0.30, 0.0, 10.0, 0.05),
    "ghatam": ((0.75, 1.35, 0.40), -15.0, 0.25, 0.0, 20.0, 0.1),
    "kanjira": ((1.6, 1.35, 0.60), -25.0, 0.25, 0.0, 0.0, 0.2),
    "morsing": ((-1.4, 1.45, 0.75), 20.0, 0.10, 0.0, 0.0, 0.3),
    OTHER: ((0.2, 1.25, 0.45), 0.0, 0.30, 0.0, 15.0, 0.05),
}
_FRONT_OF_STAGE = 2.0
_PLATFORM = 0.8


class Seat(Strict):
    """One player with one microphone. Positions are metres from the hall's front left corner."""

    name: str
    position: Point
    """Where the sound leaves voice or instrument."""
    facing_degrees: float = 0.0
    """Where the player looks: 0 at the audience, positive to his own left."""
    microphone: Point
    beam: float = Field(default=0.2, ge=0, le=1)
    """1 - beam + beam cos(angle) of the sound goes off at an angle from where the player looks."""


class Room(Strict):
    """A rectangular hall with a stage along its front wall.

    x runs along the stage, from left to right as the audience sees it; y from the audience to the
    back of the stage; z upwards.
    """

    size: tuple[Metres, Metres, Metres]
    rt60: float = Field(gt=0.05, le=5.0)
    """Seconds in which the reverberation falls by 60 dB."""
    seats: tuple[Seat, ...] = Field(min_length=1)
    microphone_pattern: float = Field(default=0.5, ge=0, le=1)
    """Share of the pressure in a microphone, which looks at its player: 1 omni, 0.5 cardioid."""
    max_order: int = Field(default=10, ge=3, le=30)
    """Reflections that are traced one by one; later ones are a diffuse tail."""
    seed: int = Field(default=0, ge=0)
    """Of the diffuse tail."""

    @model_validator(mode="after")
    def _all_inside(self) -> Room:
        for seat in self.seats:
            for what, point in (("player", seat.position), ("microphone", seat.microphone)):
                if not all(0 < at < side for at, side in zip(point, self.size, strict=True)):
                    raise ValueError(f"the {what} of {seat.name} sits outside the room: {point}")
            if seat.position == seat.microphone:
                raise ValueError(f"the microphone of {seat.name} stands inside its player")
        names = [seat.name for seat in self.seats]
        if len(set(names)) != len(names):
            raise ValueError("two seats have one name")
        return self

    def seat(self, name: str) -> Seat:
        """Return the seat of `name` or of the stem it is an alias of.

        Raises
        ------
        UnknownNameError
            Nobody of that name sits on this stage.
        """
        seats = {seat.name: seat for seat in self.seats}
        for candidate in (name, ALIASES.get(name.lower(), name.lower())):
            if candidate in seats:
                return seats[candidate]
        raise UnknownNameError("seat", name, list(seats))


def draw_room(seed: int) -> Room:
    """Draw a hall, and a kutcheri's stage with its close microphones in it.

    RT60 lies between 0.3 and 1.2 s; seats and microphones lie around the usual ones by 15 cm and
    3 cm. The same seed gives the same room.

    >>> room = draw_room(3)
    >>> 0.3 <= room.rt60 <= 1.2, room.seat("violin").position[0] < room.seat("vocals").position[0]
    (True, True)
    """
    rng = np.random.default_rng(seed)
    size = (rng.uniform(7, 16), rng.uniform(8, 20), rng.uniform(3.2, 6.5))
    rt60 = rng.uniform(0.3, 1.2)
    middle = size[0] / 2 + rng.uniform(-0.5, 0.5)
    front = size[1] - _FRONT_OF_STAGE - rng.uniform(0.3, 0.8)
    seats = []
    for name, (offset, facing, distance, azimuth, elevation, beam) in _STAGE.items():
        seat_of_singer = np.array([middle, front, _PLATFORM])
        place = seat_of_singer + offset + rng.uniform(-0.15, 0.15, 3)
        looks = facing + rng.uniform(-10, 10)
        towards = _direction(looks + azimuth + rng.uniform(-10, 10), elevation)
        microphone = place + distance * rng.uniform(0.8, 1.2) * towards
        seats.append(
            Seat(
                name=name,
                position=_point(place),
                facing_degrees=round(float(looks), 2),
                microphone=_point(microphone),
                beam=beam,
            )
        )
    return Room(
        size=_point(np.array(size)),
        rt60=round(float(rt60), 3),
        seats=tuple(seats),
        seed=seed,
    )


def _direction(azimuth: float, elevation: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the unit vector to the left of the audience by `azimuth`, and up; degrees."""
    left, up = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(left) * np.cos(up), -np.cos(left) * np.cos(up), np.sin(up)])


def _point(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Point:
    x, y, z = (round(float(value), 3) for value in values)
    return x, y, z
