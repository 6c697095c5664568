"""Ragas: the data against the scheme of melakartas, walks against the lines."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.ensemble.phrase import starts, wander
from carnatic_sep.ensemble.raga import CENTS, Raga, raga, ragas, read_raga
from carnatic_sep.errors import ConfigError, UnknownNameError

# Svaras that custom adds to the parent scale (bhashanga ragas).
FOREIGN = {"Bhairavi": {"D2"}, "Anandabhairavi": {"D2"}, "Begada": {"N2"}}


def parent_scale(number: int) -> set[str]:
    """Melakartas count through six pairs of D and N, then six of R and G, then the two Ms."""
    pairs = [("1", "1"), ("1", "2"), ("1", "3"), ("2", "2"), ("2", "3"), ("3", "3")]
    madhyama, rest = divmod(number - 1, 36)
    first, second = divmod(rest, 6)
    (r, g), (d, n) = pairs[first], pairs[second]
    return {"S", f"R{r}", f"G{g}", f"M{madhyama + 1}", "P", f"D{d}", f"N{n}"}


def test_there_are_more_than_twenty_each_with_a_source() -> None:
    assert len(ragas()) >= 20
    assert len({each.name for each in ragas()}) == len(ragas())
    assert {each.source for each in ragas()} <= {"compiam", "melakarta"}


@pytest.mark.parametrize("each", ragas(), ids=lambda each: each.name)
def test_svaras_are_those_of_the_parent(each: Raga) -> None:
    names = {svara.name for svara in each.svaras}
    assert names <= parent_scale(each.melakarta) | FOREIGN.get(each.name, set())
    assert {svara.name for svara in each.svaras if svara.nyasa} >= {"S"}
    assert any(svara.jiva for svara in each.svaras)
    assert any(svara.gamaka for svara in each.svaras)
    assert each.cents(len(each.svaras)) == 1200.0
    heights = [each.cents(degree) for degree in range(-9, 10)]
    assert heights == sorted(heights)


@pytest.mark.parametrize("each", ragas(), ids=lambda each: each.name)
def test_own_phrases_are_within_reach(each: Raga) -> None:
    for phrase in each.phrases:
        heights = [each.cents(degree) for degree in phrase]
        assert np.max(np.abs(np.diff(heights))) <= 702.0
        assert min(heights) >= -520.0
        assert max(heights) <= 1620.0


def test_heights_are_just_ratios() -> None:
    for name, ratio in {"G3": 5 / 4, "M1": 4 / 3, "P": 3 / 2, "D2": 27 / 16, "N3": 15 / 8}.items():
        assert CENTS[name] == pytest.approx(1200 * np.log2(ratio), abs=0.6)


@settings(deadline=None, max_examples=25)
@given(which=st.integers(0, len(ragas()) - 1), seed=st.integers(0, 9999), count=st.integers(1, 30))
def test_walks_take_only_steps_that_the_raga_takes(which: int, seed: int, count: int) -> None:
    each, rng = ragas()[which], np.random.default_rng(seed)
    places = starts(each, low_cents=-520.0, high_cents=1200.0)
    walk = wander(each, start=int(rng.choice(places)), count=count, rng=rng)
    lines = [each.arohana, each.avarohana, *each.phrases]
    size = len(each.svaras)
    steps = {
        (one % size, other - one) for line in lines for one, other in itertools.pairwise(line)
    }  # fmt: skip
    for one, other in itertools.pairwise(walk):
        assert one == other or (one % size, other - one) in steps
    assert len(walk) >= count
    assert each.svara(walk[-1]).nyasa


def test_mohanam_never_sings_ma_nor_ni_and_bilahari_only_coming_down() -> None:
    bilahari, seen = raga("bilahari"), set()
    for seed in range(60):
        walk = wander(bilahari, start=0, count=12, rng=np.random.default_rng(seed))
        seen |= {
            (bilahari.svara(one).name, bilahari.svara(other).name)
            for one, other in itertools.pairwise(walk)
            if other > one
        }
    assert ("G3", "P") in seen
    assert ("G3", "M1") not in seen
    assert ("D2", "N3") not in seen
    assert {svara.name for svara in raga("Mohanam").svaras} == {"S", "R2", "G3", "P", "D2"}


def test_faults_in_data_are_named() -> None:
    good = {
        "name": "X", "melakarta": 1, "arohana": "S R1 S'", "avarohana": "S' R1 S",
        "gamakas": {}, "nyasa": ["S"], "jiva": ["R1"], "phrases": [], "source": "x",
    }  # fmt: skip
    assert read_raga(good).arohana == (0, 1, 2)
    for change, message in (
        ({"arohana": "S X1 S'"}, "X1"),
        ({"avarohana": "S' R1"}, "from S to S'"),
        ({"gamakas": {"R1": "kampita"}}, "kampita and its cents"),
        ({"phrases": ["S G3"]}, "no G3"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_raga({**good, **change})
    with pytest.raises(UnknownNameError, match="did you mean.*Kalyani"):
        raga("kalyni")
