"""Halls whose impulse response was recorded, around a stage that is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AudioReadError
from carnatic_sep.leakage.responses import Responses, find_seats, trace_images, unit_gains
from carnatic_sep.leakage.room import Room
from carnatic_sep.stems import DEFAULT_STEMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BEHIND_PEAK_SECONDS = 0.005
_LONGEST_SECONDS = 1.5
_SHORTEST_SECONDS = 0.05
_SPREAD_SECONDS = 0.03
_REVERBERATION_DISTANCE = 0.057  # Sabine, metric: metres, m^3, s


def measured_responses(
    room: Room,
    recording: Path | str,
    *,
    sample_rate: int,
    names: Sequence[str] = DEFAULT_STEMS,
) -> Responses:
    """Put the players of `room` into a hall whose impulse response was recorded.

    Direct sound and first reflections are those of `room`'s stage; the tail is the recording's,
    from 5 ms behind its peak. A recording knows one path only, so each of ours is a random
    all-pass of 30 ms of it (Kendall, 1995): colour and decay are measured, the fine structure
    differs as it does between places in a hall. The tail is as loud as the direct sound at the
    distance at which a diffuse field in `room` would be (Sabine).

    Parameters
    ----------
    recording : impulse response in any format that is read, at any rate; the paths take its
        channels in turn
    names : as for :func:`carnatic_sep.leakage.responses.room_responses`

    Raises
    ------
    AudioReadError
        The recording cannot be read, or is shorter than 50 ms behind its peak.
    UsageError, UnknownNameError
        As :func:`carnatic_sep.leakage.responses.room_responses`.
    """
    from scipy.signal import fftconvolve

    seats = find_seats(room, names)
    tail = _recorded_tail(Path(recording), sample_rate=sample_rate)
    stage = room.model_copy(update={"max_order": 1})
    early, origin = trace_images(stage, seats, sample_rate=sample_rate)
    spread = int(_SPREAD_SECONDS * sample_rate) // 2 * 2
    responses = np.zeros((len(seats), len(seats), origin + spread + tail.shape[1]))
    length = min(early.shape[2], responses.shape[2])
    responses[..., :length] = early[..., :length]

    rng = np.random.default_rng(room.seed)
    pressure = room.microphone_pattern
    picked_up = pressure**2 + (1.0 - pressure) ** 2 / 3.0  # of a diffuse field
    level = np.sqrt(picked_up * room.rt60 / np.prod(room.size)) / _REVERBERATION_DISTANCE
    for microphone in range(len(seats)):
        for player in range(len(seats)):
            phases = np.exp(2j * np.pi * rng.random(spread // 2 + 1))
            phases[[0, -1]] = 1.0
            path = fftconvolve(tail[(microphone + player) % len(tail)], np.fft.irfft(phases))
            path *= level / np.sqrt(np.sum(path**2))
            responses[microphone, player, origin : origin + path.size] += path
    gains = unit_gains(responses, seats, origin=origin, sample_rate=sample_rate)
    return Responses(
        names=tuple(names),
        taps=(gains[:, None, None] * responses).astype(np.float32),
        origin=origin,
        gains=gains,
        sample_rate=sample_rate,
        room=room,
    )


def _recorded_tail(recording: Path, *, sample_rate: int) -> NDArray[np.float64]:
    """Return what a recorded response, (channels, frames), holds from 5 ms behind its peak."""
    import soxr

    from carnatic_sep.audio.reader import read_audio

    audio, rate = read_audio(recording)
    if rate != sample_rate:
        audio = soxr.resample(audio.T, rate, sample_rate).T
    peak = int(np.argmax(np.max(np.abs(audio), axis=0)))
    begin = peak + int(_BEHIND_PEAK_SECONDS * sample_rate)
    tail = np.asarray(audio[:, begin : begin + int(_LONGEST_SECONDS * sample_rate)], np.float64)
    if tail.shape[1] < _SHORTEST_SECONDS * sample_rate or not np.all(np.any(tail, axis=1)):
        raise AudioReadError(
            f"{recording}: no impulse response: less than {1000 * _SHORTEST_SECONDS:.0f} ms of "
            "sound follow its peak. Give a recording of a hall's response, or leave it out."
        )
    return tail
