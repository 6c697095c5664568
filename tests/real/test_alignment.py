"""A real multitrack whose mixdown delays low sound: the octaves agree between microphones."""

from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.alignment import align_stem


def test_microphones_of_one_concert_lie_alike_in_its_mixdown(data_dir):
    folder = data_dir / "real_multitrack"
    mixture, rate = read_audio(folder / "mix.flac")
    found = [
        align_stem(read_audio(folder / name)[0].mean(0), mixture.mean(0), sample_rate=rate)
        for name in ("vocal.flac", "violin.flac", "mridangam-right.flac")
    ]
    high, low = np.array([[one.band_lags_seconds[-1], one.band_lags_seconds[2]] for one in found]).T
    np.testing.assert_allclose(high, -0.0058, atol=0.0001)
    np.testing.assert_allclose(low, -0.0073, atol=0.0004)
    # No one lag explains that, and confidence says so.
    assert max(one.confidence for one in found) < 0.1


def test_two_seconds_give_a_confidence(data_dir):
    folder = next((data_dir / "saraga1.5_carnatic").glob("Cherthala*/*"))
    mixture, rate = read_audio(next(folder.glob("*.mp3.mp3")))
    vocal, _ = read_audio(next(folder.glob("*vocal.mp3")))
    found = align_stem(vocal.mean(0), mixture.mean(0), sample_rate=rate)
    assert found.lag_seconds == pytest.approx(-0.0058, abs=0.0003)
    assert 0.0 <= found.confidence < 0.3
