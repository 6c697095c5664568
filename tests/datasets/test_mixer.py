"""Mixtures of the made-up solos: sums, levels, silence, seeds, and a violin that shadows."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.datasets.bank import SAMPLE_RATE, Note, SoloBank, Take, VoiceClip, load_bank
from carnatic_sep.datasets.config import DataConfig, MixConfig
from carnatic_sep.datasets.mixer import MIXED_STEMS, Mixer
from carnatic_sep.datasets.pitch import PITCH_RATE, Contour

pytestmark = pytest.mark.usefixtures("quick_accompaniment")
PLAIN = MixConfig(seconds=2.0, absent={}, room=0.0, equaliser_db=0.0, percussion=0.0)


@pytest.fixture
def bank(solo_dir, solo_split, contour_cache) -> SoloBank:
    return load_bank(solo_dir, DataConfig(**solo_split), cache=contour_cache)


def loudness_db(audio) -> float:
    """RMS in dB of the loudest 70 % of blocks of 2048 frames."""
    blocks = audio[: len(audio) // 2048 * 2048].reshape(-1, 2048).astype(np.float64)
    energy = np.sort(np.square(blocks).mean(axis=1))
    return 10 * np.log10(energy[int(0.3 * len(energy)) :].mean())


def test_levels_are_within_their_limits(bank) -> None:
    config = PLAIN.model_copy(
        update={
            "violin_level": (-7.0, -6.0),
            "mridangam_level": (2.0, 3.0),
            "other_level": (-20.0, -19.0),
        }
    )
    mixer = Mixer(bank, config)
    for seed in range(8):
        stems = mixer.draw(np.random.default_rng(seed))
        assert stems.shape == (4, 2 * SAMPLE_RATE)
        assert stems.dtype == np.float32
        level = [loudness_db(stem) for stem in stems]
        assert level[0] == pytest.approx(-20, abs=0.01)
        assert -27.01 < level[1] < -25.99
        assert -18.01 < level[2] < -16.99
        assert -40.5 < level[3] < -35  # hall noise adds to it now and then


def test_a_seed_repeats_every_byte(bank) -> None:
    config = MixConfig(seconds=1.5)
    first, second = Mixer(bank, config, seed=5), Mixer(bank, config, seed=5)
    other = Mixer(bank, config, seed=6)
    drawn = [m.draw(np.random.default_rng([9, 1])) for m in (first, second, other)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    # What was drawn before has no influence.
    first.draw(np.random.default_rng(0))
    assert np.array_equal(first.draw(np.random.default_rng([9, 1])), drawn[0])


@pytest.mark.parametrize("name", MIXED_STEMS)
def test_an_absent_stem_is_silent_and_the_others_sound(bank, name) -> None:
    mixer = Mixer(bank, PLAIN.model_copy(update={"absent": {name: 1.0}}))
    stems = dict(zip(MIXED_STEMS, mixer.draw(np.random.default_rng(1)), strict=True))
    assert not stems.pop(name).any()
    assert all(stem.any() for stem in stems.values())


def test_players_pause_and_the_drone_goes_on(bank) -> None:
    without, often = Mixer(bank, PLAIN), Mixer(bank, PLAIN.model_copy(update={"rests": 1.0}))
    frames = 2 * SAMPLE_RATE
    resting: dict[tuple[int, ...], int] = {}
    for seed in range(60):
        sounding = without.draw(np.random.default_rng(seed))
        stems = often.draw(np.random.default_rng(seed))
        changed = tuple(i for i in range(4) if not np.array_equal(stems[i], sounding[i]))
        resting[changed] = resting.get(changed, 0) + 1
        assert changed
        for index in changed:  # nothing but a fade out, a rest and a fade in
            ratio = stems[index] / np.where(sounding[index] == 0, 1, sounding[index])
            rest = np.flatnonzero((ratio < 0.5) & (sounding[index] != 0))
            if len(rest):
                assert np.ptp(rest) < 0.5 * frames + 0.1 * SAMPLE_RATE
            assert ratio.min() >= -1e-6
            assert ratio.max() <= 1 + 1e-6
    assert set(resting) <= {(0,), (1,), (2,), (0, 1), (0, 1, 2)}  # the drone never rests
    assert resting[(0,)] == max(resting.values())
    assert (0, 1, 2) in resting


def test_filters_keep_the_level_of_each_stem(bank) -> None:
    plain = Mixer(bank, PLAIN)
    filtered = Mixer(bank, PLAIN.model_copy(update={"equaliser_db": 7.0, "room": 1.0}))
    for seed in range(3):
        # The voice is drawn before any filter is, so it is the same singing.
        dry = plain.draw(np.random.default_rng(seed))
        wet = filtered.draw(np.random.default_rng(seed))
        rms = np.sqrt(np.square(np.stack([dry[0], wet[0]])).mean(axis=1))
        assert rms[1] == pytest.approx(rms[0], rel=0.01)
        assert not np.allclose(dry[0], wet[0], atol=1e-3)


def test_a_stem_may_keep_its_own_microphone(bank) -> None:
    dry = Mixer(bank, PLAIN).draw(np.random.default_rng(2))
    config = PLAIN.model_copy(update={"equaliser_db": 7.0, "equalised": 0.0})
    kept = Mixer(bank, config).draw(np.random.default_rng(2))
    assert np.allclose(dry[0], kept[0], atol=1e-4)


def test_a_mixture_without_any_sound_is_drawn_again(bank) -> None:
    silent = {"vocals": 1.0, "mridangam": 1.0, "other": 1.0, "violin": 0.8}
    mixer = Mixer(bank, PLAIN.model_copy(update={"seconds": 1.0, "absent": silent}))
    for seed in range(4):
        stems = mixer.draw(np.random.default_rng(seed))
        assert [stem.any() for stem in stems] == [False, True, False, False]


def contours(f0, seconds):
    samples = int(seconds * PITCH_RATE)
    return Contour(
        f0=np.broadcast_to(f0, samples).astype(np.float32),
        voiced=np.ones(samples, dtype=bool),
        level=np.full(samples, 0.1, np.float32),
    )


def step_bank() -> SoloBank:
    """A singer who rises from 300 to 400 Hz at 2 s, and one long violin note."""
    time = np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE
    f0 = np.where(time < 2.0, 300.0, 400.0)
    sung = 0.1 * np.sin(2 * np.pi * np.cumsum(f0) / SAMPLE_RATE).astype(np.float32)
    contour = contours(np.where(np.arange(500) < 200, 300.0, 400.0), 5)
    note = np.sin(2 * np.pi * 350 * np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    stroke = np.hanning(4000).astype(np.float32)
    return SoloBank(
        voices=[VoiceClip("voice", "voice", None, sung, contour)],
        notes=[Note("F4", 350.0, note)],
        pieces=[Take("short piece", "bach", note[: SAMPLE_RATE // 2])],
        strokes=[Take("stroke", "tha", stroke)],
        rooms=[],
    )


def rise(audio) -> float:
    """Second at which a sine has risen past 350 Hz, by its zero crossings in 50 ms."""
    crossings = np.flatnonzero((audio[:-1] < 0) & (audio[1:] >= 0)) / SAMPLE_RATE
    pitch = 1 / np.diff(crossings)
    smooth = np.convolve(pitch, np.ones(15) / 15, mode="valid")
    return float(crossings[7:][int(np.argmax(smooth > 350))])


@pytest.mark.parametrize("lag", [0.1, 0.5])
def test_the_violin_shadows_the_singer_by_the_lag(lag) -> None:
    config = PLAIN.model_copy(
        update={
            "seconds": 4.0,
            "shadow": 1.0,
            "piece": 0.0,
            "synthetic_violin": 0.0,
            "transpose_semitones": (0.0, 0.0),
            "lag_seconds": (lag, lag),
        }
    )
    mixer = Mixer(step_bank(), config)
    heard = []
    for seed in range(12):
        voice, violin = mixer.draw(np.random.default_rng(seed))[:2]
        heard.append(rise(violin[: 3 * SAMPLE_RATE]) - rise(voice[: 3 * SAMPLE_RATE]))
    # Within the drift of the lag, 30 ms, and the smoothing of the pitch.
    assert np.median(heard) == pytest.approx(lag, abs=0.05)


def test_transposing_moves_pitch_and_contour_together() -> None:
    config = PLAIN.model_copy(
        update={"seconds": 1.0, "transpose_semitones": (12.0, 12.0), "shadow": 1.0, "piece": 0.0}
    )
    mixer = Mixer(step_bank(), config)
    ratios = []
    for seed in range(12):
        phrase = mixer._phrase(np.random.default_rng(seed))
        middle = phrase.audio[len(phrase.audio) // 4 : len(phrase.audio) // 2]
        crossings = np.count_nonzero((middle[:-1] < 0) & (middle[1:] >= 0))
        heard = crossings * SAMPLE_RATE / len(middle)
        told = phrase.f0[len(phrase.f0) // 4 : len(phrase.f0) // 2].mean()
        ratios.append(heard / told)
        assert len(phrase.audio) == SAMPLE_RATE
        assert len(phrase.f0) == len(phrase.level) == 100
    assert np.median(ratios) == pytest.approx(1.0, rel=0.02)


def test_a_piece_shorter_than_the_mixture_is_repeated() -> None:
    mixer = Mixer(step_bank(), PLAIN.model_copy(update={"piece": 1.0}))
    violin = mixer.draw(np.random.default_rng(0))[1]
    assert violin[-SAMPLE_RATE // 4 :].any()
    assert np.isfinite(violin).all()


def test_cleaned_voices_are_used_as_often_as_told(bank) -> None:
    silence = VoiceClip("c", "c", None, np.zeros(9 * SAMPLE_RATE, np.float32), contours(200.0, 9))
    for share in (0.0, 1.0):
        config = PLAIN.model_copy(update={"teacher_share": share, "shadow": 1.0, "piece": 0.0})
        mixer = Mixer(bank, config, teacher_bank=[silence])
        silent = [not mixer.draw(np.random.default_rng(seed))[0].any() for seed in range(3)]
        assert all(silent) == any(silent) == bool(share)
