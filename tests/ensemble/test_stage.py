"""A stage is linear: what sounds where, how loud it bleeds, and that shares sum to the mix."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve

from carnatic_sep.ensemble.desk import OCTAVES_HZ, Channel, Desk, DeskConfig, draw_desk, tone_gains
from carnatic_sep.ensemble.hall import diffuse_responses, draw_hall
from carnatic_sep.ensemble.stage import Stage
from carnatic_sep.leakage.room import draw_room

RATE = 16000
FLAT = (0.0,) * OCTAVES_HZ.size
PLAYERS = ("vocals", "violin", "mridangam")


def _desk(*, bleed_db: float | None = None, reverb_db: float = -200.0, pan: float = 0.0) -> Desk:
    return Desk(
        channels={name: Channel(0.0, pan, FLAT) for name in PLAYERS},
        tone_db=FLAT,
        reverb_db=reverb_db,
        reverb_seconds=0.8,
        bleed_db=bleed_db,
    )


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(draw_hall(1, sample_rate=RATE))


@pytest.fixture(scope="module")
def dry() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    sounds = rng.standard_normal((3, 2 * RATE)) * np.array([[0.1], [0.05], [0.2]])
    return dict(zip(PLAYERS, sounds.astype(np.float32), strict=True))


def _sound(stage: Stage, dry: dict[str, np.ndarray], desk: Desk, *, strips: bool = False):
    return stage.sound(dry, desk, rng=np.random.default_rng(3), strips=strips)


def _energy(sound: np.ndarray) -> float:
    return float(np.sum(sound.astype(np.float64) ** 2))


def test_without_bleed_a_player_goes_through_its_own_microphone_alone(stage, dry) -> None:
    image = _sound(stage, dry, _desk()).images["violin"]
    responses = stage.responses
    index = responses.names.index("violin")
    seat = responses.room.seat("violin")
    early = round(np.linalg.norm(np.subtract(seat.position, seat.microphone)) / 343.0 * RATE)
    whole = fftconvolve(dry["violin"].astype(float), responses.taps[index, index].astype(float))
    start = responses.origin + early
    expected = whole[start : start + image.shape[1]] * np.sqrt(0.5)
    assert np.max(np.abs(image - expected)) < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("bleed_db", [-6.0, -20.0])
def test_bleed_is_as_loud_as_asked_in_every_microphone(stage, dry, bleed_db: float) -> None:
    with_bleed = _sound(stage, dry, _desk(bleed_db=bleed_db), strips=True)
    without = _sound(stage, dry, _desk())
    for name in PLAYERS:
        bleed = with_bleed.strips[name] - without.images[name]
        ratio = 10 * np.log10(_energy(bleed) / _energy(without.images[name]))
        assert ratio == pytest.approx(bleed_db, abs=0.3)  # the end cuts off some reverberation


def test_images_and_strips_are_two_cuts_of_one_mix(stage, dry) -> None:
    staged = _sound(stage, dry, _desk(bleed_db=-8.0, reverb_db=-12.0), strips=True)
    one, other = (np.sum(list(cut.values()), axis=0) for cut in (staged.images, staged.strips))
    assert 20 * np.log10(np.abs(one - other).max() / np.abs(one).max()) < -110.0


def test_everything_before_mastering_is_linear(stage, dry) -> None:
    desk = _desk(bleed_db=None, reverb_db=-10.0)
    whole = _sound(stage, dry, desk).images
    half = _sound(stage, {name: 0.5 * sound for name, sound in dry.items()}, desk).images
    for name in PLAYERS:
        assert np.allclose(whole[name], 2.0 * half[name], atol=1e-5)


def test_reverb_is_as_loud_as_asked_between_its_corners_and_widens(stage, dry) -> None:
    clean = _sound(stage, dry, _desk()).images["vocals"]
    wet = _sound(stage, dry, _desk(reverb_db=-10.0)).images["vocals"]
    assert np.array_equal(clean[0], clean[1])
    assert np.corrcoef(wet)[0, 1] < 0.99
    hz = np.fft.rfftfreq(wet.shape[1], 1 / RATE)

    def share(low: float, high: float) -> float:
        """Return the level of the reverb over the dry sound in a band, dB."""
        band = (hz >= low) & (hz < high)
        added, sung = (
            np.sum(np.abs(np.fft.rfft(sound))[..., band] ** 2) / np.atleast_2d(sound).shape[0]
            for sound in (wet - clean, dry["vocals"])
        )
        return float(10 * np.log10(added / sung))

    assert share(500.0, 3000.0) == pytest.approx(-10.0, abs=0.5)
    assert share(20.0, 60.0) < -27.0  # a plate without its bass; the rest is not mud


def test_pans_have_equal_power_and_tones_what_they_say() -> None:
    for pan in (-1.0, -0.3, 0.0, 0.8):
        left, right = Channel(0.0, pan, FLAT).pan_gains
        assert left**2 + right**2 == pytest.approx(1.0)
        assert np.sign(round(float(right - left), 6)) == np.sign(pan)
    curve = tuple(float(value) for value in np.linspace(-9, 9, OCTAVES_HZ.size))
    gains = tone_gains(curve, OCTAVES_HZ)
    assert np.allclose(20 * np.log10(gains), curve)
    between = tone_gains(curve, np.array([np.sqrt(OCTAVES_HZ[2] * OCTAVES_HZ[3]), 5.0]))
    assert 20 * np.log10(between) == pytest.approx([-4.0, -9.0], abs=1e-6)


def test_a_tone_curve_is_heard(stage, dry) -> None:
    bright = tuple(12.0 if hz > 1500 else 0.0 for hz in OCTAVES_HZ)
    flat = _desk()
    desk = Desk(flat.channels, bright, -200.0, 0.8)
    spectra = [
        np.abs(np.fft.rfft(_sound(stage, dry, each).images["vocals"][0])) for each in (desk, flat)
    ]
    hz = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    ratio = [20 * np.log10(np.sqrt(np.mean(s[(hz > 3000) & (hz < 6000)] ** 2))) for s in spectra]
    assert ratio[0] - ratio[1] == pytest.approx(12.0, abs=0.5)


def test_halls_decay_as_their_rooms_say_and_draws_repeat() -> None:
    room = draw_room(4)
    taps = diffuse_responses(room, sample_rate=RATE, names=("vocals", "violin")).taps
    tail = taps[0, 1, int(0.03 * RATE) :].astype(float)
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] + 1e-30)
    left -= left[0]
    span = slice(np.argmax(left < -3), np.argmax(left < -15))
    seconds = np.arange(left.size) / RATE
    slope = np.polyfit(seconds[span], left[span], 1)[0]
    assert -60.0 / slope == pytest.approx(room.rt60, rel=0.2)
    first, again = (draw_desk(np.random.default_rng(5), DeskConfig()) for _ in range(2))
    assert first == again
    for name, channel in first.channels.items():
        low, high = DeskConfig().levels_db[name]
        assert low <= channel.level_db <= high


def test_direct_sound_reaches_its_microphone_at_unit_gain(stage) -> None:
    responses = stage.responses
    for index in range(len(responses.names)):
        peak = np.abs(responses.taps[index, index, : responses.origin + 40]).max()
        assert 0.5 < peak < 1.5
        others = [np.abs(responses.taps[index, o]).max() for o in range(len(responses.names))]
        assert int(np.argmax(others)) == index
