"""The hall of a piece: how the microphones on stage hear the players, computed once and reused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from carnatic_sep.leakage.responses import (
    SPEED_OF_SOUND,
    Responses,
    find_seats,
    room_responses,
    unit_gains,
)
from carnatic_sep.leakage.room import Room, draw_room

if TYPE_CHECKING:
    from numpy.typing import NDArray

HallKind = Literal["diffuse", "images", "open"]
"""How a hall is computed: as direct sound, floor and a diffuse field, which needs nothing else;
wall by wall by the image method, which needs pyroomacoustics; or not at all: direct sound alone, as
in the open."""

PLAYERS = ("vocals", "violin", "mridangam", "tanpura", "ghatam", "kanjira")
"""Who has a seat and a microphone."""

_ORIGIN = 40
_REVERBERATION_DISTANCE = 0.057  # Sabine, metric: metres, m^3, s
_FLOOR_REFLECTS = 0.6
_BRIGHT_HZ = 4000.0
_LONGEST_TAIL_SECONDS = 0.9


def draw_hall(
    seed: int,
    *,
    sample_rate: int,
    kind: HallKind = "diffuse",
    recording: Path | str | None = None,
) -> Responses:
    """Draw a hall with a kutcheri's stage, and compute what its microphones hear.

    Parameters
    ----------
    seed : of size, reverberation, seats and microphones
    kind : see :data:`HallKind`
    recording : impulse response of a real hall to sit in, instead of `kind`

    Raises
    ------
    UsageError
        ``images`` or a recording without pyroomacoustics.
    AudioReadError
        The recording is no impulse response.
    """
    room = draw_room(seed)
    if recording is not None:
        from carnatic_sep.leakage.measured import measured_responses

        return measured_responses(room, recording, sample_rate=sample_rate, names=PLAYERS)
    if kind == "images":
        return room_responses(room, sample_rate=sample_rate, names=PLAYERS)
    walls = kind != "open"
    return diffuse_responses(room, sample_rate=sample_rate, names=PLAYERS, walls=walls)


def diffuse_responses(
    room: Room, *, sample_rate: int, names: Sequence[str] = PLAYERS, walls: bool = True
) -> Responses:
    """Compute responses by rule alone: direct sound, the stage's floor, and a diffuse field.

    Direct sound falls with distance, with the angle at which it leaves the player, and with that
    at which it meets the microphone. The diffuse field is noise that decays as the room's RT60
    says, faster above 4 kHz, as loud as statistics have it: equal to the direct sound of an
    omnidirectional player at Sabine's reverberation distance. Without `walls` there is the direct
    sound alone.

    Raises
    ------
    UsageError, UnknownNameError
        As :func:`carnatic_sep.leakage.responses.room_responses`.
    """
    seats = find_seats(room, names)
    rng = np.random.default_rng([room.seed, 7])
    tail = np.zeros((len(seats) ** 2, 0))
    if walls:
        tail = _tail(room, len(seats) ** 2, sample_rate=sample_rate, rng=rng)
    count = len(seats)
    responses = np.zeros((count, count, _ORIGIN + tail.shape[1] + sample_rate // 20))
    share = room.microphone_pattern
    picked_up = share**2 + (1.0 - share) ** 2 / 3.0  # of a diffuse field
    reverberant = np.sqrt(picked_up * room.rt60 / np.prod(room.size)) / _REVERBERATION_DISTANCE
    for microphone, listener in enumerate(seats):
        for player, seat in enumerate(seats):
            row = responses[microphone, player]
            direct = np.subtract(listener.microphone, seat.position)
            mirrored = np.array(seat.position) * (1.0, 1.0, -1.0)
            floor = np.subtract(listener.microphone, mirrored)
            looks = np.radians(seat.facing_degrees)
            forward = np.array([np.sin(looks), -np.cos(looks), 0.0])
            aim = np.subtract(listener.position, listener.microphone)
            for path, gain in ((direct, 1.0), (floor, _FLOOR_REFLECTS if walls else 0.0)):
                metres = float(np.linalg.norm(path))
                leaves = 1.0 - seat.beam + seat.beam * float(path @ forward) / metres
                meets = float(-path @ aim) / metres / float(np.linalg.norm(aim))
                level = gain * leaves * (share + (1.0 - share) * meets) / metres
                _arrive(row, metres / SPEED_OF_SOUND * sample_rate, level)
            first = _ORIGIN + int(0.004 * sample_rate)
            first += int(np.linalg.norm(direct) / SPEED_OF_SOUND * sample_rate)
            noise = tail[microphone * count + player]
            row[first : first + noise.size] += reverberant * noise
    gains = unit_gains(responses, seats, origin=_ORIGIN, sample_rate=sample_rate)
    return Responses(
        names=tuple(names),
        taps=(gains[:, None, None] * responses).astype(np.float32),
        origin=_ORIGIN,
        gains=gains,
        sample_rate=sample_rate,
        room=room,
    )


def _arrive(row: NDArray[np.float64], delay: float, level: float) -> None:
    """Add an impulse `delay` frames after the origin, between frames by a windowed sinc."""
    around = round(delay)
    taps = np.arange(around - _ORIGIN // 2, around + _ORIGIN // 2 + 1)
    window = np.hanning(taps.size + 2)[1:-1]
    row[_ORIGIN + taps] += level * window * np.sinc(taps - delay)


def _tail(
    room: Room, count: int, *, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return `count` diffuse tails of unit energy, (count, frames)."""
    from scipy.signal import butter, sosfilt

    seconds = np.arange(int(min(room.rt60, _LONGEST_TAIL_SECONDS) * sample_rate)) / sample_rate
    noise = rng.standard_normal((count, seconds.size)).astype(np.float32)
    corner = min(_BRIGHT_HZ, 0.4 * sample_rate)
    dull = sosfilt(butter(1, corner, fs=sample_rate, output="sos"), noise, axis=1)
    slow = np.exp(-3.0 * np.log(10.0) * seconds / room.rt60)
    tail = slow * dull + slow**1.7 * (noise - dull)
    return np.asarray(tail / np.sqrt(np.sum(tail**2, axis=1, keepdims=True)))
