"""Overlap-add against closed forms: identity, and the cross-fade of known gains."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carnatic_sep.errors import UsageError
from carnatic_sep.separation.overlap_add import SegmentPlan, overlap_add


def run(audio, plan, infer, *, stems, batch_size=3, blocks=(7, 100, 1, 33)):
    pieces = []
    start, turn = 0, 0
    while start < audio.shape[1]:
        size = blocks[turn % len(blocks)]
        pieces.append(audio[:, start : start + size])
        start, turn = start + size, turn + 1

    def in_batches(segments):
        while batch := list(islice(segments, batch_size)):
            yield from zip(batch, infer(np.stack(batch)), strict=True)

    parts = list(
        overlap_add(iter(pieces), in_batches, channels=audio.shape[0], stems=stems, plan=plan)
    )
    mixture = np.concatenate([part[0] for part in parts], axis=-1)
    return mixture, np.concatenate([part[1] for part in parts], axis=-1)


def identity(segments):
    return segments[:, None]


@settings(deadline=None, max_examples=25)
@given(
    segment=st.integers(1, 90),
    overlap=st.floats(0.0, 0.97),
    frames=st.integers(0, 400),
    channels=st.integers(1, 2),
    batch_size=st.integers(1, 5),
    seed=st.integers(0, 2**16),
)
def test_a_model_that_returns_its_input_gives_the_input_back(
    segment, overlap, frames, channels, batch_size, seed
):
    plan = SegmentPlan.of(segment_seconds=segment, overlap=overlap, sample_rate=1)
    audio = np.random.default_rng(seed).uniform(-1, 1, (channels, frames)).astype(np.float32)
    mixture, stems = run(audio, plan, identity, stems=1, batch_size=batch_size)
    np.testing.assert_array_equal(mixture, audio)
    assert stems.shape == (1, channels, frames)
    np.testing.assert_allclose(stems[0], audio, rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(segment=st.integers(2, 60), overlap=st.floats(0.0, 0.95), frames=st.integers(1, 300))
def test_segments_cover_the_stream_and_none_is_superfluous(segment, overlap, frames):
    plan = SegmentPlan.of(segment_seconds=segment, overlap=overlap, sample_rate=1)
    seen = []

    def infer(segments):
        seen.append(len(segments))
        return identity(segments)

    run(np.ones((1, frames), dtype=np.float32), plan, infer, stems=1, batch_size=2)
    count = sum(seen)
    covered = (count - 1) * plan.hop_frames + plan.segment_frames
    assert covered >= frames
    assert count == 1 or covered - plan.hop_frames < frames


def test_gains_that_change_per_segment_are_cross_faded_by_sine_squared():
    plan = SegmentPlan(segment_frames=40, hop_frames=30)
    gains = iter([1.0, 3.0, 3.0, 3.0])

    def infer(segments):
        return np.stack([segment * next(gains) for segment in segments])[:, None]

    audio = np.ones((1, 100), dtype=np.float32)
    _, stems = run(audio, plan, infer, stems=1)
    fade = np.sin(np.pi / 2 * (np.arange(10) + 0.5) / 10) ** 2
    expected = np.concatenate([np.full(30, 1.0), 1 + 2 * fade, np.full(60, 3.0)])
    np.testing.assert_allclose(stems[0, 0], expected, atol=1e-6)


def test_the_size_of_blocks_and_batches_does_not_change_a_bit():
    plan = SegmentPlan(segment_frames=64, hop_frames=48)
    audio = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)

    def infer(segments):
        return np.stack([segments * np.float32(0.3), segments * np.float32(0.7)], axis=1)

    results = [
        run(audio, plan, infer, stems=2, batch_size=batch, blocks=blocks)[1].tobytes()
        for batch, blocks in [(1, (1000,)), (4, (17,)), (7, (64, 3)), (100, (999,))]
    ]
    assert len(set(results)) == 1


def test_what_lies_past_the_end_is_zeros():
    shapes = []

    def infer(segments):
        shapes.append(segments.copy())
        return identity(segments)

    run(np.ones((1, 5), dtype=np.float32), SegmentPlan(8, 6), infer, stems=1)
    np.testing.assert_array_equal(shapes[0][0, 0], [1, 1, 1, 1, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("segment_seconds", "overlap"), [(0.0, 0.25), (-1.0, 0.25), (float("nan"), 0.25), (1, 1.0)]
)
def test_impossible_plans_are_refused(segment_seconds, overlap):
    with pytest.raises(UsageError, match=r"--segment|--overlap"):
        SegmentPlan.of(segment_seconds=segment_seconds, overlap=overlap, sample_rate=100)
