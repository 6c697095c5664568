"""Lines of progress by a clock that the test winds."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from carnatic_sep.training.progress import ProgressLines


def test_lines_come_at_first_now_and_then_and_at_last() -> None:
    now = [100.0]
    lines: list[str] = []
    progress = ProgressLines(lines.append, seconds=30.0, clock=lambda: now[0])
    trainer = SimpleNamespace(is_global_zero=True)
    module = SimpleNamespace(step=0, stepped=True, config=SimpleNamespace(last_step=100))
    progress.on_train_start(trainer, module)
    for step in range(100):
        module.step = step + 1
        now[0] += 2.0
        loss = torch.tensor(1.0 if step % 2 else 3.0)
        progress.on_train_batch_end(trainer, module, {"loss": loss}, None, step)
    assert lines[0] == "step 1 of 100: loss 3.0000, 0.50 steps/s, 3 min left"
    assert lines[1] == "step 16 of 100: loss 1.9333, 0.50 steps/s, 3 min left"
    assert lines[-1] == "step 100 of 100: loss 1.8889, 0.50 steps/s"
    assert len(lines) == 8


def test_a_resumed_run_is_timed_from_where_it_went_on() -> None:
    now = [0.0]
    lines: list[str] = []
    progress = ProgressLines(lines.append, clock=lambda: now[0])
    trainer = SimpleNamespace(is_global_zero=True)
    module = SimpleNamespace(step=900, stepped=True, config=SimpleNamespace(last_step=1000))
    progress.on_train_start(trainer, module)
    now[0] = 1.0
    module.step += 1
    progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(0.5)}, None, 0)
    assert lines == ["step 901 of 1000: loss 0.5000, 1.00 steps/s, 2 min left"]


def test_batches_that_make_up_a_step_are_one_line_with_their_mean() -> None:
    now = [0.0]
    lines: list[str] = []
    progress = ProgressLines(lines.append, clock=lambda: now[0])
    trainer = SimpleNamespace(is_global_zero=True)
    module = SimpleNamespace(step=0, stepped=False, config=SimpleNamespace(last_step=10))
    progress.on_train_start(trainer, module)
    now[0] = 2.0
    progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0)}, None, 0)
    assert lines == []
    module.step, module.stepped = 1, True
    progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(2.0)}, None, 1)
    assert lines == ["step 1 of 10: loss 1.5000, 0.50 steps/s, 18 s left"]


def test_other_processes_keep_no_losses() -> None:
    progress = ProgressLines(lambda line: None)
    trainer = SimpleNamespace(is_global_zero=False)
    module = SimpleNamespace(step=1, stepped=True, config=SimpleNamespace(last_step=9))
    progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0)}, None, 0)
    assert progress._losses == []


def test_other_processes_say_nothing() -> None:
    lines: list[str] = []
    progress = ProgressLines(lines.append)
    module = SimpleNamespace(step=1, stepped=True, config=SimpleNamespace(last_step=10))
    trainer = SimpleNamespace(is_global_zero=False)
    progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0)}, None, 0)
    assert lines == []
