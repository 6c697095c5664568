"""What the program settles before anything else is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from carnatic_sep.cli.entry import main
sys.argv = ["carnatic-sep", "models", "show", "default"]
try:
    main()
finally:
    import torch
"""


@pytest.mark.parametrize(("given", "seen"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_without_work_sleep_unless_told_otherwise(given: str | None, seen: str) -> None:
    environment = {**os.environ, "OMP_DISPLAY_ENV": "VERBOSE"}
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        environment.pop(name, None)
    if given:
        environment["OMP_WAIT_POLICY"] = given
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    if "OMP_WAIT_POLICY" not in done.stderr:
        pytest.skip("this PyTorch's OpenMP does not show its settings")
    assert f"OMP_WAIT_POLICY = '{seen}'" in done.stderr
    if "GOMP_SPINCOUNT" in done.stderr:  # GNU's OpenMP
        assert ("GOMP_SPINCOUNT = '3000'" in done.stderr) is (given is None)
