"""Pitch lines: what is drawn, and what an independent pitch tracker hears in the sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.ensemble.contour import CONTROL_RATE, Note, draw_contour
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.raga import raga


def _note(start: float, seconds: float, cents: float, **changes: Any) -> Note:
    values = {"kampita_cents": 0.0, "kampita_rate": 5.0, "opens_phrase": False} | changes
    return Note(start, seconds, cents, closes_phrase=False, **values)


@pytest.mark.parametrize(("stem", "line"), [("vocals", "voice"), ("violin", "violin")])
def test_a_pitch_tracker_hears_the_line_that_was_drawn(piece: Any, stem: str, line: str) -> None:
    seconds, cents = piece.heard(stem)
    drawn = getattr(piece.score, line)
    error = np.abs(cents - np.interp(seconds, drawn.times, drawn.cents))
    assert seconds.size > 0.4 * 9.0 * piece.sample_rate / 512
    assert np.median(error) < 6.0  # pYIN hears in steps of 10
    assert np.mean(error < 50.0) > 0.95


def test_the_last_note_is_the_tonic(piece: Any) -> None:
    seconds, cents = piece.heard("vocals")
    last = piece.score.voice.notes[-1]
    held = cents[(seconds > last.start + 0.25) & (seconds < last.end - 0.4)]
    assert held.size > 30
    assert last.cents == 0.0
    # It swings upwards from Sa, and pYIN hears in steps of 10.
    assert -6.0 < np.median(held) < last.vibrato_cents + 6.0


def test_the_violin_trails_the_voice_by_its_delay(piece: Any) -> None:
    seconds, heard = piece.heard("violin")
    part = next(part for part in piece.score.violin_parts if part.role == "shadow")
    inside = (seconds > part.start + 0.1) & (seconds < part.end - 0.1)
    seconds, heard = seconds[inside], heard[inside] - 1200.0 * part.octave
    lags = np.arange(0.0, 0.55, 0.01)
    voice = piece.score.voice
    far = [
        np.median(np.abs(heard - np.interp(seconds - lag, voice.times, voice.cents)))
        for lag in lags
    ]
    assert seconds.size > 100
    assert lags[int(np.argmin(far))] == pytest.approx(part.delay_seconds, abs=0.02)
    assert 0.08 <= part.delay_seconds <= 0.5


def test_plain_notes_are_flat_between_slides_and_slides_do_not_overshoot() -> None:
    line = draw_contour([_note(0.0, 1.0, 0.0), _note(1.0, 1.0, 702.0)], seconds=2.0)
    assert np.ptp(line.cents[: int(0.95 * CONTROL_RATE)]) < 1.0
    assert np.allclose(line.cents[int(1.3 * CONTROL_RATE) :], 702.0, atol=1.0)
    assert line.cents.min() > -1e-6
    assert line.cents.max() < 702.0 + 1e-6
    assert np.all(np.diff(line.cents) > -1e-6)


@settings(deadline=None, max_examples=15)
@given(rate=st.floats(4.2, 6.0), depth=st.floats(40.0, 160.0))
def test_kampita_swings_at_its_rate_from_svara_to_neighbour(rate: float, depth: float) -> None:
    note = _note(0.0, 2.0, 100.0, kampita_cents=depth, kampita_rate=rate)
    inside = draw_contour([note], seconds=2.0).cents[int(0.1 * CONTROL_RATE) : -20]
    spectrum = np.abs(np.fft.rfft((inside - inside.mean()) * np.hanning(inside.size), 1 << 14))
    heard = np.argmax(spectrum) * CONTROL_RATE / (1 << 14)
    assert heard == pytest.approx(rate, abs=0.4)
    assert inside.min() == pytest.approx(100.0, abs=0.08 * depth)
    assert inside.max() == pytest.approx(100.0 + depth, abs=0.08 * depth)


def test_a_repeated_svara_is_touched_from_below() -> None:
    line = draw_contour([_note(0.0, 0.5, 386.0), _note(0.5, 0.5, 386.0)], seconds=1.0)
    touch = line.cents[int(0.5 * CONTROL_RATE) : int(0.6 * CONTROL_RATE)]
    assert 300.0 < touch.min() < 330.0


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), seconds=st.floats(1.0, 60.0))
def test_any_melody_is_singable(seed: int, seconds: float) -> None:
    frame = draw_frame(seconds=seconds, seed=seed)
    melody = write_melody(frame)
    scale = [round(svara.cents) for svara in raga(frame.raga).svaras]
    assert all(round(note.cents) % 1200 in scale for note in melody.voice.notes)
    starts = [note.start for note in melody.voice.notes]
    assert starts == sorted(starts)
    hz = frame.tonic_hz * 2.0 ** (melody.voice.cents / 1200.0)
    assert hz.min() > 62.0  # the B of a deep bass
    assert hz.max() < 740.0  # the F sharp of an alto
    assert np.isfinite(melody.violin.cents).all()
    assert melody.voice.level.max() <= 1.0 + 1e-9
