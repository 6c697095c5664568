"""Melody metrics against contours and tones whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from carnatic_sep.metrics.confusion import voice_violin_confusion
from carnatic_sep.metrics.melody import (
    Melody,
    drone_locking,
    gamaka_fidelity,
    melody_scores,
    validate,
)

pytest.importorskip("mir_eval", reason="mir_eval is not installed (extra: eval)")
TIMES = np.arange(400) * 0.01


def _melody(cents: np.ndarray | float, *, base: float = 200.0, times: np.ndarray = TIMES) -> Melody:
    return Melody(times, base * 2.0 ** (np.broadcast_to(cents, times.shape) / 1200.0))


def test_the_five_shares_are_counted_as_mir_eval_counts_them() -> None:
    import mir_eval

    rng = np.random.default_rng(0)
    reference = _melody(300 * np.sin(TIMES))
    sung = np.where(rng.random(400) < 0.3, 0.0, reference.f0)
    errors = 2.0 ** (rng.choice([0.0, 20.0, 40.0, 80.0, 1200.0], 400) / 1200.0)
    found = np.where(rng.random(400) < 0.4, 0.0, reference.f0 * errors)
    for tolerance in (50.0, 25.0):
        ours = melody_scores(Melody(TIMES, sung), Melody(TIMES, found), tolerance_cents=tolerance)
        theirs = mir_eval.melody.evaluate(TIMES, sung, TIMES, found, cent_tolerance=tolerance)
        assert ours.raw_pitch == pytest.approx(theirs["Raw Pitch Accuracy"])
        assert ours.raw_chroma == pytest.approx(theirs["Raw Chroma Accuracy"])
        assert ours.voicing_recall == pytest.approx(theirs["Voicing Recall"])
        assert ours.voicing_false_alarm == pytest.approx(theirs["Voicing False Alarm"])
        assert ours.overall_accuracy == pytest.approx(theirs["Overall Accuracy"])
        assert 0.1 < ours.raw_pitch < ours.raw_chroma < 0.9


def test_octaves_and_quarter_tones_are_told_apart() -> None:
    reference = _melody(0.0)
    octave = melody_scores(reference, _melody(1200.0))
    assert (octave.raw_pitch, octave.raw_chroma) == (0.0, 1.0)
    sharp = _melody(30.0)
    assert melody_scores(reference, sharp).raw_pitch == 1.0
    assert melody_scores(reference, sharp, tolerance_cents=25.0).raw_pitch == 0.0


def test_other_time_grids_are_read_at_the_references() -> None:
    fine = np.arange(900) * 0.00444
    reference = _melody(100 * np.sin(3 * fine), times=fine)
    assert melody_scores(reference, _melody(100 * np.sin(3 * TIMES))).raw_pitch == 1.0
    late = Melody(TIMES + 2.0, _melody(0.0).f0)
    scores = melody_scores(_melody(0.0), late)
    assert scores.voicing_recall == pytest.approx(0.5, abs=0.01)


def test_unvoiced_contours_are_defined() -> None:
    silence, sound = Melody(TIMES, np.zeros(400)), _melody(0.0)
    rest = melody_scores(silence, sound)
    assert math.isnan(rest.raw_pitch)
    assert math.isnan(rest.voicing_recall)
    assert (rest.voicing_false_alarm, rest.overall_accuracy) == (1.0, 0.0)
    lost = melody_scores(sound, silence)
    assert (lost.raw_pitch, lost.raw_chroma, lost.voicing_recall) == (0.0, 0.0, 0.0)
    assert math.isnan(lost.voicing_false_alarm)
    nothing = Melody(np.zeros(0), np.zeros(0))
    assert math.isnan(melody_scores(nothing, sound).overall_accuracy)
    assert melody_scores(sound, nothing).voicing_recall == 0.0
    single = Melody(np.zeros(1), np.full(1, 200.0))
    assert melody_scores(single, single).overall_accuracy == 1.0


@pytest.mark.parametrize(("phase", "depth"), [(0.0, 1.0), (math.pi / 3, 1.0), (math.pi, 0.5)])
def test_gamakas_correlate_as_their_phases_say(phase: float, depth: float) -> None:
    wave = 2 * np.pi * 6.0 * TIMES
    reference = _melody(80.0 * np.sin(wave))
    estimate = _melody(1200.0 + 80.0 * depth * np.sin(wave + phase))  # an octave up
    found = gamaka_fidelity(reference, estimate)
    # |80 sin a - 80 d sin(a + p)| has this RMS; the band's edge takes a little off.
    rms = 80.0 * math.sqrt((1 + depth**2 - 2 * depth * math.cos(phase)) / 2)
    assert found.correlation == pytest.approx(math.cos(phase), abs=0.02)
    assert found.rms_cents == pytest.approx(rms, rel=0.1, abs=0.01)
    assert found.seconds == pytest.approx(4.0)


def test_gamakas_that_were_smoothed_away_are_missed() -> None:
    reference = _melody(400 * TIMES + 80.0 * np.sin(2 * np.pi * 6.0 * TIMES))
    smooth = gamaka_fidelity(reference, _melody(400 * TIMES))
    assert smooth.rms_cents == pytest.approx(80 / math.sqrt(2), rel=0.1)
    slide = gamaka_fidelity(_melody(400 * TIMES), _melody(400 * TIMES))
    assert slide.rms_cents == 0.0


def test_gamakas_are_compared_where_the_note_is_right_only() -> None:
    reference = _melody(80.0 * np.sin(2 * np.pi * 6.0 * TIMES))
    wrong = reference.f0.copy()
    wrong[100:] *= 2.0 ** (500.0 / 1200.0)
    found = gamaka_fidelity(reference, Melody(TIMES, wrong))
    assert found.seconds == pytest.approx(1.0)
    assert found.correlation == pytest.approx(1.0)
    none = gamaka_fidelity(reference, Melody(TIMES, np.zeros(400)))
    assert math.isnan(none.correlation)
    assert math.isnan(none.rms_cents)
    flat = gamaka_fidelity(_melody(0.0), _melody(0.0))
    assert math.isnan(flat.correlation)
    assert flat.rms_cents == pytest.approx(0.0, abs=1e-6)


def test_drone_locking_counts_what_goes_to_sa_and_pa() -> None:
    reference = _melody(np.where(TIMES < 3.0, 400.0, 0.0))  # three seconds of Ga, one of Sa
    locked = reference.f0.copy()
    locked[:75] = 100.0  # Sa, an octave down
    locked[75:150] = 200.0 * 2.0 ** (710.0 / 1200.0)  # Pa
    locked[150:225] = 0.0
    assert drone_locking(reference, Melody(TIMES, locked), tonic_hz=100.0) == pytest.approx(0.5)
    assert drone_locking(reference, reference, tonic_hz=100.0) == 0.0
    assert math.isnan(drone_locking(_melody(0.0), reference, tonic_hz=200.0))
    with pytest.raises(ValueError, match="tonic"):
        drone_locking(reference, reference, tonic_hz=0.0)


def _tone(f0: float, seconds: float = 3.0, rate: int = 16000) -> np.ndarray:
    phase = 2 * np.pi * f0 * np.arange(int(seconds * rate)) / rate
    return np.sum([np.sin(k * phase + k * k) / k for k in range(1, 9)], axis=0)


@pytest.mark.parametrize("level", [-20.0, -6.0, 3.0])
def test_confusion_is_the_level_of_the_rival(level: float) -> None:
    voice, violin = _melody(0.0, base=200.0), _melody(0.0, base=283.0)
    audio = _tone(200.0) + 10.0 ** (level / 20.0) * _tone(283.0)
    found = voice_violin_confusion(audio, voice, violin, sample_rate=16000)
    assert found == pytest.approx(level, abs=1.0)
    back = voice_violin_confusion(audio, violin, voice, sample_rate=16000)
    assert back == pytest.approx(-level, abs=1.0)


def test_confusion_is_not_defined_where_they_play_the_same() -> None:
    voice = _melody(0.0)
    tone = _tone(200.0)
    for rival in (voice, _melody(1210.0), Melody(TIMES, np.zeros(400))):
        assert math.isnan(voice_violin_confusion(tone, voice, rival, sample_rate=16000))
    silent = voice_violin_confusion(0 * tone, voice, _melody(600.0), sample_rate=16000)
    assert math.isnan(silent)


def test_contours_that_make_no_sense_are_named() -> None:
    with pytest.raises(ValueError, match=r"x: times have shape \(3,\) but f0 has shape \(2,\)"):
        validate(Melody(np.arange(3.0), np.ones(2)), name="x")
    with pytest.raises(ValueError, match="estimated melody: .* unvoiced is 0 Hz"):
        melody_scores(_melody(0.0), Melody(TIMES, np.full(400, np.nan)))
    with pytest.raises(ValueError, match="must rise"):
        validate(Melody(np.zeros(2), np.ones(2)), name="x")
    with pytest.raises(ValueError, match="must not be negative"):
        validate(Melody(np.arange(2.0), -np.ones(2)), name="x")
