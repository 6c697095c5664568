"""Bleed that is added to the input alone: its level, its lateness, and that stems stay clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from carnatic_sep.datasets.registry import load_dataset
from carnatic_sep.training.added_bleed import added_bleed
from carnatic_sep.training.finetune_config import TracksConfig
from carnatic_sep.training.multitracks import Excerpts

RATE = 8000


def test_each_stem_bleeds_at_a_level_between_the_limits() -> None:
    rng = np.random.default_rng(0)
    stem = rng.standard_normal((1, 1, 4 * RATE)).astype(np.float32)
    levels = []
    for seed in range(20):
        heard = added_bleed(
            stem, level_db=(-20.0, -10.0), sample_rate=RATE, rng=np.random.default_rng(seed)
        )
        levels.append(10 * np.log10(np.square(heard).sum() / np.square(stem).sum()))
    assert -20.01 < min(levels) < -17
    assert -13 < max(levels) < -9.99


def test_bleed_is_late_as_from_a_few_metres_away() -> None:
    click = np.zeros((1, 2, RATE), dtype=np.float32)
    click[..., 1000] = 1.0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        heard = added_bleed(click, level_db=(-6.0, -6.0), sample_rate=RATE, rng=rng)
        first = int(np.abs(heard[0]).argmax()) - 1000
        assert 0.003 * RATE - 1 <= first <= 0.02 * RATE
        assert np.abs(heard[0, : 1000 + first]).max() < 1e-6
        assert np.array_equal(heard[0], heard[1])  # one way for both sides


def test_silence_does_not_bleed() -> None:
    silent = np.zeros((2, 1, 100), dtype=np.float32)
    rng = np.random.default_rng(0)
    assert not added_bleed(silent, level_db=(-9.0, -9.0), sample_rate=RATE, rng=rng).any()


@pytest.fixture
def source(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("vocals", "violin"):
        (tmp_path / "a").mkdir(exist_ok=True)
        audio = 0.1 * rng.standard_normal(2 * RATE)
        soundfile.write(tmp_path / "a" / f"{name}.wav", audio, RATE, subtype="FLOAT")

    def make(**options) -> Excerpts:
        return Excerpts(
            load_dataset(tmp_path).tracks(),
            TracksConfig(coherent=1.0, **options),
            stems=("vocals", "violin"),
            sample_rate=RATE,
            channels=1,
            frames=RATE,
            activity={},
        )

    return make


def test_the_mixture_bleeds_and_the_stems_do_not(source) -> None:
    clean = source().item(np.random.default_rng(1))
    item = source(bleed=1.0, bleed_db=(-12.0, -12.0)).item(np.random.default_rng(1))
    assert torch.equal(item.stems, clean.stems)
    assert bool(item.known.all())
    assert bool(item.bled)
    assert not bool(clean.bled)
    extra = item.mixture - item.stems.sum(dim=1)
    # Two stems that know nothing of each other, each 12 dB below itself.
    level = 10 * torch.log10(extra.square().sum() / item.stems.square().sum())
    assert float(level) == pytest.approx(-12.0, abs=0.5)


def test_as_many_mixtures_bleed_as_told(source) -> None:
    some = source(bleed=0.5)
    flags = [bool(some.item(np.random.default_rng(seed)).bled) for seed in range(60)]
    assert 18 <= sum(flags) <= 42
