"""Strokes laid on a time line: onsets to the frame, and heads that are struck again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.ensemble.sequencer import Hit, lay
from carnatic_sep.ensemble.tala import Stroke

RATE = 8000


def _click(onset: int = 3) -> np.ndarray:
    sound = np.zeros(400, dtype=np.float32)
    sound[onset:] = 1.0
    return sound


@given(seconds=st.lists(st.floats(0.0, 0.99), min_size=1, max_size=1))
def test_an_onset_lands_within_half_a_frame(seconds: list[float]) -> None:
    out = lay(
        [Stroke("x", seconds[0], 1.0)],
        lambda stroke: [Hit(_click(), 3.0, "head")],
        frames=RATE + 400,
        sample_rate=RATE,
    )
    assert abs(np.argmax(out > 0.5) - seconds[0] * RATE) <= 0.5 + 1e-9


def test_a_head_that_is_struck_again_stops_and_another_rings_on() -> None:
    strokes = [Stroke("a", 0.0, 1.0), Stroke("b", 0.01, 1.0)]
    for head, kept in (("one", 0.0), ("other", 1.0)):
        out = lay(
            strokes,
            lambda stroke, head=head: [
                Hit(_click(0) * (stroke.name == "a"), 0.0, "one" if stroke.name == "a" else head)
            ],
            frames=RATE,
            sample_rate=RATE,
        )
        assert out[:80].min() == 1.0
        assert out[80 + 100] == kept  # 12 ms after the second stroke


def test_what_lies_outside_is_cut_and_order_does_not_matter() -> None:
    strokes = [Stroke("x", 0.999, 1.0), Stroke("x", -0.001, 1.0), Stroke("x", 5.0, 1.0)]

    def hits(stroke: Stroke) -> list[Hit]:
        return [Hit(_click(0), 0.0, str(stroke.seconds))]

    out = lay(strokes, hits, frames=RATE, sample_rate=RATE)
    again = lay(strokes[::-1], hits, frames=RATE, sample_rate=RATE)
    assert out.size == RATE
    assert np.array_equal(out, again)
    assert out[0] == 1.0
    assert out[-1] == 1.0
    assert out[400:7990].max() == 0.0
