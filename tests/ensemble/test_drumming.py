"""Strokes on the grid of a frame: who plays where, and how far hands stray."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.ensemble.drumming import compose_drumming
from carnatic_sep.ensemble.score import Frame, Section
from carnatic_sep.ensemble.tala import TALAS


def _frame(tala: str, seed: int = 0, *forms: str, cycles: int = 4) -> Frame:
    """Sections of `cycles` cycles each, after half a second of alapana."""
    chosen = TALAS[tala]
    beat = float(np.mean(chosen.beat_seconds))
    length = cycles * chosen.beats * beat
    sections = [Section(0.0, 0.5, "alapana")]
    for index, form in enumerate(forms or ("kriti",)):
        sections.append(Section(0.5 + index * length, 0.5 + (index + 1) * length, form))
    return Frame(
        seconds=sections[-1].end + 1.0,
        seed=seed,
        tonic_hz=150.0,
        raga="Kalyani",
        tala=tala,
        beats=chosen.beats,
        beat_seconds=beat,
        first_beat_seconds=0.5,
        sections=tuple(sections),
    )


@given(
    tala=st.sampled_from(sorted(TALAS)),
    seed=st.integers(0, 500),
    forms=st.lists(st.sampled_from(["kriti", "neraval", "thani"]), min_size=1, max_size=2),
)
def test_every_stroke_has_a_place_in_the_grid(tala: str, seed: int, forms: list[str]) -> None:
    frame = _frame(tala, seed, *forms)
    strokes = compose_drumming(frame, second_drum="ghatam", claps=True)
    pulse = frame.beat_seconds / TALAS[tala].pulses_per_beat
    written = np.array([stroke.written_seconds for stroke in strokes])
    sixtieths = (written - 0.5) / pulse * 60.0  # 1, 5/4, 3/2, 2 and 3 to a pulse all divide it
    assert np.allclose(sixtieths, np.round(sixtieths), atol=1e-5)
    assert written.min() >= 0.5 - 1e-9
    assert written.max() < frame.seconds
    strays = [abs(stroke.stray_seconds) for stroke in strokes]
    assert 0.0 < max(strays) <= 0.012 + 1e-12
    assert [s.seconds for s in strokes] == sorted(s.seconds for s in strokes)
    assert all(0.0 < stroke.velocity <= 1.0 for stroke in strokes)


def test_sama_is_struck_and_heavier_than_what_is_between() -> None:
    frame = _frame("adi", 3, "kriti", cycles=6)
    strokes = compose_drumming(frame, stray_seconds=0.0)
    at = {round((s.seconds - 0.5) / frame.cycle_seconds, 6): s.velocity for s in strokes}
    assert all(float(cycle) in at for cycle in range(6))
    assert np.mean([at[float(c)] for c in range(6)]) > np.mean([s.velocity for s in strokes])
    assert all(stroke.stray_seconds == 0.0 for stroke in strokes)


def test_nobody_drums_in_alapana_and_tanam() -> None:
    chosen = _frame("adi", 0, "alapana", "tanam")
    assert compose_drumming(chosen, second_drum="kanjira", claps=True) == ()


def test_a_thani_runs_faster_and_gives_cycles_to_the_second_drum() -> None:
    strokes = compose_drumming(_frame("adi", 2, "thani", cycles=12), second_drum="ghatam")
    own = sorted(s.written_seconds for s in strokes if s.instrument == "mridangam")
    other = [s.written_seconds for s in strokes if s.instrument == "ghatam"]
    plain = 0.8 / 4
    gaps = np.diff(own)
    assert gaps.min() < 0.75 * plain
    assert gaps.max() > 4.0  # a whole cycle of 6.4 s that the ghatam has to itself
    start = own[int(np.argmax(gaps))]
    assert sum(start < second < start + gaps.max() for second in other) > 10


def test_strokes_never_come_faster_than_hands_can() -> None:
    for tala in TALAS:
        for seed in range(4):
            strokes = compose_drumming(_frame(tala, seed, "thani", cycles=8))
            gaps = [b.written_seconds - a.written_seconds for a, b in pairwise(strokes)]
            assert min(gap for gap in gaps if gap > 1e-9) >= 0.0679


@pytest.mark.parametrize("tala", sorted(TALAS))
def test_claps_fall_where_the_tala_has_them(tala: str) -> None:
    frame = _frame(tala, 1)
    claps = [s for s in compose_drumming(frame, claps=True) if s.instrument == "clap"]
    beats = [(s.written_seconds - 0.5) / frame.beat_seconds for s in claps]
    assert np.allclose(beats, np.round(beats), atol=1e-6)
    assert {round(beat) % TALAS[tala].beats for beat in beats} == set(TALAS[tala].claps)


def test_a_frame_decides_what_is_played() -> None:
    frame = _frame("rupaka", 5, "thani")
    assert compose_drumming(frame) == compose_drumming(frame)
    assert compose_drumming(frame) != compose_drumming(_frame("rupaka", 6, "thani"))


def test_an_onset_detector_finds_the_strokes(piece: Any) -> None:
    librosa = pytest.importorskip("librosa")
    heard = librosa.onset.onset_detect(
        y=piece.mono("mridangam"), sr=piece.sample_rate, hop_length=256, units="time", delta=0.03
    )
    strokes = [stroke for stroke in piece.score.strokes if stroke.instrument == "mridangam"]
    written = np.array([stroke.seconds for stroke in strokes])
    far = np.abs(heard[:, None] - written[None])
    assert np.mean(far.min(axis=0) < 0.04) > 0.95
    assert np.mean(far.min(axis=1) < 0.04) > 0.95
