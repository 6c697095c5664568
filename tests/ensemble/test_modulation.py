"""Statistics of pitch lines against lines whose movement is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.ensemble.gamaka import ahata, nokku, orikkai, sphurita
from carnatic_sep.ensemble.modulation import measure_modulation, together


@settings(deadline=None, max_examples=15)
@given(rate=st.floats(2.5, 7.0), extent=st.floats(60.0, 400.0))
def test_a_sine_has_its_rate_and_its_extent(rate: float, extent: float) -> None:
    seconds = np.arange(0.0, 4.0, 0.002)
    line = 0.5 * extent * np.sin(2 * np.pi * rate * seconds)
    found = measure_modulation(line, np.ones(line.size, bool), rate=500.0)
    assert found.rate_hz.size == 1
    assert found.rate_hz[0] == pytest.approx(rate, rel=0.06)
    assert found.extent_cents[0] == pytest.approx(extent, rel=0.15)
    assert found.oscillating > 0.8 * found.voiced


@pytest.mark.parametrize("length", [0.1, 0.25, 0.5])
def test_a_straight_glide_takes_eight_tenths_of_its_length(length: float) -> None:
    seconds = np.arange(0.0, 2.0, 0.01)
    line = 300.0 * np.clip((seconds - 0.7) / length, 0.0, 1.0)
    found = measure_modulation(line, np.ones(line.size, bool), rate=100.0)
    assert found.glide_seconds == pytest.approx([0.8 * length], abs=0.035)
    assert found.rate_hz.size == 0
    assert found.steady > 0.55 * found.voiced


def test_what_is_not_voiced_is_not_looked_at() -> None:
    line = np.where(np.arange(400) < 200, 0.0, 700.0)
    voiced = np.ones(400, bool)
    voiced[190:210] = False
    found = measure_modulation(line, voiced, rate=100.0)
    assert found.glide_seconds.size == 0
    assert found.voiced == pytest.approx(3.8, abs=0.1)
    both = together([found, found])
    assert both.voiced == 2 * found.voiced


def test_graces_are_quicker_at_higher_speeds_and_leave_the_svara_alone_afterwards() -> None:
    since = np.arange(0.0, 0.6, 0.002)
    shapes = {
        "nokku": [nokku(since, cents=100.0, speed=s) for s in (1, 2, 3)],
        "sphurita": [sphurita(since, speed=s) for s in (1, 2, 3)],
        "orikkai": [orikkai(since, seconds=0.6, cents=100.0, speed=s) for s in (1, 2, 3)],
    }
    for lines in shapes.values():
        busy = [np.count_nonzero(np.abs(line) > 5.0) for line in lines]
        assert busy[0] > busy[1] > busy[2] > 0
        assert max(np.max(np.abs(line)) for line in lines) <= 100.0 + 1e-9
    assert shapes["nokku"][0][0] == 100.0
    assert np.argmax(shapes["orikkai"][1]) > 0.8 * since.size
    touch = ahata(since[:100], seconds=0.2, cents=-80.0)
    assert touch.min() == pytest.approx(-80.0, abs=1.0)
    assert touch[0] == touch[20] == 0.0
