"""How the microphones of a stage hear its players: image method, then a diffuse tail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.room import Room, Seat
from carnatic_sep.stems import DEFAULT_STEMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPEED_OF_SOUND = 343.0
_TAIL_FADE_SECONDS = 0.01
_LEVEL_SECONDS = 0.04
_BRIGHT_HZ = 4000.0
_BRIGHT_DECAY = 0.6
_DIRECT_SECONDS = 0.001


@dataclass(frozen=True)
class Responses:
    """Impulse responses between all players and all microphones of a stage.

    Attributes
    ----------
    names : of players, and of their microphones, in one order
    taps : (microphones, players, taps) float32; a microphone hears its own player's direct sound
        at unit gain
    origin : tap that stands for no delay
    gains : (microphones,), the gain of each behind the pressure that the room gives
    sample_rate : Hz
    room : the hall they belong to
    """

    names: tuple[str, ...]
    taps: NDArray[np.float32]
    origin: int
    gains: NDArray[np.float64]
    sample_rate: int
    room: Room

    def select(self, names: Sequence[str]) -> Responses:
        """Return the responses between the players `names`, in that order.

        Raises
        ------
        UsageError
            Somebody of that name is not among these responses.
        """
        seats = [self.room.seat(name).name for name in self.names]
        wanted = [seat.name for seat in find_seats(self.room, names)]
        missing = [name for name in wanted if name not in seats]
        if missing:
            raise UsageError(
                f"the room's responses have no {', '.join(missing)}; players are "
                f"{', '.join(self.names)}. Compute them with names={list(names)}"
            )
        chosen = [seats.index(name) for name in wanted]
        return replace(
            self,
            names=tuple(names),
            taps=self.taps[np.ix_(chosen, chosen)],
            gains=self.gains[chosen],
        )


def room_responses(
    room: Room,
    *,
    sample_rate: int,
    names: Sequence[str] = DEFAULT_STEMS,
    gains: NDArray[np.float64] | None = None,
) -> Responses:
    """Compute the responses between the seats of `names`, once for all pieces played there.

    Up to `room.max_order` reflections come from the image method (Allen and Berkley, 1979) with
    the directivity of players and microphones. Where later ones would be missing, noise goes on
    that decays as RT60 says, faster above 4 kHz (Polack, 1988), at the level reached.

    Parameters
    ----------
    names : seats of `room`, or aliases of stems that have one; at least one, none twice
    gains : of the microphones; unit gain for the own player's direct sound if None

    Raises
    ------
    UsageError
        pyroomacoustics is not installed, or names are missing or repeated.
    UnknownNameError
        Nobody of that name sits there.
    """
    seats = find_seats(room, names)
    early, origin = trace_images(room, seats, sample_rate=sample_rate)
    taps = origin + int(room.rt60 * sample_rate)
    responses = np.zeros((len(seats), len(seats), taps))
    length = min(early.shape[2], taps)
    responses[..., :length] = early[..., :length]
    # Images of one order more than was traced arrive after this many seconds, and are missing.
    complete = (room.max_order + 1) * min(room.size) / SPEED_OF_SOUND
    start = origin + int(complete * sample_rate)
    if start < taps:
        _add_tails(responses, start=start, room=room, sample_rate=sample_rate)
    if gains is None:
        gains = unit_gains(responses, seats, origin=origin, sample_rate=sample_rate)
    return Responses(
        names=tuple(names),
        taps=(gains[:, None, None] * responses).astype(np.float32),
        origin=origin,
        gains=gains,
        sample_rate=sample_rate,
        room=room,
    )


def find_seats(room: Room, names: Sequence[str]) -> list[Seat]:
    """Return the seats of `names`; at least one, none twice."""
    if not names or len(set(names)) != len(names):
        raise UsageError(f"give at least one player and none twice, not {list(names)}")
    return [room.seat(name) for name in names]


def trace_images(
    room: Room, seats: list[Seat], *, sample_rate: int
) -> tuple[NDArray[np.float64], int]:
    """Return (microphones, players, taps) by the image method, and the tap of no delay."""
    try:
        import pyroomacoustics as pra
        from pyroomacoustics.directivities import CardioidFamily
    except ImportError as error:
        raise UsageError(
            "rooms are computed with pyroomacoustics, which is not installed: "
            'pip install "carnatic-sep[rooms]"'
        ) from error
    hall = pra.ShoeBox(
        list(room.size),
        fs=sample_rate,
        materials=pra.Material(_absorption(room)),
        max_order=room.max_order,
        air_absorption=False,
    )
    microphones = []
    for seat in seats:
        looks = np.radians(seat.facing_degrees)
        forward = np.array([np.sin(looks), -np.cos(looks), 0.0])
        hall.add_source(
            list(seat.position),
            directivity=CardioidFamily(orientation=_towards(forward), p=1.0 - seat.beam),
        )
        aim = np.subtract(seat.position, seat.microphone)
        microphones.append(CardioidFamily(orientation=_towards(aim), p=room.microphone_pattern))
    places = np.array([seat.microphone for seat in seats]).T
    hall.add_microphone_array(pra.MicrophoneArray(places, sample_rate, directivity=microphones))
    hall.compute_rir()
    taps = max(len(response) for row in hall.rir for response in row)
    early = np.zeros((len(seats), len(seats), taps))
    for microphone, row in enumerate(hall.rir):
        for player, response in enumerate(row):
            early[microphone, player, : len(response)] = response
    return early, pra.constants.get("frac_delay_length") // 2


def _towards(vector: NDArray[np.float64]) -> object:
    from pyroomacoustics.directivities import DirectionVector

    x, y, z = vector / np.linalg.norm(vector)
    return DirectionVector(azimuth=np.arctan2(y, x), colatitude=np.arccos(z), degrees=False)


def _absorption(room: Room) -> float:
    """Energy that the walls take, 0 to 1, for the room's RT60 (Norris and Eyring, 1930)."""
    x, y, z = room.size
    surface = 2 * (x * y + y * z + z * x)
    return float(-np.expm1(-24 * np.log(10) / SPEED_OF_SOUND * x * y * z / (surface * room.rt60)))


def _add_tails(responses: NDArray[np.float64], *, start: int, room: Room, sample_rate: int) -> None:
    """Cross-fade each response, in place, into noise at its level before `start`."""
    from scipy.signal import butter, sosfilt

    rng = np.random.default_rng(room.seed)
    fade = int(_TAIL_FADE_SECONDS * sample_rate)
    begin = max(start - fade, 0)
    noise = rng.standard_normal((*responses.shape[:2], responses.shape[2] - begin))
    corner = min(_BRIGHT_HZ, 0.45 * sample_rate)
    dull = sosfilt(butter(1, corner, fs=sample_rate, output="sos"), noise, axis=-1)
    seconds = np.arange(noise.shape[-1]) / sample_rate
    slow = np.exp(-3 * np.log(10) * seconds / room.rt60)
    tail = slow * dull + slow ** (1 / _BRIGHT_DECAY) * (noise - dull)

    window = min(int(_LEVEL_SECONDS * sample_rate), begin)
    before = responses[..., begin - window : begin]
    heard = np.sqrt(np.mean(before**2, axis=-1, keepdims=True))
    # From the middle of that window to the tail's beginning the sound falls on.
    heard *= np.exp(-3 * np.log(10) * window / (2 * sample_rate * room.rt60))
    tail *= heard / np.sqrt(np.mean(tail[..., :fade] ** 2, axis=-1, keepdims=True))

    rise = np.sin(np.linspace(0, np.pi / 2, fade)) ** 2
    gain = np.ones(noise.shape[-1])
    gain[:fade] = rise
    responses[..., begin:] *= np.sqrt(1 - gain)
    responses[..., begin:] += np.sqrt(gain) * tail


def unit_gains(
    responses: NDArray[np.float64], seats: list[Seat], *, origin: int, sample_rate: int
) -> NDArray[np.float64]:
    """Return the gain of each microphone at which its own player's direct sound keeps its level."""
    reach = int(_DIRECT_SECONDS * sample_rate)
    gains = np.empty(len(seats))
    for index, seat in enumerate(seats):
        metres = float(np.linalg.norm(np.subtract(seat.position, seat.microphone)))
        arrival = origin + round(metres / SPEED_OF_SOUND * sample_rate)
        direct = responses[index, index, max(arrival - reach, 0) : arrival + reach]
        gains[index] = 1.0 / np.sqrt(np.sum(direct**2))
    return gains
