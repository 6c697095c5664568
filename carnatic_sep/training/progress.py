"""Progress of a run, a line at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightning
import torch

from carnatic_sep.separation.estimate import spoken


class ProgressLines(lightning.Callback):
    """Reports step, mean loss since the last line, speed and time left, every `seconds`.

    Parameters
    ----------
    report : takes a line
    seconds : between lines; the first and the last step have one in any case
    clock : monotonic time in seconds
    """

    def __init__(
        self,
        report: Callable[[str], None],
        *,
        seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.report = report
        self.seconds = seconds
        self.clock = clock
        self._losses: list[torch.Tensor] = []
        self._began = self._last = 0.0
        self._done = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Start the clock."""
        self._began = self.clock()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Report where it is time."""
        if not trainer.is_global_zero:
            return
        self._losses.append(outputs["loss"].detach())
        if not pl_module.stepped:
            return
        self._done += 1
        step = pl_module.step
        steps = pl_module.config.last_step
        now = self.clock()
        if self._done > 1 and step < steps and now - self._last < self.seconds:
            return
        loss = float(torch.stack(self._losses).mean())
        speed = self._done / max(now - self._began, 1e-9)
        line = f"step {step} of {steps}: loss {loss:.4f}, {speed:.2f} steps/s"
        self.report(line + (f", {spoken((steps - step) / speed)} left" if step < steps else ""))
        self._last = now
        self._losses.clear()
