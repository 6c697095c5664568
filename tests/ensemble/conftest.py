"""One short kriti of a high voice and one of a low voice, played by rule once for all tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.desk import Desk
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.ensemble.score import Score

SAMPLE_RATE = 22050


@dataclass(frozen=True)
class Piece:
    score: Score
    stems: dict[str, np.ndarray]
    desk: Desk
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
            cents = 1200.0 * np.log2(f0[keep] / self.score.tonic_hz)
            self._pitch[stem] = librosa.times_like(f0, sr=rate)[keep], cents
        return self._pitch[stem]


@pytest.fixture(scope="session", params=[138.59, 196.0], ids=["low voice", "high voice"])
def piece(request: pytest.FixtureRequest) -> Piece:
    """Players side by side in the open, without tones, reverb or mastering."""
    ensemble = Ensemble(
        config=EnsembleConfig(staged=False, mastered=False), sample_rate=SAMPLE_RATE
    )
    played = ensemble.render(seconds=9.0, seed=0, form="kriti", tonic_hz=request.param)
    return Piece(played.score, played.stems, played.desk)


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
