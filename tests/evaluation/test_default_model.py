"""The bundled model on a rendered ensemble: no data needed, and it must beat the mixture by far."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.ensemble import mix, render
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.separation.separator import Separator


@pytest.mark.parametrize("channels", [1, 2])
def test_an_ensemble_comes_apart(channels) -> None:
    stems = {name: stem[:channels] for name, stem in render(seconds=10.0, seed=1).items()}
    mixture = np.asarray(mix(stems), dtype=np.float32)
    estimates = Separator("default", device="cpu").separate(mixture, 44100)
    gains = {
        name: sdr(stems[name], estimates[name]) - sdr(stems[name], mixture)
        for name in ("vocals", "violin", "mridangam")
    }
    assert np.mean(list(gains.values())) > 4.0
    assert min(gains.values()) > 2.0  # the mridangam is louder than the rest to begin with
