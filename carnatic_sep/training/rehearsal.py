"""A dry run: a few real steps, timed and weighed, and one batch pictured; nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import lightning
import numpy as np
import torch

from carnatic_sep.files import growing
from carnatic_sep.separation.estimate import spoken
from carnatic_sep.training.fitting import Batches, make_trainer
from carnatic_sep.training.guard import Guard
from carnatic_sep.training.interrupt import StopTogether, stop_gently
from carnatic_sep.training.memory import children_bytes, forget_peak, peak_bytes
from carnatic_sep.training.pictures import spectrogram_grid
from carnatic_sep.training.validation import mean_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.models.base import SeparationModel
    from carnatic_sep.training.prepared import Findings, Prepared

    Audio = NDArray[np.float32]

PICTURE_FILE = "dry-run.png"
_STEPS = 4
_LONGEST_SECONDS = 60.0
_PICTURED = 4


@dataclass(frozen=True)
class Rehearsal:
    """What a dry run has found.

    Attributes
    ----------
    findings : about the data
    parameters, learning : of the network; how many of them learn at the first step
    peak : bytes held in the worst moment of a step, by this process
    workers : bytes that the processes which mix hold beside
    device : bytes held on the GPU; None without one
    step_seconds : one step, batches and all
    validation_seconds : one validation; None where the run has none
    steps, seconds : of the whole run
    picture : of one batch
    """

    findings: Findings
    parameters: int
    learning: int
    peak: int
    workers: int
    device: int | None
    step_seconds: float
    validation_seconds: float | None
    steps: int
    seconds: float
    picture: Path

    def lines(self) -> list[str]:
        """Return what a person wants to know of the run itself, a line each."""
        part = "" if self.learning == self.parameters else f", {self.learning:,} of them learn"
        memory = f"memory: {_megabytes(self.peak)} at the peak of a step"
        memory += f", {_megabytes(self.workers)} in workers" if self.workers else ""
        memory += "" if self.device is None else f", {_megabytes(self.device)} on the device"
        times = f"time: {1 / self.step_seconds:.2f} steps/s"
        if self.validation_seconds is not None:
            times += f", {self.validation_seconds:.1f} s for a validation"
        return [
            f"network: {self.parameters:,} parameters{part}",
            memory,
            f"{times}; {spoken(self.seconds)} ({self.seconds / 3600:.2f} h) for {self.steps} steps",
            f"picture: {self.picture}",
        ]


def rehearse(prepared: Prepared, *, folder: Path, report: Callable[[str], None]) -> Rehearsal:
    """Run a few steps of `prepared` on one device; leave a picture of one batch in `folder`.

    Parameters
    ----------
    report : takes what was found of the data, a line each, before anything else is tried

    Returns
    -------
    that and the rest

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    SystemExit
        After SIGTERM, with code 143.
    TrainingError
        The loss or the gradient is not finite.
    """
    findings = prepared.findings()
    for line in findings.lines():
        report(line)
    module = prepared.module
    config = module.config
    module.config = config.model_copy(update={"devices": 1, "nodes": 1, "strategy": "auto"})
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / PICTURE_FILE
    picture_batch(prepared.waveforms(), names=module.model.stems, path=picture)
    scales, together = _Scales(), StopTogether()
    trainer = make_trainer(module, steps=_STEPS + 1, callbacks=[Guard(folder), scales, together])
    with stop_gently(together.ask):
        trainer.fit(module, datamodule=Batches(prepared))
    if together.asked:
        together.leave()
    validation = None
    if prepared.validation:
        averaged = cast("SeparationModel", module.ema.module)
        began = time.monotonic()
        mean_scores(averaged, prepared.validation[:1], metric=config.validation.metric)
        validation = (time.monotonic() - began) * len(prepared.validation)
    checks = config.last_step // config.validate_every if config.validate_every else 0
    parameters = list(module.model.parameters())
    return Rehearsal(
        findings=findings,
        parameters=sum(p.numel() for p in parameters),
        learning=sum(p.numel() for p in parameters if p.requires_grad),
        peak=scales.peak,
        workers=scales.workers,
        device=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
        step_seconds=scales.step_seconds,
        validation_seconds=validation,
        steps=config.last_step,
        seconds=config.last_step * scales.step_seconds + checks * (validation or 0.0),
        picture=picture,
    )


def picture_batch(
    items: Sequence[Mapping[str, Audio]], *, names: Sequence[str], path: Path
) -> None:
    """Draw the mixture and each stem of the first few items of a batch.

    Parameters
    ----------
    items : name -> (frames,), "mixture" and `names` among them
    """
    columns = ["mixture", *names]
    rows = {
        str(number): np.stack([item[name] for name in columns])
        for number, item in enumerate(items[:_PICTURED], start=1)
    }
    with growing(path) as place:
        spectrogram_grid(rows, names=columns).savefig(place, dpi=80, format="png")


class _Scales(lightning.Callback):
    """Weighs and times steps; the first one, in which everything is set up, is not timed."""

    def __init__(self) -> None:
        self.peak = 0
        self.workers = 0
        self._began = 0.0
        self._ended = 0.0
        self._timed = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Begin to weigh."""
        forget_peak()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take the time of a step that has ended; a few are enough, fewer where they are long."""
        if not pl_module.stepped:
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.workers = max(self.workers, children_bytes())
        now = time.monotonic()
        if not self._began:
            self._began = now
            return
        self._ended = now
        self._timed += 1
        if now - self._began > _LONGEST_SECONDS:
            trainer.should_stop = True

    def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Weigh before anything else happens."""
        self.peak = peak_bytes()

    @property
    def step_seconds(self) -> float:
        """Mean over the steps that were timed."""
        return max(1e-9, (self._ended - self._began) / max(1, self._timed))


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
