"""Batches rendered while training runs: coherent ensembles, a new piece each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from carnatic_sep.stems import DEFAULT_STEMS

if TYPE_CHECKING:
    from carnatic_sep.datasets.mixer import Mixer
    from carnatic_sep.ensemble.config import Rendering
    from carnatic_sep.ensemble.kutcheri import Ensemble

_REFERENCE = 0.15
"""RMS of a drawn mixture."""

_FROM_ONE_PIECE = 3

Targets = Literal["clean", "bleeding"]
"""What each stem is: the player alone, or what the player's microphone adds to the mix."""


class RenderedBatches(IterableDataset[Tensor]):
    """Yields stems, (batch, stems, channels, frames), that sum to the mixture of their piece.

    Pieces are rendered in the loader's workers. From each piece as many excerpts are cut as it
    holds, and a shuffle buffer mixes those of several pieces. What is yielded depends on seed and
    the number of workers alone.

    Parameters
    ----------
    make : returns the ensemble; called once in each worker, so it must be picklable where workers
        are spawned
    segment_seconds : length of an excerpt
    batch_size : excerpts in a batch
    piece_seconds : length of a piece; longer ones are cheaper a second
    seed : piece n of worker w grows from ``first_seed + n * workers + w``
    first_seed : where the pieces' seeds start; keep it apart from those of test sets
    buffer : excerpts that wait to be drawn
    stereo : two channels, else their mean
    targets : see :data:`Targets`

    Examples
    --------
    >>> from functools import partial
    >>> from carnatic_sep.ensemble.orders import make_ensemble
    >>> batches = RenderedBatches(partial(make_ensemble), batch_size=4)  # doctest: +SKIP
    >>> loader = DataLoader(batches, batch_size=None, num_workers=2)  # doctest: +SKIP
    """

    def __init__(
        self,
        make: Callable[[], Ensemble],
        *,
        segment_seconds: float = 4.0,
        batch_size: int = 6,
        piece_seconds: float = 20.0,
        seed: int = 0,
        first_seed: int = 1_000_000,
        buffer: int = 32,
        stereo: bool = True,
        targets: Targets = "clean",
    ) -> None:
        self.make = make
        self.segment_seconds = segment_seconds
        self.batch_size = batch_size
        self.piece_seconds = max(piece_seconds, segment_seconds)
        self.seed = seed
        self.first_seed = first_seed
        self.buffer = max(buffer, batch_size)
        self.stereo = stereo
        self.targets = targets

    def __iter__(self) -> Iterator[Tensor]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        rng = np.random.default_rng([self.seed, worker, workers])
        waiting: list[np.ndarray] = []
        for excerpt in self._excerpts(worker, workers, rng):
            waiting.append(excerpt)
            if len(waiting) >= self.buffer:
                drawn = rng.choice(len(waiting), self.batch_size, replace=False)
                yield torch.from_numpy(np.stack([waiting[i] for i in drawn]))
                for index in sorted(drawn.tolist(), reverse=True):
                    waiting.pop(index)

    def _excerpts(
        self, worker: int, workers: int, rng: np.random.Generator
    ) -> Iterator[np.ndarray]:
        """Cut pieces without end into excerpts, (stems, channels, frames)."""
        ensemble = self.make()
        frames = round(self.segment_seconds * ensemble.sample_rate)
        number = worker
        while True:
            rendering = ensemble.render(
                seconds=self.piece_seconds,
                seed=self.first_seed + 7919 * self.seed + number,
                bleeding=self.targets == "bleeding",
            )
            stems = self._stems(rendering)
            count = stems.shape[-1] // frames
            first = int(rng.integers(0, stems.shape[-1] - count * frames + 1))
            for index in range(count):
                start = first + index * frames
                excerpt = np.ascontiguousarray(stems[..., start : start + frames])
                if np.any(excerpt):
                    yield excerpt
            number += workers

    def _stems(self, rendering: Rendering) -> np.ndarray:
        sounds = rendering.bleeding if self.targets == "bleeding" else rendering.stems
        stems = np.stack([sounds[name] for name in DEFAULT_STEMS])
        return stems if self.stereo else stems.mean(axis=1, keepdims=True)


class EnsembleMixer:
    """Draws mono stems from rendered pieces, as :class:`~carnatic_sep.datasets.mixer.Mixer` does.

    Parameters
    ----------
    ensemble : renders
    seconds : length of a drawing
    """

    def __init__(self, ensemble: Ensemble, *, seconds: float) -> None:
        self.ensemble = ensemble
        self.seconds = seconds
        self.frames = int(seconds * ensemble.sample_rate)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Render a piece of its own for one drawing: (stems, frames), float32."""
        drawn: np.ndarray = self.draw_many(rng, 1)[0]
        return drawn

    def draw_many(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw `count` sets, (count, stems, frames), float32; the mixture at about -16 dBFS.

        Up to three neighbours are cut from one piece, since longer pieces cost less a second.
        """
        lots = [min(_FROM_ONE_PIECE, count - first) for first in range(0, count, _FROM_ONE_PIECE)]
        return np.concatenate([self._cut(rng, lot) for lot in lots])

    def _cut(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Render a piece and cut it into `count` excerpts."""
        rendering = self.ensemble.render(
            seconds=count * self.seconds + 0.1, seed=int(rng.integers(2**31))
        )
        stems = np.stack([rendering.stems[name].mean(axis=0) for name in DEFAULT_STEMS])
        level = float(np.sqrt(np.mean(np.square(stems.sum(axis=0)))))
        stems *= np.float32(_REFERENCE / (level + 1e-9))
        parts = stems[:, : count * self.frames].reshape(len(stems), count, self.frames)
        return np.ascontiguousarray(parts.transpose(1, 0, 2))


class SharedMixer:
    """Draws from an ensemble or from a mixer of solos, each for its share of the mixtures.

    Parameters
    ----------
    solos : draws mixtures of solo recordings
    ensembles : draws rendered pieces of the same length
    share : of the mixtures that are rendered pieces, 0 to 1
    """

    def __init__(self, solos: Mixer, ensembles: EnsembleMixer, *, share: float) -> None:
        self.solos = solos
        self.ensembles = ensembles
        self.share = share

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Draw one set of stems: (stems, frames), float32."""
        drawn: np.ndarray = self.draw_many(rng, 1)[0]
        return drawn

    def draw_many(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw `count` sets, (count, stems, frames); the rendered ones are cut from one piece."""
        rendered = int(rng.binomial(count, self.share))
        parts = []
        if rendered:
            parts.append(self.ensembles.draw_many(rng, rendered))
        if rendered < count:
            parts.append(self.solos.draw_many(rng, count - rendered))
        return np.concatenate(parts)
