"""Onsets and strokes that were put where they are found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from carnatic_sep.metrics.rhythm import detect_onsets, loudest_band, onset_scores, stroke_bands

pytest.importorskip("mir_eval", reason="mir_eval is not installed (extra: eval)")
RATE = 22050


def _strokes(times: np.ndarray, *, bass: float = 1.0, treble: float = 1.0, seed: int = 0):
    """Strokes of both hands in turn: a decaying low tone, a decaying high one with a click."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(int((times[-1] + 0.5) * RATE))
    time = np.arange(int(0.15 * RATE)) / RATE
    for number, start in enumerate(times):
        if number % 2:
            stroke = bass * np.exp(-time / 0.05) * np.sin(2 * np.pi * 90 * time)
        else:
            ring = np.exp(-time / 0.03) * np.sin(2 * np.pi * 520 * time)
            click = 0.3 * np.exp(-time / 0.003) * rng.standard_normal(len(time))
            stroke = treble * (ring + click)
        place = int(start * RATE)
        audio[place : place + len(time)] += rng.uniform(0.3, 1.0) * stroke
    return audio


TIMES = 0.3 + np.cumsum(np.random.default_rng(1).uniform(0.1, 0.3, 30))


def test_strokes_are_found_where_they_were_put() -> None:
    found = detect_onsets(_strokes(TIMES), sample_rate=RATE)
    scores = onset_scores(TIMES, found)
    assert scores.f_measure > 0.95
    near = found[np.argmin(np.abs(found[:, None] - TIMES), axis=0)] - TIMES
    assert np.abs(np.median(near)) < 0.006
    assert onset_scores(TIMES, found + 0.06).f_measure < 0.5


def test_remains_below_the_references_level_are_no_strokes() -> None:
    audio = _strokes(TIMES)
    scale = loudest_band(audio, sample_rate=RATE)
    faint = 1e-4 * audio
    assert len(detect_onsets(faint, sample_rate=RATE)) == len(
        detect_onsets(audio, sample_rate=RATE)
    )
    assert len(detect_onsets(faint, sample_rate=RATE, full_scale=scale)) == 0


def test_shares_are_counted_by_hand() -> None:
    scores = onset_scores([1.0, 2.0, 3.0, 4.0], [1.01, 2.03, 3.0])
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.recall == pytest.approx(0.5)
    assert scores.f_measure == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    wide = onset_scores([2.0], [2.03], tolerance_seconds=0.05)
    assert wide.f_measure == 1.0


def test_no_onsets_are_defined() -> None:
    lost = onset_scores([1.0], [])
    assert math.isnan(lost.precision)
    assert (lost.recall, lost.f_measure) == (0.0, 0.0)
    added = onset_scores([], [1.0])
    assert math.isnan(added.recall)
    assert (added.precision, added.f_measure) == (0.0, 0.0)
    assert math.isnan(onset_scores([], []).f_measure)
    assert len(detect_onsets(np.zeros(RATE), sample_rate=RATE)) == 0
    assert len(detect_onsets([0.5], sample_rate=RATE)) <= 1


def test_onsets_that_make_no_sense_are_named() -> None:
    with pytest.raises(ValueError, match="estimate onsets must not be negative"):
        onset_scores([1.0], [-1.0])
    with pytest.raises(ValueError, match="reference onsets must not be negative and must rise"):
        onset_scores([2.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        onset_scores([math.nan], [1.0])


def test_each_hand_is_heard_in_its_own_bands() -> None:
    both = _strokes(TIMES)
    assert stroke_bands(both, both, sample_rate=RATE).left_db == 0.0
    no_bass = stroke_bands(both, _strokes(TIMES, bass=0.1), sample_rate=RATE, onsets=TIMES[1::2])
    assert no_bass.left_db == pytest.approx(20.0, abs=3.0)
    dull = stroke_bands(both, _strokes(TIMES, treble=0.5), sample_rate=RATE, onsets=TIMES[::2])
    assert dull.right_db == pytest.approx(6.0, abs=1.5)
    assert (
        stroke_bands(
            both, _strokes(TIMES, treble=0.5), sample_rate=RATE, onsets=TIMES[1::2]
        ).left_db
        < 2.0
    )
    nothing = stroke_bands(both, both, sample_rate=RATE, onsets=[])
    assert math.isnan(nothing.left_db)
    assert math.isnan(nothing.right_db)
    gone = stroke_bands(both, 0 * both, sample_rate=RATE)
    assert 10.0 < gone.right_db <= 40.0


def test_onsets_do_not_drift_where_the_hop_is_no_whole_number_of_frames() -> None:
    rate, times = 44100, np.arange(0.5, 40.0, 0.5)  # 5 ms are 220.5 frames
    audio = np.zeros(41 * rate)
    for time in times:
        start = round(time * rate)
        audio[start : start + 2000] = np.sin(np.arange(2000)) * np.exp(-np.arange(2000) / 400)
    found = detect_onsets(audio, sample_rate=rate)
    assert len(found) == len(times)
    assert np.abs(found - times).max() < 0.01
