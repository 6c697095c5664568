"""What the program settles before anything else is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


LARGE_PAGES = """
import sys
from carnatic_sep.cli.entry import main
sys.argv = ["carnatic-sep", "--version"]
try:
    main()
finally:
    import torch
    kept = torch.ones(10_000_000)
    flags = [line.split() for line in open("/proc/self/smaps") if line.startswith("VmFlags")]
    print("advised" if any("hg" in line for line in flags) else "not advised", file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="pages of 2 MB are asked of Linux alone")
@pytest.mark.parametrize(("given", "seen"), [(None, "advised"), ("0", "not advised")])
def test_memory_comes_in_large_pages_unless_told_otherwise(given: str | None, seen: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("THP_")}
    if given:
        environment["THP_MEM_ALLOC_ENABLE"] = given
    done = subprocess.run(
        [sys.executable, "-c", LARGE_PAGES], env=environment, capture_output=True, text=True
    )
    if "VmFlags" not in Path("/proc/self/smaps").read_text():
        pytest.skip("this kernel does not show what pages were asked for")
    assert done.stderr.splitlines()[-1] == seen
