"""Melodies of every form, and what the violinist makes of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import Melody, write_melody
from carnatic_sep.ensemble.raga import raga
from carnatic_sep.ensemble.score import FORMS, ROLES, Frame, Score
from carnatic_sep.ensemble.tala import TALAS
from carnatic_sep.errors import ConfigError, UnknownNameError

SUNG = tuple(form for form in FORMS if form != "thani")


@pytest.fixture(scope="module", params=SUNG)
def written(request: pytest.FixtureRequest) -> list[tuple[Frame, Melody]]:
    frames = [draw_frame(seconds=20.0, seed=seed, form=request.param) for seed in range(4)]
    return [(frame, write_melody(frame)) for frame in frames]


def test_phrases_respect_the_raga(written: list[tuple[Frame, Melody]]) -> None:
    for frame, melody in written:
        scale = raga(frame.raga)
        degrees = {scale.cents(degree): degree for degree in range(-16, 25)}
        for one, other in zip(melody.voice.notes, melody.voice.notes[1:], strict=False):
            assert one.end <= other.start + 1e-6
            if not other.opens_phrase:
                assert scale.allows(degrees[one.cents], degrees[other.cents])


def test_the_singer_keeps_to_the_sections_and_sings_most_of_the_time(
    written: list[tuple[Frame, Melody]],
) -> None:
    for frame, melody in written:
        assert melody.voice.notes[0].start >= frame.sections[0].start
        assert melody.voice.notes[-1].end <= frame.seconds
        sung = np.mean(melody.voice.level > 0.05)
        assert 0.35 < sung < 0.97
        assert np.isfinite(melody.voice.cents).all()


def test_metrical_lines_stand_on_the_pulses(written: list[tuple[Frame, Melody]]) -> None:
    for frame, melody in written:
        if frame.form not in ("kriti", "neraval", "kalpanasvara"):
            continue
        pulse = frame.beat_seconds / TALAS[frame.tala].pulses_per_beat
        openings = [note.start for note in melody.voice.notes if note.opens_phrase]
        away = (np.array(openings) - frame.first_beat_seconds) / pulse
        assert np.max(np.abs(away - np.round(away))) < 1e-6


def test_the_violin_shadows_exactly_and_its_parts_cover_the_piece(
    written: list[tuple[Frame, Melody]],
) -> None:
    shadowed = 0.0
    for frame, melody in written:
        times = melody.violin.times
        edges = [(part.start, part.end) for part in melody.violin_parts]
        assert edges[0][0] == 0.0
        assert edges[-1][1] == pytest.approx(frame.seconds)
        assert all(one[1] == other[0] for one, other in itertools.pairwise(edges))
        for part in melody.violin_parts:
            assert part.role in ROLES
            if part.role != "shadow":
                continue
            assert 0.08 <= part.delay_seconds <= 0.5
            shadowed += part.end - part.start
            inside = (times > part.start + 0.005) & (times < part.end - 0.005)
            sung = np.interp(times[inside] - part.delay_seconds, times, melody.voice.cents)
            off = melody.violin.cents[inside] - 1200.0 * part.octave - sung
            assert np.max(np.abs(off)) < 2.0
            assert melody.violin.level[inside].max() > 0.3
    assert shadowed > 0.35 * sum(frame.seconds for frame, _ in written)


def test_a_violinist_answers_svaras_in_the_rests() -> None:
    roles = {
        part.role
        for seed in range(8)
        for part in write_melody(
            draw_frame(seconds=24.0, seed=seed, form="kalpanasvara")
        ).violin_parts
    }
    assert {"shadow", "echo", "solo", "sustain", "rest"} == roles


def test_an_echo_is_what_was_sung_before() -> None:
    for seed in range(12):
        melody = write_melody(draw_frame(seconds=24.0, seed=seed, form="kalpanasvara"))
        for part in melody.violin_parts:
            if part.role == "echo":
                times = melody.violin.times
                inside = (times > part.start) & (times < part.end) & (melody.violin.level > 0.1)
                sung = np.interp(times[inside] - part.delay_seconds, times, melody.voice.cents)
                off = melody.violin.cents[inside] - 1200.0 * part.octave - sung
                assert np.median(np.abs(off)) < 15.0
                assert part.delay_seconds > 0.5
                return
    raise AssertionError("no echo in twelve pieces")


def test_drums_alone_leave_voice_and_violin_silent() -> None:
    melody = write_melody(draw_frame(seconds=8.0, seed=3, form="thani"))
    assert not melody.voice.level.any()
    assert not melody.violin.level.any()


def test_the_same_seed_writes_the_same_melody_and_another_does_not() -> None:
    first, again, other = (write_melody(draw_frame(seconds=9.0, seed=s)) for s in (5, 5, 6))
    assert first.voice.cents.tobytes() == again.voice.cents.tobytes()
    assert first.violin_parts == again.violin_parts
    assert first.voice.notes != other.voice.notes


def test_a_frame_keeps_what_it_is_given() -> None:
    frame = draw_frame(seconds=70.0, seed=1, tonic_hz=140.0, raga="todi", tala="rupaka")
    assert (frame.tonic_hz, frame.raga, frame.tala, frame.beats) == (140.0, "Todi", "rupaka", 3)
    assert len(frame.sections) == 3
    for section in frame.sections:
        cycles = (section.start - frame.first_beat_seconds) / frame.cycle_seconds
        assert cycles == pytest.approx(round(cycles), abs=1e-6)
    assert frame.sections[-1].end == 70.0
    for wrong in ({"raga": "x"}, {"tala": "x"}, {"form": "x"}):
        with pytest.raises(UnknownNameError):
            draw_frame(seconds=5.0, seed=0, **wrong)


def test_a_score_survives_its_own_json() -> None:
    frame = draw_frame(seconds=5.0, seed=2, form="kriti")
    melody = write_melody(frame)
    score = Score(frame, melody.voice, melody.violin, melody.violin_parts)
    again = Score.from_json(score.to_json())
    assert again.frame == score.frame
    assert again.violin_parts == score.violin_parts
    assert again.voice.notes == score.voice.notes
    assert np.max(np.abs(again.voice.cents - score.voice.cents)) <= 0.0051
    assert again.voice.cents.size == 5 * CONTROL_RATE + 1
    for text in ("no json", "[1]", '{"format": 99, "contour_rate": 500}', '{"format": 1}'):
        with pytest.raises(ConfigError, match="score"):
            Score.from_json(text)
