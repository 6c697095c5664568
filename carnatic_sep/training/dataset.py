"""Batches without end, the same ones for the same seed, from any step on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from carnatic_sep.audio.spectral import stft
from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.training import listening
from carnatic_sep.training.losses import BandStatistics
from carnatic_sep.training.ranks import stream


class Drawer(listening.Drawer, Protocol):
    """Whatever draws stems that sum to their mixture, many at once too."""

    def draw_many(self, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Draw `count` sets of stems, (count, stems, frames)."""


class MixtureBatches(IterableDataset[Tensor]):
    """Yields stems, (batch, stems, frames).

    A batch depends on seed, step, rank and the number of workers alone, so a run that goes on at
    some step sees what it would have seen there.

    Parameters
    ----------
    mixer : draws the stems
    first_step : number of the first batch in the run
    reuse : batches made of one drawing, with other partners and levels each time
    rank : of several processes, each of which draws its own
    """

    def __init__(
        self,
        mixer: Drawer,
        *,
        batch_size: int,
        seed: int,
        first_step: int = 0,
        reuse: int = 1,
        rank: int = 0,
    ) -> None:
        self.mixer = mixer
        self.batch_size = batch_size
        self.seed = seed
        self.first_step = first_step
        self.reuse = reuse
        self.rank = rank

    def __iter__(self) -> Iterator[Tensor]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        # The loader asks its workers in turn: this one makes every step of its own lane. All
        # turns of a drawing lie in one lane, so that it is drawn once.
        step = self.first_step + worker
        lane = step % workers
        cycle, place = divmod(step, workers * self.reuse)
        first_turn = place // workers
        while True:
            rng = np.random.default_rng(stream(self.seed, cycle * workers + lane, self.rank))
            drawn = self.mixer.draw_many(rng, self.batch_size)
            for turn in range(self.reuse):
                batch = remix(drawn, turn=turn, rng=rng) if turn else drawn
                if turn >= first_turn:
                    yield torch.from_numpy(batch)
            first_turn = 0
            cycle += 1


def remix(
    drawn: NDArray[np.float32], *, turn: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Give each voice and its violin another rhythm section and other levels.

    Voice and violin (the first two stems) stay together, since one follows the other.

    Parameters
    ----------
    drawn : (batch, stems, frames)
    turn : by how many places the rhythm sections move on

    Returns
    -------
    (batch, stems, frames); levels within 4 dB of `drawn`, signs at random
    """
    mixed = drawn.copy()
    mixed[:, 2:] = np.roll(drawn[:, 2:], turn, axis=0)
    gains = 10 ** (rng.uniform(-4, 4, drawn.shape[:2]) / 20) * rng.choice([-1, 1], drawn.shape[:2])
    remixed: NDArray[np.float32] = (mixed * gains[..., None]).astype(np.float32)
    return remixed


class BandBatches(IterableDataset[BandStatistics]):
    """Yields the band statistics of :class:`MixtureBatches` for a :class:`BandUNet`."""

    def __init__(self, batches: MixtureBatches, model: BandUNet) -> None:
        self.batches = batches
        self.bands = model.bands
        self.n_fft = model.n_fft
        self.hop_frames = model.hop_frames

    def __iter__(self) -> Iterator[BandStatistics]:
        for stems in self.batches:
            items = [self._item(each) for each in stems]
            yield BandStatistics(*(torch.stack(part) for part in zip(*items, strict=True)))

    def _item(self, stems: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        spectra = stft(stems, n_fft=self.n_fft, hop_frames=self.hop_frames)
        mixture = spectra.sum(dim=0)
        cross = spectra.real * mixture.real + spectra.imag * mixture.imag
        own = spectra.real.square() + spectra.imag.square()
        total = mixture.real.square() + mixture.imag.square()
        pooled = self.bands.pool(torch.cat([total[None], cross, own]))
        count = len(stems)
        return pooled[0], pooled[1 : 1 + count], pooled[1 + count :]
