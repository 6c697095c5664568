"""Confidence on disk: what goes in comes out, and nothing half done is left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.errors import AudioWriteError
from carnatic_sep.leakage.clean import CleanReport
from carnatic_sep.leakage.confidence import BANDS
from carnatic_sep.leakage.confidence_file import ConfidenceFile

REPORT = CleanReport("1", "joint-fir", 2, 8000, 0.016, (0.0, 100.0), {})


def test_pieces_come_back_as_one_array_a_microphone(tmp_path: Path):
    pieces = [np.random.default_rng(k).random((2, BANDS, 5 + k), dtype=np.float32) for k in (0, 1)]
    with ConfidenceFile(tmp_path / "confidence.npz", ["vocals", "violin"]) as file:
        for piece in pieces:
            file.write(piece)
        file.commit(REPORT)
    with np.load(tmp_path / "confidence.npz") as kept:
        for number, name in enumerate(("vocals", "violin")):
            wanted = np.concatenate([piece[number] for piece in pieces], axis=1)
            assert kept[name].dtype == np.uint8
            assert np.abs(kept[name] / 255.0 - wanted).max() <= 0.5 / 255.0 + 1e-6
        assert kept["column_seconds"] == 0.016
    assert [path.name for path in tmp_path.iterdir()] == ["confidence.npz"]


def test_what_was_not_finished_leaves_nothing(tmp_path: Path):
    with ConfidenceFile(tmp_path / "confidence.npz", ["vocals"]) as file:
        file.write(np.ones((1, BANDS, 3), dtype=np.float32))
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AudioWriteError, match=r"confidence\.npz"):
        ConfidenceFile(tmp_path / "file" / "confidence.npz", ["vocals"])
