"""Ctrl-C, sent to this very process."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from carnatic_sep.training.interrupt import ignore_interrupts, stop_gently

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals work differently there")


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_asks_and_the_second_interrupts() -> None:
    asked: list[bool] = []
    before = signal.getsignal(signal.SIGINT)

    def press_twice() -> None:
        with stop_gently(lambda: asked.append(True)):
            press()
            assert asked == [True]
            press()

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_happens_without_one() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_gently(pytest.fail):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_where_it_is_ignored_or_in_a_thread_it_stays_so() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def elsewhere() -> None:
        with stop_gently(pytest.fail):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]
    ended = signal.getsignal(signal.SIGTERM)
    try:
        ignore_interrupts(0)
        with stop_gently(pytest.fail):
            press()
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, ended)
