"""Work in lanes: in order, really at once, never far ahead, and nothing made is lost."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch

from carnatic_sep.separation.lanes import MOST_LANES, in_lanes, lanes_for
from carnatic_sep.separation.separator import Separator


def lane_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("lane")]


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_results_come_in_order_however_long_each_takes(threads, count):
    def work(item):
        time.sleep(0.002 * (item * 7 % 5))
        return item * item

    found = list(in_lanes(work, range(count), threads=threads))
    assert found == [(item, item * item) for item in range(count)]
    assert not lane_threads()


def test_as_many_are_at_work_as_there_are_lanes():
    together = threading.Barrier(3, timeout=10)  # breaks if fewer than three ever meet
    found = list(in_lanes(lambda item: together.wait() >= 0, range(6), threads=3))
    assert [done for _, done in found] == [True] * 6


def test_no_more_than_one_item_above_the_lanes_is_taken_ahead():
    taken = []

    def items():
        for item in range(50):
            taken.append(item)
            yield item

    for item, _ in in_lanes(lambda item: item, items(), threads=4):
        assert len(taken) <= item + 4 + 1


def test_one_item_alone_stays_in_the_callers_thread():
    _, name = next(in_lanes(lambda _: threading.current_thread().name, ["alone"], threads=4))
    assert name == threading.current_thread().name


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_comes_at_the_turn_of_its_item(threads):
    def work(item):
        if item == 4:
            raise RuntimeError("item 4")
        return item

    lanes = in_lanes(work, range(9), threads=threads)
    assert [next(lanes)[1] for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="item 4"):
        next(lanes)
    assert not lane_threads()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("sound", [0, 1, 5])
def test_what_came_before_the_items_broke_off_is_given_back_first(threads, sound):
    def items():
        yield from range(sound)
        raise OSError("the disk is gone")

    lanes = in_lanes(lambda item: item, items(), threads=threads)
    assert [next(lanes)[0] for _ in range(sound)] == list(range(sound))
    with pytest.raises(OSError, match="the disk is gone"):
        next(lanes)


def test_lanes_share_the_threads_and_leave_those_of_others_alone():
    before = torch.get_num_threads()
    found = list(in_lanes(lambda _: torch.get_num_threads(), range(6), threads=6 * MOST_LANES))
    assert {threads for _, threads in found} == {6}
    found = list(in_lanes(lambda _: torch.get_num_threads(), range(6), threads=3))
    assert {threads for _, threads in found} == {1}
    assert torch.get_num_threads() == before
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [before]
    a = np.random.default_rng(0).normal(size=(64, 6, 6))  # some builds break here once PyTorch is
    inverse = torch.linalg.inv(torch.from_numpy(a)).numpy()  # told a number of threads
    np.testing.assert_allclose(inverse @ a, np.broadcast_to(np.eye(6), a.shape), atol=1e-9)


def test_lanes_are_bounded():
    assert [lanes_for(threads) for threads in (0, 1, 2, 8, 64)] == [1, 1, 2, MOST_LANES, MOST_LANES]


def test_a_caller_who_stops_early_leaves_no_threads_behind():
    lanes = in_lanes(lambda item: item, range(100), threads=3)
    next(lanes)
    assert lane_threads()
    lanes.close()
    assert not lane_threads()


def test_segments_in_lanes_sound_like_segments_in_a_row(monkeypatch):
    audio = np.random.default_rng(3).uniform(-0.3, 0.3, (2, 5 * 44100)).astype(np.float32)

    def run(threads):
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        separator = Separator("default", device="cpu", segment_seconds=1.0)
        assert separator.segments_at_once == threads
        return np.stack(list(separator.separate(audio, 44100).values()))

    in_a_row = run(1)
    assert run(3).tobytes() == run(3).tobytes()
    np.testing.assert_allclose(run(3), in_a_row, atol=1e-5)
    np.testing.assert_allclose(in_a_row.sum(axis=0), audio, atol=1e-6)
