"""Phrases that fill exactly what they are asked to fill, and forms that are what they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.ensemble.mridangam import STROKE_NAMES
from carnatic_sep.ensemble.sollukattu import (
    REST,
    SHORTEST_KORVAI,
    fill,
    korvai,
    mohra,
    sarvalaghu,
    spoken,
)
from carnatic_sep.ensemble.tala import TALAS


def _repeats(line: tuple[str, ...]) -> tuple[int, int] | None:
    """Return length and gap of a phrase that ends `line` three times, if there is one."""
    for length in range(9, 4, -1):
        for gap in range(5):
            step = length + gap
            if len(line) < length + 2 * step:
                continue
            last = line[len(line) - length :]
            earlier = [line[len(line) - length - n * step :][:length] for n in (1, 2)]
            if all(each == last for each in earlier) and last[0] != REST:
                return length, gap
    return None


@given(units=st.integers(SHORTEST_KORVAI, 160), seed=st.integers(0, 999))
def test_a_korvai_fills_its_units_and_ends_on_a_phrase_said_three_times(
    units: int, seed: int
) -> None:
    line = korvai(units, rng=np.random.default_rng(seed))
    assert len(line) == units
    assert _repeats(line) is not None
    assert line[-1] == "tham"
    assert set(line) - {REST} <= set(STROKE_NAMES)


@given(eighths=st.integers(4, 20), seed=st.integers(0, 999))
def test_a_mohra_says_its_first_quarter_three_times(eighths: int, seed: int) -> None:
    line = mohra(8 * eighths, rng=np.random.default_rng(seed))
    leg = 2 * eighths
    assert len(line) == 8 * eighths
    assert line[:leg] == line[leg : 2 * leg] == line[2 * leg : 3 * leg] != line[3 * leg :]
    assert any(stroke != REST for stroke in line[3 * leg :])


@given(units=st.integers(2, 200), seed=st.integers(0, 99))
def test_running_phrases_fill_their_units(units: int, seed: int) -> None:
    assert len(fill(units, rng=np.random.default_rng(seed))) == units


@pytest.mark.parametrize("tala", TALAS.values(), ids=lambda tala: tala.name)
def test_talas_add_up_and_are_kept(tala) -> None:
    line = sarvalaghu(tala.groups, rng=np.random.default_rng(1))
    assert sum(tala.groups) == tala.beats * tala.pulses_per_beat == tala.pulses == len(line)
    assert line[0] == "tham"
    assert all(0 <= clap < tala.beats for clap in tala.claps)


def test_the_drummers_tala_are_those_of_the_books() -> None:
    assert {name: tala.beats for name, tala in TALAS.items()} == {
        "adi": 8,
        "rupaka": 3,
        "misra chapu": 7,
        "khanda chapu": 5,
    }
    assert TALAS["misra chapu"].claps == (0, 3, 5)


def test_syllables_are_strokes() -> None:
    assert spoken("ta din - tom") == ("ta", "dhin", REST, "tham")
    with pytest.raises(KeyError):
        spoken("boom")
