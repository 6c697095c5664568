"""Whole pieces: sums, times, seeds, bleed, and what the score says against what is heard."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from carnatic_sep.ensemble.config import EnsembleConfig, Rendering
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.ensemble.players import Players, at_level
from carnatic_sep.ensemble.score import Score
from carnatic_sep.ensemble.tala import Stroke
from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.stems import DEFAULT_STEMS

RATE = 16000


def _hum(score: Score, frames: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A stand-in for a singer, a hundred times as fast: noise where the voice sings."""
    at = np.arange(frames) / sample_rate
    level = np.interp(at, score.voice.times, score.voice.level)
    return (level * rng.standard_normal(frames)).astype(np.float32)


def _silent(score: Score, frames: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.zeros(frames, dtype=np.float32)


@pytest.fixture(scope="module")
def quick() -> Ensemble:
    config = EnsembleConfig(bleed_db=(-10.0, -10.0), halls=2)
    return Ensemble(Players(voice=_hum, violin=_hum), config=config, sample_rate=RATE)


def _db(error: np.ndarray, reference: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(error).max() / np.abs(reference).max()))


@pytest.mark.parametrize("seed", [0, 1])
def test_stems_and_microphones_both_sum_to_the_mixture(quick: Ensemble, seed: int) -> None:
    piece = quick.render(seconds=5.0, seed=seed, form="kriti", bleeding=True)
    assert tuple(piece.stems) == tuple(piece.bleeding) == DEFAULT_STEMS
    assert {s.shape for s in piece.stems.values()} == {(2, 5 * RATE)}
    exact = np.sum(list(piece.stems.values()), axis=0, dtype=np.float64)
    assert _db(exact - piece.mixture, piece.mixture) < -120.0
    bled = np.sum(list(piece.bleeding.values()), axis=0, dtype=np.float64)
    assert _db(bled - piece.mixture, piece.mixture) < -110.0
    assert np.abs(piece.mixture).max() <= piece.desk.mastering.ceiling * 1.02
    assert np.sum((piece.bleeding["vocals"] - piece.stems["vocals"]) ** 2) > 0


def test_the_same_seed_gives_the_same_bytes_whatever_was_rendered_before(quick: Ensemble) -> None:
    fresh = Ensemble(quick.players, config=quick.config, sample_rate=RATE)
    one, again, other = (
        ensemble.render(seconds=3.0, seed=seed)
        for ensemble, seed in ((quick, 7), (fresh, 7), (quick, 8))
    )
    assert one.score.to_json() == again.score.to_json()
    for name in DEFAULT_STEMS:
        assert one.stems[name].tobytes() == again.stems[name].tobytes()
        assert one.stems[name].tobytes() != other.stems[name].tobytes()


@pytest.mark.parametrize("staged", [True, False])
def test_strokes_sound_when_they_are_written(staged: bool) -> None:
    """Through drum, microphone, tone, hall and mastering, within a millisecond."""
    rate = 44100
    config = EnsembleConfig(staged=staged, halls=1)
    ensemble = Ensemble(Players(voice=_silent, violin=_silent), config=config, sample_rate=rate)
    plain = ensemble.compose(seconds=4.0, seed=2, form="kriti")
    names = ("na", "ta", "ki", "tham", "dhin")
    strokes = tuple(Stroke(name, 0.31 + 0.7013 * index, 1.0) for index, name in enumerate(names))
    sound = np.abs(ensemble.play(replace(plain, strokes=strokes)).stems["mridangam"]).max(axis=0)
    for stroke in strokes:
        first = int((stroke.seconds - 0.02) * rate)
        part = sound[first : first + int(0.06 * rate)]
        onset = first + int(np.argmax(part > 0.15 * part.max()))
        assert abs(onset / rate - stroke.seconds) < 0.001


def test_activity_says_when_stems_sound(quick: Ensemble) -> None:
    piece = quick.render(seconds=6.0, seed=3, form="alapana")
    assert set(piece.score.activity) == set(DEFAULT_STEMS)
    assert piece.score.activity["mridangam"] == ()
    assert not piece.stems["mridangam"].any()
    seconds = np.arange(6 * RATE) / RATE
    inside = np.zeros(6 * RATE, dtype=bool)
    for start, end in piece.score.activity["vocals"]:
        inside |= (seconds >= start) & (seconds < end)
    energy = np.sum(piece.stems["vocals"] ** 2, axis=0)
    assert energy[inside].sum() > 0.99 * energy.sum()


def test_the_whole_ensemble_moves_with_its_tonic() -> None:
    ensemble = Ensemble(Players(voice=_silent, violin=_silent), sample_rate=RATE)
    low, high = (
        ensemble.render(seconds=8.0, seed=11, form="kriti", tonic_hz=tonic)
        for tonic in (120.0, 180.0)
    )
    assert [s.seconds for s in low.score.strokes] == [s.seconds for s in high.score.strokes]
    for name in ("mridangam", "other"):
        spectra = [np.abs(np.fft.rfft(p.stems[name].mean(axis=0))) for p in (low, high)]
        hz = np.fft.rfftfreq(8 * RATE, 1 / RATE)
        grid = np.arange(np.log2(150.0), np.log2(1500.0), 1 / 600)
        one, other = (np.interp(grid, np.log2(hz[1:]), s[1:]) for s in spectra)
        lags = np.arange(0, 600)
        likeness = [
            np.corrcoef(one[: one.size - 600], other[g : g + one.size - 600])[0, 1] for g in lags
        ]
        cents = 2.0 * lags[int(np.argmax(likeness))]
        assert cents == pytest.approx(1200 * math.log2(1.5), abs=15.0)


def test_levels_are_set_by_what_sounds() -> None:
    burst = np.zeros(10 * RATE, dtype=np.float32)
    burst[RATE : 2 * RATE] = 0.3
    assert np.abs(at_level(burst, -6.0)).max() == pytest.approx(0.0501, rel=0.05)
    assert not at_level(np.zeros(100, dtype=np.float32), 0.0).any()


def test_what_cannot_be_rendered_is_refused(quick: Ensemble) -> None:
    for options, words in (
        ({"seconds": 0.5, "seed": 0}, "at least 1"),
        ({"seconds": math.nan, "seed": 0}, "at least 1"),
        ({"seconds": 2.0, "seed": -1}, "seed"),
    ):
        with pytest.raises(UsageError, match=words):
            quick.render(**options)
    with pytest.raises(UnknownNameError, match="kriti"):
        quick.render(seconds=2.0, seed=0, form="kritti")
    with pytest.raises(UsageError, match="8000"):
        Ensemble(sample_rate=4000)


@pytest.mark.parametrize("form", ["kriti", "alapana"])
def test_players_apart_have_another_tonic_and_play_on_when_the_voice_changes(form: str) -> None:
    players = Players(voice=_hum, violin=_hum)
    apart = EnsembleConfig(halls=1, apart=("violin", "mridangam", "other"))
    one, together = (
        Ensemble(players, config=config, sample_rate=RATE).compose(seconds=8.0, seed=5, form=form)
        for config in (apart, EnsembleConfig(halls=1))
    )
    assert np.array_equal(one.voice.cents, together.voice.cents)
    shadows = [part for part in together.violin_parts if part.role == "shadow"]
    assert shadows
    assert {part.role for part in one.violin_parts} <= {"solo", "rest"}
    assert all(part.delay_seconds == 0.0 for part in one.violin_parts)
    # At the delay of the shadow the lines agree; apart, they do not.
    part = shadows[0]
    at = np.arange(part.start + 0.1, part.end - 0.1, 0.01)
    sung = np.interp(at - part.delay_seconds, together.voice.times, together.voice.cents)
    for score, close in ((together, True), (one, False)):
        off = np.interp(at, score.violin.times, score.violin.cents) - sung - 1200 * part.octave
        assert (float(np.median(np.abs(off))) < 5.0) == close
    if form == "kriti":
        assert one.strokes != together.strokes


def test_a_violin_apart_sounds_at_the_pitch_its_score_says(ear: Any) -> None:
    config = EnsembleConfig(halls=1, staged=False, mastered=False, apart=("violin",))
    ensemble = Ensemble(Players(voice=_silent), config=config, sample_rate=RATE)
    piece = ensemble.render(seconds=6.0, seed=4, form="alapana")
    line = piece.score.violin
    at = np.arange(0.5, 5.5, 0.02)
    at = at[np.interp(at, line.times, line.level) > 0.4]
    near = piece.score.tonic_hz * 2 ** (np.interp(at, line.times, line.cents) / 1200)
    heard = ear.hear(piece.stems["violin"].mean(axis=0), at, near_hz=near, rate=RATE)
    assert at.size > 50
    assert np.nanmedian(np.abs(1200 * np.log2(heard / near))) < 6.0


def test_every_ingredient_is_switched_off_by_itself() -> None:
    """One piece, and the same without each: what the switch promises is gone, the rest stands."""
    whole = EnsembleConfig(bleed_db=(-10.0, -10.0), halls=1)
    players = Players(voice=_hum, violin=_hum)

    def rendered(**changed: Any) -> Rendering:
        ensemble = Ensemble(players, config=replace(whole, **changed), sample_rate=RATE)
        return ensemble.render(seconds=2.0, seed=9, form="kriti", bleeding=True)

    full = rendered()
    open_air = rendered(hall="open", reverb=False)
    flat = rendered(equalised=False)
    unmastered = rendered(mastered=False)
    bare = rendered(bleed_db=None)
    dry = rendered(staged=False, mastered=False)
    for piece in (open_air, flat, unmastered, bare, dry):
        assert piece.score.strokes == full.score.strokes
        assert piece.desk.channels["violin"].pan == full.desk.channels["violin"].pan
        assert not np.array_equal(piece.stems["vocals"], full.stems["vocals"])
        exact = np.sum(list(piece.stems.values()), axis=0, dtype=np.float64)
        assert _db(exact - piece.mixture, piece.mixture) < -120.0

    assert flat.desk.tone_db == (0.0,) * 10
    assert {c.tone_db for c in flat.desk.channels.values()} == {(0.0,) * 10}
    assert bare.desk.bleed_db is None
    # Mastering was one gain curve over all stems: dividing by it leaves a constant.
    curves = []
    for name in ("vocals", "violin"):
        loud = np.abs(unmastered.stems[name][0]) > 0.02
        curves.append((loud, full.stems[name][0] / np.where(loud, unmastered.stems[name][0], 1.0)))
    both = curves[0][0] & curves[1][0]
    assert both.sum() > 100
    np.testing.assert_allclose(curves[0][1][both], curves[1][1][both], rtol=1e-3)
    assert np.std(curves[0][1][both]) > 0.0
    np.testing.assert_allclose(bare.bleeding["vocals"], bare.stems["vocals"], atol=1e-6)
    # In the open a voice is a panned copy of itself but for bleed: left and right are alike.
    lone = rendered(hall="open", reverb=False, equalised=False, mastered=False, bleed_db=None)
    left, right = lone.stems["vocals"]
    assert np.corrcoef(left, right)[0, 1] > 0.999
    left, right = full.stems["vocals"]
    assert np.corrcoef(left, right)[0, 1] < 0.995


def test_who_cannot_play_apart_is_named() -> None:
    with pytest.raises(UnknownNameError, match="violin"):
        EnsembleConfig(apart=("vocals",))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hall": "moon"}, "unknown kind of hall 'moon'"),
        ({"halls": 0}, "halls must be 1 or more, not 0"),
        ({"rule_share": 2.0}, "rule_share is a share from 0 to 1, not 2.0"),
        ({"rule_share": float("nan")}, "rule_share is a share from 0 to 1"),
        ({"bleed_db": (-5.0,)}, "give the lower and the upper limit"),
        ({"bleed_db": (-5.0, -20.0)}, "the lower limit first, not -5 before -20"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EnsembleConfig(**given)
