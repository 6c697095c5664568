"""Ctrl-C that lets a step finish."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_gently(stop: Callable[[], None]) -> Iterator[None]:
    """Within this context the first Ctrl-C calls `stop`; the second one interrupts as usual.

    Where Ctrl-C is ignored anyway, or outside the main thread, nothing is changed.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return

    def first(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, usual)
        stop()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def ignore_interrupts(worker: int) -> None:
    """Let a data worker live through Ctrl-C, which a terminal sends to it too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
