"""The page of keys says what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "config_keys.py"


@pytest.mark.skipif(not SCRIPT.is_file(), reason="only a checkout has .ci")
def test_the_page_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "reference" / "training.md").read_text(encoding="utf-8")
    made = runpy.run_path(str(SCRIPT))["page"]()
    assert written == made, "keys have changed: run python .ci/config_keys.py"
    for line in (
        "| `accumulate` | whole number, > 0 | `1` | How many batches make one step, where memory "
        "does not hold a large one. |",
        "| `batch_size` | whole number, > 0 | `2` |",  # of finetune, apart from train's 8
    ):
        assert line in made
    keys = [line for line in made.splitlines() if line.startswith("| `")]
    assert len(keys) > 90
    unexplained = [line for line in keys if line.endswith("|  |")]
    assert unexplained == []
