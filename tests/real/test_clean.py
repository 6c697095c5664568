"""Inspecting and cleaning real microphones that hear each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.leakage.clean import CleanConfig
from carnatic_sep.leakage.clean_files import clean_multitrack
from carnatic_sep.leakage.inspect import inspect_track


def test_a_real_multitrack_is_inspected(data_dir: Path):
    (track,) = load_dataset(data_dir / "real_multitrack").tracks()
    found = inspect_track(track, seconds=8.0)
    assert set(found.stems) == {"vocals", "violin", "mridangam", "other"}
    off = ~np.eye(len(found.stems), dtype=bool)
    assert np.isfinite(found.matrix_db[off]).all()
    assert (found.matrix_db[off] < -1.0).all()
    assert ((found.ceiling_db > 0.0) & (found.ceiling_db < 40.0)).all()


def test_a_real_excerpt_is_cleaned(data_dir: Path, tmp_path: Path):
    tracks = load_dataset("saraga_carnatic", root=data_dir).tracks()
    (track,) = [track for track in tracks if len(track.stems) > 1]
    done = clean_multitrack(track, tmp_path, config=CleanConfig(rounds=1))
    assert done.report is not None
    assert set(done.report.stems) == {microphone.name for microphone in track.microphones}
    (again,) = load_dataset(tmp_path).tracks()
    rate, frames = track.info()
    assert again.info() == (rate, frames)
    for stem in track.stem_names:
        before, after = track.read_stem(stem), again.read_stem(stem)
        assert np.isfinite(after).all()
        assert np.sum((before - after) ** 2) < np.sum(before**2)
