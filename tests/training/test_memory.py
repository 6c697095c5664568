"""Peaks of memory: one that is past can be forgotten, a new one is seen."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from carnatic_sep.training.memory import children_bytes, forget_peak, peak_bytes

MEGABYTES = 10**6


def test_a_large_array_is_seen_after_it_is_gone() -> None:
    forget_peak()
    before = peak_bytes()
    assert before > 10 * MEGABYTES
    large = np.ones(150 * MEGABYTES // 8)
    del large
    assert peak_bytes() > before + 120 * MEGABYTES


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets peaks and counts children")
def test_a_peak_can_be_forgotten() -> None:
    large = np.ones(150 * MEGABYTES // 8)
    high = peak_bytes()
    del large
    forget_peak()
    assert peak_bytes() < high - 100 * MEGABYTES


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets peaks and counts children")
def test_children_are_counted_while_they_live() -> None:
    before = children_bytes()
    code = "x = bytearray(60_000_000); print('there', flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "there\n"
        assert children_bytes() > before + 55 * MEGABYTES
    finally:
        child.communicate("\n")
    assert children_bytes() < before + 55 * MEGABYTES
