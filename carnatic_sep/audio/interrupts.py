"""Ctrl-C that waits while C calls back into Python, where it would be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back within this context, and let it interrupt as usual at its end.

    An exception in a function that libsndfile calls is printed and forgotten, and libsndfile goes
    on with 0 in place of a position or a number of bytes: the interrupt is lost, and the file may
    be too. Where Ctrl-C is ignored anyway, or outside the main thread, nothing is changed.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came:
            usual(signal.SIGINT, came[0])
