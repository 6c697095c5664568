"""Batches: the same ones for the same step, whoever makes them."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.training.dataset import BandBatches, MixtureBatches, remix


class Counter:
    """Draws stems that tell which drawing they are of; a stand-in for a mixer."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        self.drawn += 1
        return rng.standard_normal((4, 50)).astype(np.float32)

    def draw_many(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return np.stack([self.draw(rng) for _ in range(count)])


def batches(count: int, *, workers: int = 0, **options):
    dataset = MixtureBatches(Counter(), batch_size=3, seed=1, **options)
    return list(islice(DataLoader(dataset, batch_size=None, num_workers=workers), count))


@pytest.mark.parametrize("reuse", [1, 2, 3])
@pytest.mark.parametrize("start", [1, 2, 5, 6])
def test_a_later_start_sees_what_the_run_would_have_seen(reuse, start) -> None:
    whole = batches(start + 4, reuse=reuse)
    rest = batches(4, reuse=reuse, first_step=start)
    assert all(map(torch.equal, whole[start:], rest))


@pytest.mark.parametrize("start", [0, 3, 4])
def test_two_workers_can_stop_and_go_on_too(start) -> None:
    whole = batches(start + 5, reuse=2, workers=2)
    rest = batches(5, reuse=2, workers=2, first_step=start)
    assert all(map(torch.equal, whole[start:], rest))
    assert not torch.equal(whole[0], whole[1])


def test_a_drawing_serves_as_many_batches_as_told() -> None:
    mixer = Counter()
    dataset = MixtureBatches(mixer, batch_size=3, seed=1, reuse=4)
    assert len({batch.numpy().tobytes() for batch in islice(dataset, 8)}) == 8
    assert mixer.drawn == 6


def test_remixing_keeps_singer_and_violin_together() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((4, 4, 64)).astype(np.float32)
    mixed = remix(drawn, turn=1, rng=rng)
    assert mixed.dtype == np.float32

    def source(item, stem) -> tuple[int, float]:
        """Which drawn item a remixed stem is of, and its gain."""
        for index in range(4):
            gain = np.dot(mixed[item, stem], drawn[index, stem]) / np.sum(drawn[index, stem] ** 2)
            if np.allclose(mixed[item, stem], gain * drawn[index, stem], atol=1e-5):
                return index, float(gain)
        raise AssertionError("no such stem was drawn")

    for item in range(4):
        found = [source(item, stem) for stem in range(4)]
        assert [index for index, _ in found] == [item, item, (item - 1) % 4, (item - 1) % 4]
        assert all(-4.001 <= 20 * np.log10(abs(gain)) <= 4.001 for _, gain in found)


def test_band_batches_are_the_pooled_spectra() -> None:
    model = BandUNet(n_fft=64, hop_frames=16, sample_rate=8000, widths=[4, 6], bands_per_octave=6)
    dataset = MixtureBatches(Counter(), batch_size=3, seed=1)
    stems = next(iter(dataset))
    found = next(iter(BandBatches(dataset, model)))
    from carnatic_sep.audio.spectral import stft

    spectra = stft(stems, n_fft=64, hop_frames=16)
    mixture = stft(stems.sum(dim=1), n_fft=64, hop_frames=16)
    weights = model.bands.weights
    assert torch.allclose(found.mixture, weights @ mixture.abs().square(), atol=1e-3)
    assert torch.allclose(found.stems, weights @ spectra.abs().square(), atol=1e-3)
    cross = (mixture[:, None] * spectra.conj()).real
    assert torch.allclose(found.cross, weights @ cross, atol=1e-3)
    assert torch.allclose(found.cross.sum(dim=1), found.mixture, atol=1e-3)


def test_each_process_draws_its_own_and_the_first_one_as_if_alone() -> None:
    alone = batches(3)
    first, second = batches(3, rank=0), batches(3, rank=1)
    assert all(map(torch.equal, alone, first))
    assert not any(map(torch.equal, first, second))
    assert all(map(torch.equal, second[1:], batches(2, rank=1, first_step=1)))
