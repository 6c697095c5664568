"""All of Spleeter's stem counts, from bundles that TensorFlow wrote, against Spleeter's output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from carnatic_sep.models.spleeter import load_spleeter


@pytest.mark.parametrize("name", ["2stems", "4stems", "5stems"])
def test_whole_waveforms_agree_beyond_90_db(name: str, data_dir: Path) -> None:
    folder = data_dir / "spleeter_small"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    model = load_spleeter(folder / name)
    mixture = np.load(folder / "input.npz")["mixture"]
    with torch.inference_mode():
        stems = model(torch.from_numpy(mixture.T.copy())[None])[0].numpy()
    for stem, expected in np.load(folder / name / "expected.npz").items():
        error = expected.astype(float) - stems[model.stems.index(stem)].T
        energy = np.sum(expected.astype(float) ** 2)
        assert 10 * np.log10(energy / np.sum(error**2)) > 90, stem
