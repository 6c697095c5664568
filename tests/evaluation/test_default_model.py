"""The bundled model on rendered ensembles: no data needed, and it must beat the mixture by far."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.ensemble import mix, render
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.separation.separator import Separator


@pytest.mark.parametrize(
    ("seed", "channels", "gains_db"),
    [
        (1, 2, {"vocals": 11.6, "violin": 14.2, "mridangam": 7.7}),
        (3, 1, {"vocals": 6.5, "violin": 13.1, "mridangam": 1.9}),
    ],
)
def test_an_ensemble_comes_apart(seed, channels, gains_db) -> None:
    """Gains of SDR over the mixture are what they were when this was written, or better."""
    stems = {name: stem[:channels] for name, stem in render(seconds=10.0, seed=seed).items()}
    mixture = np.asarray(mix(stems), dtype=np.float32)
    estimates = Separator("default", device="cpu").separate(mixture, 44100)
    for name, gain_db in gains_db.items():
        found = sdr(stems[name], estimates[name]) - sdr(stems[name], mixture)
        assert found > gain_db - 0.5, name
