"""Lines of progress by a clock that the test winds."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from carnatic_sep.training.progress import ProgressLines


def test_lines_come_at_first_now_and_then_and_at_last() -> None:
    now = [100.0]
    lines: list[str] = []
    progress = ProgressLines(lines.append, seconds=30.0, clock=lambda: now[0])
    module = SimpleNamespace(step=0, config=SimpleNamespace(last_step=100))
    progress.on_train_start(None, module)
    for step in range(100):
        module.step = step
        now[0] += 2.0
        loss = torch.tensor(1.0 if step % 2 else 3.0)
        progress.on_train_batch_end(None, module, {"loss": loss}, None, step)
    assert lines[0] == "step 1 of 100: loss 3.0000, 0.50 steps/s, 3 min left"
    assert lines[1] == "step 16 of 100: loss 1.9333, 0.50 steps/s, 3 min left"
    assert lines[-1] == "step 100 of 100: loss 1.8889, 0.50 steps/s"
    assert len(lines) == 8


def test_a_resumed_run_is_timed_from_where_it_went_on() -> None:
    now = [0.0]
    lines: list[str] = []
    progress = ProgressLines(lines.append, clock=lambda: now[0])
    module = SimpleNamespace(step=900, config=SimpleNamespace(last_step=1000))
    progress.on_train_start(None, module)
    now[0] = 1.0
    progress.on_train_batch_end(None, module, {"loss": torch.tensor(0.5)}, None, 0)
    assert lines == ["step 901 of 1000: loss 0.5000, 1.00 steps/s, 2 min left"]
