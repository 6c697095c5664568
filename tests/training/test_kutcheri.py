"""Batches of rendered pieces: shapes, seeds, workers, targets."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from torch.utils.data import DataLoader

from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.ensemble.players import Players
from carnatic_sep.training.kutcheri import EnsembleMixer, RenderedBatches, SharedMixer

RATE = 8000


def _noise(score, frames, sample_rate, rng):
    return rng.standard_normal(frames).astype(np.float32)


def _silent(score, frames, sample_rate, rng):
    return np.zeros(frames, dtype=np.float32)


def make() -> Ensemble:
    players = Players(voice=_noise, violin=_silent, mridangam=_noise)
    config = EnsembleConfig(halls=1, bleed_db=(-6.0, -6.0))
    return Ensemble(players, config=config, sample_rate=RATE)


def _batches(**options):
    chosen = {"segment_seconds": 0.5, "batch_size": 2, "piece_seconds": 2.2, "buffer": 4}
    return RenderedBatches(make, **(chosen | options))


def test_batches_have_their_shape_and_repeat_with_their_seed() -> None:
    first, again, other = (
        [batch.numpy() for batch in islice(_batches(seed=seed), 3)] for seed in (1, 1, 2)
    )
    for one, two in zip(first, again, strict=True):
        assert one.shape == (2, 4, 2, RATE // 2)
        assert one.dtype == np.float32
        assert np.array_equal(one, two)
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0], first[1])


def test_mono_is_the_mean_and_a_stem_that_rests_is_silent() -> None:
    stereo, mono = (next(iter(_batches(stereo=stereo))) for stereo in (True, False))
    assert mono.shape == (2, 4, 1, RATE // 2)
    assert np.allclose(stereo.mean(dim=2), mono[:, :, 0], atol=1e-6)
    assert not stereo[:, 1].any()
    assert stereo[:, 0].any()


def test_bleeding_targets_sum_to_the_same_mixture_and_differ() -> None:
    clean, bleeding = (next(iter(_batches(targets=t))) for t in ("clean", "bleeding"))
    assert np.allclose(clean.sum(dim=1), bleeding.sum(dim=1), atol=1e-5)
    assert bleeding[:, 1].any()  # the violin rests, its microphone hears the others


def test_workers_render_pieces_of_their_own() -> None:
    loader = DataLoader(_batches(), batch_size=None, num_workers=2)
    batches = [batch.numpy() for batch in islice(loader, 4)]
    assert {batch.shape for batch in batches} == {(2, 4, 2, RATE // 2)}
    assert len({batch.tobytes() for batch in batches}) == 4


def test_a_mixer_draws_as_the_others_do() -> None:
    mixer = EnsembleMixer(make(), seconds=1.0)
    drawn, again = (mixer.draw(np.random.default_rng(3)) for _ in range(2))
    assert drawn.shape == (4, RATE)
    assert drawn.dtype == np.float32
    assert drawn.tobytes() == again.tobytes()


class _Solos:
    """Draws sets of ones, as no ensemble does."""

    def draw(self, rng):
        return np.ones((4, RATE), dtype=np.float32)

    def draw_many(self, rng, count):
        return np.ones((count, 4, RATE), dtype=np.float32)


def test_parts_of_one_piece_follow_each_other_at_one_level() -> None:
    mixer = EnsembleMixer(make(), seconds=1.0)
    parts = mixer.draw_many(np.random.default_rng(3), 3)
    assert parts.shape == (3, 4, RATE)
    seed = int(np.random.default_rng(3).integers(2**31))
    piece = make().render(seconds=3.1, seed=seed).stems["vocals"].mean(axis=0)[: 3 * RATE]
    joined = parts[:, 0].reshape(-1)
    gain = np.dot(joined, piece) / np.dot(piece, piece)
    assert np.allclose(joined, gain * piece, atol=1e-5)
    assert np.sqrt(np.mean(np.square(parts.sum(axis=1)))) == pytest.approx(0.15, rel=0.05)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_shared_mixer_keeps_its_share(share: float) -> None:
    mixer = SharedMixer(_Solos(), EnsembleMixer(make(), seconds=1.0), share=share)
    rng = np.random.default_rng(0)
    drawn = np.concatenate([mixer.draw_many(rng, 5) for _ in range(8)])
    assert drawn.shape == (40, 4, RATE)
    rendered = sum(not np.all(each == 1.0) for each in drawn)
    assert rendered / 40 == pytest.approx(share, abs=0.2)
