"""The bundled model on recordings: what the model card claims must not get lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.evaluation.baselines import median_hpss
from carnatic_sep.evaluation.cases import real_excerpt
from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.separation.separator import Separator
from carnatic_sep.stems import MRIDANGAM, VIOLIN, VOCALS

SCORED = (VOCALS, VIOLIN, MRIDANGAM)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def default() -> Separator:
    return Separator("default", device="cpu")


def test_a_real_multitrack_comes_apart_better_than_by_median_filters(default, data_dir) -> None:
    pytest.importorskip("librosa")
    config = load_evaluation_config(ROOT / "configs" / "evaluation.yaml")
    case = real_excerpt("real multitrack", config.excerpts["real multitrack"], data_dir)
    estimates = default.separate(case.mixture, case.sample_rate)
    filtered = median_hpss(case.mixture, case.references)

    def mean(stems: dict[str, np.ndarray]) -> float:
        return float(np.mean([sdr(case.references[name], stems[name]) for name in SCORED]))

    assert mean(estimates) > 1.5
    assert mean(estimates) > mean(filtered)


def test_the_stems_of_a_real_concert_are_where_their_instruments_are(default, data_dir) -> None:
    found = sorted((data_dir / "saraga1.5_carnatic").glob("Live at Vani Mahal*/*/*.mp3"))
    if not found:
        pytest.skip(f"no concert in {data_dir / 'saraga1.5_carnatic'}")
    audio, rate = read_audio(found[0])
    excerpt = audio[:, 60 * rate : 80 * rate]
    stems = default.separate(excerpt, rate)
    assert np.abs(sum(stems.values()) - excerpt).max() < 10 ** (-90 / 20)
    level = {name: 10 * np.log10(np.mean(stem**2)) for name, stem in stems.items()}
    assert level[VOCALS] > level[VIOLIN]
    assert level[MRIDANGAM] > level["other"]
    frequency = np.fft.rfftfreq(excerpt.shape[1], 1 / rate)

    def centroid(stem: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(stem.mean(axis=0))) ** 2
        return float((frequency * power).sum() / power.sum())

    assert centroid(stems[MRIDANGAM]) < centroid(stems[VOCALS]) < centroid(stems[VIOLIN])
