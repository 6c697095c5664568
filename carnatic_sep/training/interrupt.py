"""Ctrl-C and SIGTERM that let a step finish."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import lightning

from carnatic_sep.training.ranks import is_first_process

TERMINATED = 143
"""What shells show of a process that ended by SIGTERM."""


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
    """Ends a run after the step at hand, in all processes where one of them was asked to.

    While a run learns, SIGTERM only asks, as the first Ctrl-C does. Lightning's own answer to it
    talks to the other processes at once; where the signal comes in the middle of a gradient, as it
    does when a cluster sends it to every process of a job, each then waits for the other forever.
    """

    def __init__(self) -> None:
        self.asked = False
        self.terminated = False

    def ask(self) -> None:
        """Ask for the end."""
        self.asked = True

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Take SIGTERM over from Lightning, which puts back what was there before it."""
        if trainer.received_sigterm:  # just before; nothing was learnt yet
            raise SystemExit(TERMINATED)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number: int, frame: Any) -> None:
        self.asked = self.terminated = True

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop where a step has ended and somebody asked."""
        if not pl_module.stepped:
            return
        if trainer.world_size > 1:
            anybody = trainer.strategy.reduce_boolean_decision
            self.asked = bool(anybody(self.asked, all=False))
            if self.asked:
                self.terminated = bool(anybody(self.terminated, all=False))
        trainer.should_stop = trainer.should_stop or self.asked

    def leave(self) -> NoReturn:
        """End this process as it was asked to; of several, the first one speaks for all.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C.
        SystemExit
            After SIGTERM with code 143; with 0 in all processes but the first, lest what started
            them takes the others' end for a failure and kills the first.
        """
        if not is_first_process():
            raise SystemExit(0)
        if self.terminated:
            raise SystemExit(TERMINATED)
        raise KeyboardInterrupt


def ignore_interrupts(worker: int) -> None:
    """Let a data worker live through what ends the run, which is often sent to it too.

    A terminal sends Ctrl-C to the whole group, many a cluster SIGTERM to every process of a job.
    The run needs its workers until the step at hand has ended; they end when it asks them to.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
