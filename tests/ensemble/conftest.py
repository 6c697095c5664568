"""One short piece of a high voice and one of a low voice, rendered once for all tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from carnatic_sep.ensemble import Plan, perform, plan

SAMPLE_RATE = 22050


@dataclass(frozen=True)
class Piece:
    plan: Plan
    stems: dict[str, np.ndarray]
    sample_rate: int = SAMPLE_RATE
    _pitch: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def mono(self, stem: str) -> np.ndarray:
        return self.stems[stem].mean(axis=0).astype(np.float64)

    def heard(self, stem: str) -> tuple[np.ndarray, np.ndarray]:
        """Return seconds and cents over the tonic of the frames that pYIN is sure are voiced."""
        librosa = pytest.importorskip("librosa")
        if stem not in self._pitch:
            rate = self.sample_rate
            f0, voiced, sure = librosa.pyin(
                self.mono(stem), fmin=90, fmax=900, sr=rate, fill_na=90.0
            )
            keep = voiced & (sure > 0.3)
            cents = 1200.0 * np.log2(f0[keep] / self.plan.tonic_hz)
            self._pitch[stem] = librosa.times_like(f0, sr=rate)[keep], cents
        return self._pitch[stem]


@pytest.fixture(scope="session", params=[0, 1], ids=["low voice", "high voice"])
def piece(request: pytest.FixtureRequest) -> Piece:
    paper = plan(seconds=9.0, seed=request.param)
    return Piece(paper, perform(paper, sample_rate=SAMPLE_RATE))


@pytest.fixture(scope="session")
def ear() -> Any:
    """The module ``ear.py`` beside this file: an independent pitch tracker."""
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("ear", Path(__file__).with_name("ear.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
