"""Simulated bleed: its level, its truth, and the physics of its rooms."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from carnatic_sep.errors import AudioReadError, UnknownNameError, UsageError
from carnatic_sep.leakage.measured import measured_responses
from carnatic_sep.leakage.simulate import (
    GainRide,
    Limiter,
    Room,
    Seat,
    Turn,
    Variation,
    draw_room,
    room_responses,
    simulate,
)

pytest.importorskip("pyroomacoustics")

RATE = 16000
NAMES = ("vocals", "violin", "mridangam", "other")


@pytest.fixture(scope="module")
def responses():
    return room_responses(draw_room(5), sample_rate=RATE)


@pytest.fixture(scope="module")
def sources():
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal(2 * RATE).astype(np.float32) for name in NAMES}


def energy(sound) -> float:
    return float(np.sum(np.square(sound, dtype=np.float64)))


def db(ratio: float) -> float:
    return 10 * np.log10(ratio)


@given(bleed_db=st.floats(-40, 6))
def test_bleed_is_as_loud_as_asked(responses, sources, bleed_db):
    scene = simulate(sources, sample_rate=RATE, room=responses, bleed_db=bleed_db)
    for name in NAMES:
        ratio = energy(scene.bled[name] - scene.close[name]) / energy(scene.close[name])
        assert db(ratio) == pytest.approx(bleed_db, abs=1e-3)


def test_mixture_is_the_sum_of_the_microphones(responses, sources):
    scene = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10)
    np.testing.assert_allclose(scene.mixture, sum(scene.bled.values()), atol=1e-5)


def test_close_sound_does_not_depend_on_the_others(responses, sources):
    alone = {**sources, "violin": np.zeros_like(sources["violin"])}
    together = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10)
    without = simulate(alone, sample_rate=RATE, room=responses, bleed_db=-10)
    np.testing.assert_array_equal(together.close["vocals"], without.close["vocals"])
    assert not without.close["violin"].any()
    assert energy(without.bled["violin"]) > 0


def test_close_sound_is_the_convolution_with_the_room(responses, sources):
    scene = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10)
    whole = np.convolve(sources["violin"].astype(float), responses.taps[1, 1].astype(float))
    expected = whole[responses.origin :][: len(sources["violin"])]
    np.testing.assert_allclose(scene.close["violin"], expected, atol=2e-4)


def test_silence_bleeds_nowhere(responses):
    silent = {name: np.zeros(RATE, np.float32) for name in NAMES}
    scene = simulate(silent, sample_rate=RATE, room=responses, bleed_db=0)
    assert not any(sound.any() for sound in (*scene.bled.values(), scene.mixture))


def test_select_reorders_players_and_takes_aliases(responses, sources):
    chosen = responses.select(["mridangam", "voice"])
    np.testing.assert_array_equal(chosen.taps[0, 1], responses.taps[2, 0])
    np.testing.assert_array_equal(chosen.taps[1, 1], responses.taps[0, 0])


def test_direct_sound_arrives_when_it_should():
    """Distance over 343 m/s, as loud as 1 over distance, for each player and each microphone."""
    drawn = draw_room(5)
    alike = tuple(seat.model_copy(update={"beam": 0.0}) for seat in drawn.seats)
    room = drawn.model_copy(update={"seats": alike, "microphone_pattern": 1.0})
    responses = room_responses(room, sample_rate=48000)
    seats = [room.seat(name) for name in NAMES]
    for microphone, heard in enumerate(seats):
        own = np.linalg.norm(np.subtract(heard.microphone, heard.position))
        for player, playing in enumerate(seats):
            metres = np.linalg.norm(np.subtract(heard.microphone, playing.position))
            arrival = responses.origin + metres / 343.0 * 48000
            taps = responses.taps[microphone, player, : round(arrival) + 20]
            assert np.argmax(np.abs(taps)) == pytest.approx(arrival, abs=1.0)
            level = np.sqrt(np.sum(taps.astype(float)[round(arrival) - 20 :] ** 2))
            assert level == pytest.approx(own / metres, rel=0.1)


@pytest.mark.parametrize("seed", [1, 3, 8])
def test_reverberation_time_is_the_rooms(seed):
    """T30 at 1 kHz by Schroeder's backward integral (ISO 3382), within a fifth."""
    from scipy.signal import butter, sosfiltfilt

    room = draw_room(seed)
    taps = room_responses(room, sample_rate=RATE).taps.astype(float)
    octave = butter(3, [707, 1414], btype="bandpass", fs=RATE, output="sos")
    measured = []
    for microphone in range(len(NAMES)):
        for player in set(range(len(NAMES))) - {microphone}:
            heard = sosfiltfilt(octave, taps[microphone, player])
            decay = np.cumsum(heard[::-1] ** 2)[::-1]
            decay_db = 10 * np.log10(decay / decay[0] + 1e-12)
            begin, end = np.argmax(decay_db < -5), np.argmax(decay_db < -35)
            measured.append(2 * (end - begin) / RATE)
    assert np.median(measured) == pytest.approx(room.rt60, rel=0.2)


def test_neighbours_bleed_more_than_a_cardioid_looking_away(responses):
    """A close microphone hears its own player at least 8 dB above anybody else."""
    levels = db(np.sum(responses.taps.astype(float) ** 2, axis=2))
    own = np.diag(levels)
    np.testing.assert_allclose(own, 0.0, atol=1.0)
    assert np.max(levels - 100 * np.eye(len(NAMES))) < -8.0


@given(seed=st.integers(0, 10_000))
def test_drawn_rooms_are_kutcheris(seed):
    room = draw_room(seed)
    assert 0.3 <= room.rt60 <= 1.2
    x = {name: room.seat(name).position[0] for name in ("violin", "vocals", "mridangam")}
    y = {name: room.seat(name).position[1] for name in ("tanpura", "ghatam", "vocals")}
    assert x["violin"] < x["vocals"] < x["mridangam"]
    assert min(y["tanpura"], y["ghatam"]) > y["vocals"]
    assert draw_room(seed) == room
    assert Room.model_validate_json(room.model_dump_json()) == room


def test_same_room_gives_the_same_responses(responses):
    again = room_responses(draw_room(5), sample_rate=RATE)
    np.testing.assert_array_equal(again.taps, responses.taps)


def test_a_room_can_be_given_instead_of_its_responses(responses, sources):
    straight = simulate(sources, sample_rate=RATE, room=draw_room(5), bleed_db=-5)
    reused = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-5)
    np.testing.assert_array_equal(straight.mixture, reused.mixture)


def paths(scene, sources, *, window: slice) -> np.ndarray:
    """Least-squares gain from the singer's source to her own microphone, in a window."""
    x, y = sources["vocals"][window].astype(float), scene.close["vocals"][window].astype(float)
    spectrum = np.fft.rfft(y) * np.conj(np.fft.rfft(x))
    return spectrum / (np.abs(np.fft.rfft(x)) ** 2 + 1e-3)


def test_a_turning_singer_changes_only_her_own_paths(responses, sources):
    still = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10)
    turn = Variation(turn=Turn(period_seconds=2.0))
    moved = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10, variation=turn)
    np.testing.assert_array_equal(moved.close["violin"], still.close["violin"])
    start, middle = slice(0, RATE // 50), slice(RATE - 800, RATE + 800)
    # Straight at the beginning of the period, turned away in its middle.
    np.testing.assert_allclose(
        moved.close["vocals"][start], still.close["vocals"][start], atol=0.05
    )
    difference = energy(moved.close["vocals"][middle] - still.close["vocals"][middle])
    assert difference > 0.1 * energy(still.close["vocals"][middle])
    assert db(energy(moved.bleed["vocals"]) / energy(moved.close["vocals"])) == pytest.approx(
        -10, abs=1e-3
    )


def test_a_fader_moves_target_and_bleed_alike(responses, sources):
    ride = Variation(gain_ride=GainRide(depth_db=6, interval_seconds=0.5))
    still = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10)
    ridden = simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10, variation=ride)
    loud = np.abs(still.close["vocals"]) > 0.5
    gain = ridden.close["vocals"][loud] / still.close["vocals"][loud]
    assert np.ptp(20 * np.log10(gain)) > 6
    sounding = loud & (np.abs(still.bleed["vocals"]) > 0.2)
    both = [
        (ridden.bleed["vocals"] / still.bleed["vocals"])[sounding],
        (ridden.close["vocals"] / still.close["vocals"])[sounding],
    ]
    assert np.std(both[0] / both[1]) < 0.01


def test_another_seed_moves_other_faders(responses, sources):
    ride = Variation(gain_ride=GainRide())
    scenes = [
        simulate(sources, sample_rate=RATE, room=responses, bleed_db=-10, seed=s, variation=ride)
        for s in (1, 1, 2)
    ]
    np.testing.assert_array_equal(scenes[0].mixture, scenes[1].mixture)
    assert np.max(np.abs(scenes[0].mixture - scenes[2].mixture)) > 0.01


def test_a_limiter_holds_peaks_and_leaves_quiet_sound(responses, sources):
    swell = np.linspace(0.01, 1, 2 * RATE, dtype=np.float32)
    swelling = {name: swell * sound for name, sound in sources.items()}
    limit = Variation(limiter=Limiter(threshold_db=-12, ratio=20, knee_db=3))
    still = simulate(swelling, sample_rate=RATE, room=responses, bleed_db=-10)
    held = simulate(swelling, sample_rate=RATE, room=responses, bleed_db=-10, variation=limit)
    quiet = slice(0, RATE // 5)
    np.testing.assert_array_equal(held.bled["violin"][quiet], still.bled["violin"][quiet])
    lost = db(np.max(np.abs(still.bled["violin"])) ** 2 / np.max(np.abs(held.bled["violin"])) ** 2)
    assert lost == pytest.approx(12 * (1 - 1 / 20), abs=1.0)


def test_measured_halls_keep_their_decay(tmp_path):
    """A recorded exponential of 0.5 s comes out as RT60 0.5 s on every path, on each its own."""
    rng = np.random.default_rng(2)
    seconds = np.arange(48000) / 48000
    recorded = 0.3 * rng.standard_normal((2, 48000)) * 10 ** (-3 * seconds / 0.5)
    recorded[:, 0] = 0.9
    soundfile.write(tmp_path / "hall.wav", recorded.T, 48000, subtype="FLOAT")
    found = measured_responses(draw_room(2), tmp_path / "hall.wav", sample_rate=RATE)
    path = found.taps[0, 1].astype(float)
    decay = np.cumsum(path[::-1] ** 2)[::-1]
    decay_db = 10 * np.log10(decay / decay[0] + 1e-12)
    begin, end = np.argmax(decay_db < -15), np.argmax(decay_db < -35)
    assert 3 * (end - begin) / RATE == pytest.approx(0.5, rel=0.15)
    tails = found.taps[:, :, RATE // 20 :].reshape(16, -1).astype(float)
    likeness = np.corrcoef(tails) - np.eye(16)
    assert np.max(np.abs(likeness)) < 0.3


def test_a_recording_of_silence_is_no_hall(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(RATE), RATE)
    with pytest.raises(AudioReadError, match=r"empty.wav: no impulse response"):
        measured_responses(draw_room(2), tmp_path / "empty.wav", sample_rate=RATE)


def test_what_cannot_be_simulated_is_named(responses, sources):
    def run(sounds, **options):
        return simulate(
            sounds, **{"sample_rate": RATE, "room": responses, "bleed_db": 0, **options}
        )

    with pytest.raises(UsageError, match="two players or more"):
        run({"vocals": sources["vocals"]})
    with pytest.raises(UsageError, match="one length"):
        run({**sources, "violin": sources["violin"][:-1]})
    with pytest.raises(UsageError, match="NaN or infinite samples: violin"):
        run({**sources, "violin": np.full_like(sources["violin"], np.nan)})
    with pytest.raises(UsageError, match="16000 Hz, the sources for 8000 Hz"):
        run(sources, sample_rate=8000)
    with pytest.raises(UnknownNameError, match="piano"):
        run({**sources, "piano": sources["violin"]})
    with pytest.raises(UsageError, match="no ghatam"):
        run({"vocals": sources["vocals"], "ghatam": sources["violin"]})
    with pytest.raises(UsageError, match="ghatam turns but does not play"):
        run(sources, variation=Variation(turn=Turn(name="ghatam")))
    with pytest.raises(UsageError, match="none twice"):
        room_responses(draw_room(1), sample_rate=RATE, names=["violin", "violin"])


def test_nobody_sits_outside_the_room():
    seat = Seat(name="vocals", position=(1, 1, 1), microphone=(1, 0.8, 1))
    assert Room(size=(4, 4, 3), rt60=0.4, seats=(seat,)).seat("singer") is seat
    with pytest.raises(ValidationError, match="outside the room"):
        Room(size=(4, 4, 3), rt60=0.4, seats=(seat.model_copy(update={"position": (5, 1, 1)}),))
    with pytest.raises(ValidationError, match="one name"):
        Room(size=(4, 4, 3), rt60=0.4, seats=(seat, seat))
