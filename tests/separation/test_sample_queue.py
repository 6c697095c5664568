from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carnatic_sep.separation.sample_queue import SampleQueue


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=30))
def test_what_comes_out_is_what_went_in_in_order(steps):
    queue, pushed, popped = SampleQueue(2), 0, 0
    for push, frames in steps:
        if push:
            queue.push(np.tile(np.arange(pushed, pushed + frames, dtype=np.float32), (2, 1)))
            pushed += frames
        else:
            seen = queue.peek(frames)
            taken = queue.pop(frames)
            np.testing.assert_array_equal(seen, taken)
            expected = np.arange(popped, min(popped + frames, pushed))
            np.testing.assert_array_equal(taken, np.tile(expected, (2, 1)))
            popped += taken.shape[1]
        assert len(queue) == pushed - popped
