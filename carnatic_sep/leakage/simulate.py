"""Bleed with known truth: what the close microphones of a kutcheri record, and what they should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.responses import Responses, room_responses
from carnatic_sep.leakage.room import Room, Seat, draw_room
from carnatic_sep.leakage.variation import (
    GainRide,
    Limiter,
    Turn,
    Variation,
    limiter_gain,
    pose_weights,
    poses,
    ride,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]

__all__ = [
    "GainRide",
    "Limiter",
    "Responses",
    "Room",
    "Seat",
    "Simulated",
    "Turn",
    "Variation",
    "draw_room",
    "room_responses",
    "simulate",
]

_STEADY = Variation()


@dataclass(frozen=True)
class Simulated:
    """A simulated multitrack and its truth; every array is (frames,) float32.

    Attributes
    ----------
    close : each player alone at its own microphone, the room included: what a perfect removal of
        bleed would return
    bled : what each microphone records
    mixture : sum of `bled`
    """

    close: dict[str, Audio]
    bled: dict[str, Audio]
    mixture: Audio

    @property
    def bleed(self) -> dict[str, Audio]:
        """What each microphone records of the others."""
        return {name: self.bled[name] - self.close[name] for name in self.bled}


def simulate(
    sources: Mapping[str, Audio],
    *,
    sample_rate: int,
    room: Room | Responses,
    bleed_db: float,
    seed: int = 0,
    variation: Variation = _STEADY,
) -> Simulated:
    """Let players sound together on a stage with one close microphone each.

    Who bleeds where, how late and in what colour is the room's; how loud is set: the bleed in each
    microphone is scaled as a whole. A microphone whose own player is silent throughout gets the
    mean scale, in dB, of the others.

    Parameters
    ----------
    sources : dry sounds by seat, or alias of a stem that has one; two or more, each (frames,) of
        one length
    room : a :class:`Room`, or :func:`room_responses` of one, computed once for many pieces
    bleed_db : energy of each microphone's bleed relative to its close sound over the whole piece;
        exact, but for what a limiter does to it afterwards
    seed : of the faders
    variation : what changes while they play; a turn computes the room once for each of its poses

    Raises
    ------
    UsageError
        Fewer than two sources, lengths that differ, sounds that are not mono or not finite,
        responses of another rate or other players, or a turn of somebody who does not play.
    UnknownNameError
        A source without a seat.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((2, 8000)).astype("float32")
    >>> scene = simulate(
    ...     {"vocals": noise[0], "violin": noise[1]},
    ...     sample_rate=8000, room=draw_room(1), bleed_db=-10.0,
    ... )  # doctest: +SKIP
    >>> sorted(scene.bled)  # doctest: +SKIP
    ['violin', 'vocals']
    """
    names = tuple(sources)
    frames = _checked_length(sources)
    responses = _responses(room, names, sample_rate=sample_rate)
    images = _images(sources, responses, frames=frames)
    if variation.turn is not None:
        player = _who_turns(variation.turn, names, responses.room)
        images[:, player] = _turning_images(
            variation.turn, sources[names[player]], names, player, responses
        )
    if variation.gain_ride is not None:
        rng = np.random.default_rng(seed)
        for image in images:
            image *= ride(variation.gain_ride, frames=frames, sample_rate=sample_rate, rng=rng)

    close = np.stack([images[index, index] for index in range(len(names))])
    bleed = images.sum(axis=1) - close
    bleed *= _scales(close, bleed, bleed_db=bleed_db)[:, None]
    bled = close + bleed
    if variation.limiter is not None:
        for index in range(len(names)):
            gain = limiter_gain(variation.limiter, bled[index], sample_rate=sample_rate)
            close[index] *= gain
            bled[index] *= gain
    return Simulated(
        close=dict(zip(names, close, strict=True)),
        bled=dict(zip(names, bled, strict=True)),
        mixture=bled.sum(axis=0),
    )


def _checked_length(sources: Mapping[str, Audio]) -> int:
    if len(sources) < 2:
        raise UsageError(f"bleed needs two players or more, not {len(sources)}")
    shapes = {name: sound.shape for name, sound in sources.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise UsageError(f"sources must be mono and of one length, not {shapes}")
    broken = [name for name, sound in sources.items() if not np.all(np.isfinite(sound))]
    if broken:
        raise UsageError(f"sources hold NaN or infinite samples: {', '.join(broken)}")
    return len(next(iter(sources.values())))


def _responses(room: Room | Responses, names: tuple[str, ...], *, sample_rate: int) -> Responses:
    if isinstance(room, Room):
        return room_responses(room, sample_rate=sample_rate, names=names)
    if room.sample_rate != sample_rate:
        raise UsageError(
            f"the room's responses are for {room.sample_rate} Hz, the sources for {sample_rate} Hz"
        )
    return room.select(names)


def _images(
    sources: Mapping[str, Audio], responses: Responses, *, frames: int
) -> NDArray[np.float32]:
    """Return what each microphone hears of each player, (microphones, players, frames)."""
    count = len(sources)
    images = np.empty((count, count, frames), dtype=np.float32)
    for player, sound in enumerate(sources.values()):
        images[:, player] = _heard(sound, responses.taps[:, player], origin=responses.origin)
    return images


def _heard(sound: Audio, taps: NDArray[np.float32], *, origin: int) -> NDArray[np.float32]:
    """Convolve `sound`, (frames,), with `taps`, (microphones, taps): (microphones, frames)."""
    from scipy.signal import oaconvolve

    whole = oaconvolve(np.asarray(sound, np.float32)[None], taps, axes=1)
    return np.asarray(whole[:, origin : origin + len(sound)], dtype=np.float32)


def _who_turns(turn: Turn, names: tuple[str, ...], room: Room) -> int:
    seats = [room.seat(name).name for name in names]
    wanted = room.seat(turn.name).name
    if wanted not in seats:
        raise UsageError(f"{turn.name} turns but does not play; players are {', '.join(names)}")
    return seats.index(wanted)


def _turning_images(
    turn: Turn, sound: Audio, names: tuple[str, ...], player: int, straight: Responses
) -> NDArray[np.float32]:
    """Return what all microphones hear of a player who turns, (microphones, frames)."""
    weights = pose_weights(turn, frames=len(sound), sample_rate=straight.sample_rate)
    heard = np.zeros((len(names), len(sound)), dtype=np.float32)
    # Microphones keep the gain that they have for the player who looks straight ahead.
    for pose, weight in zip(poses(straight.room, turn), weights, strict=True):
        turned = room_responses(
            pose, sample_rate=straight.sample_rate, names=names, gains=straight.gains
        )
        heard += weight * _heard(sound, turned.taps[:, player], origin=turned.origin)
    return heard


def _scales(
    close: NDArray[np.float32], bleed: NDArray[np.float32], *, bleed_db: float
) -> NDArray[np.float32]:
    """Return the factor on each microphone's bleed that brings it to `bleed_db`."""
    wanted = np.sum(close.astype(np.float64) ** 2, axis=1) * 10.0 ** (bleed_db / 10.0)
    there = np.sum(bleed.astype(np.float64) ** 2, axis=1)
    scales = np.sqrt(np.divide(wanted, there, out=np.zeros_like(wanted), where=there > 0))
    audible = scales > 0
    usual = np.exp(np.mean(np.log(scales[audible]))) if audible.any() else 0.0
    return np.where(audible, scales, usual).astype(np.float32)
