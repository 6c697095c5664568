"""Ctrl-C that lets a step finish."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import lightning


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


class StopTogether(lightning.Callback):
    """Ends a run after the step at hand, in all processes where one of them was asked to."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self) -> None:
        """Ask for the end."""
        self.asked = True

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop where a step has ended and somebody asked."""
        if pl_module.stepped:
            several = trainer.world_size > 1
            asked = (
                trainer.strategy.reduce_boolean_decision(self.asked, all=False)
                if several
                else self.asked
            )
            trainer.should_stop = trainer.should_stop or bool(asked)


def ignore_interrupts(worker: int) -> None:
    """Let a data worker live through what ends the run, which is often sent to it too.

    A terminal sends Ctrl-C to the whole group, many a cluster SIGTERM to every process of a job.
    The run needs its workers until the step at hand has ended; they end when it asks them to.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
