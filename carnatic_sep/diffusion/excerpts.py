"""Excerpts of multitracks as magnitudes: stems, and the mixture that they sum to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from carnatic_sep.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.models.cold_diffusion import FrontEnd

_QUIETEST_RMS = 1e-4
_MOST_TRIES = 100


@dataclass(frozen=True)
class Batch:
    """Excerpts on the scale of their mixtures.

    Attributes
    ----------
    clean : (batch, targets, columns, bins), magnitudes of the stems, bleed and all
    mixture : (batch, 1, columns, bins), magnitudes of root mean square 1
    """

    clean: Tensor
    mixture: Tensor


@dataclass(frozen=True, kw_only=True)
class ExcerptSource:
    """Draws batches from tracks, without end.

    Attributes
    ----------
    tracks : each with all of `targets`
    targets : stems that are learnt; all other stems only sound in the mixture
    front : makes magnitudes
    sample_rate : Hz
    columns : length of an excerpt in columns of its spectrogram
    batch_size : excerpts at once
    coherent : share of mixtures whose stems are of one moment of one track
    gain_db : range of each stem's level, drawn evenly
    seed : the same one draws the same excerpts
    """

    tracks: Sequence[Multitrack]
    targets: tuple[str, ...]
    front: FrontEnd
    sample_rate: int
    columns: int
    batch_size: int
    coherent: float = 1.0
    gain_db: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse tracks that cannot teach the targets.

        Raises
        ------
        DatasetError
            No tracks, or one that lacks a target; the first is named.
        """
        if not self.tracks:
            raise DatasetError("no tracks to learn from; check the dataset's folder or its split")
        for track in self.tracks:
            if missing := [name for name in self.targets if name not in track.stem_names]:
                raise DatasetError(
                    f"{track.id}: has no stem {', '.join(missing)}; leave the track or "
                    "the target out"
                )

    def batches(self) -> Iterator[Batch]:
        """Yield batches without end.

        Raises
        ------
        DatasetError
            Nothing but silence was found in many tries.
        AudioReadError
            A stem cannot be read.
        """
        rng = np.random.default_rng(self.seed)
        while True:
            yield self._batch([self._excerpt(rng) for _ in range(self.batch_size)])

    def _batch(self, excerpts: list[dict[str, NDArray[np.float32]]]) -> Batch:
        mixture = np.stack([_sum(stems)[None] for stems in excerpts])
        wanted = np.stack([[stems[name] for name in self.targets] for stems in excerpts])
        analysis = self.front.analyse(torch.from_numpy(mixture))
        clean = self.front.magnitudes(torch.from_numpy(wanted), level=analysis.level)
        return Batch(clean, analysis.magnitudes)

    def _excerpt(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Return stem -> (frames,) of a mixture that sounds."""
        for _ in range(_MOST_TRIES):
            together = rng.random() < self.coherent
            track, start = self._moment(rng)
            stems = {}
            for name in track.stem_names:
                if not together:
                    having = [each for each in self.tracks if name in each.stem_names]
                    source, begin = self._moment(rng, having)
                else:
                    source, begin = track, start
                gain = 10 ** (rng.uniform(*self.gain_db) / 20)
                stems[name] = np.float32(gain) * self._read(source, name, begin)
            if np.sqrt(np.mean(_sum(stems) ** 2)) > _QUIETEST_RMS:
                return stems
        raise DatasetError(f"{self.tracks[0].id}: {_MOST_TRIES} excerpts in a row are silent")

    def _moment(
        self, rng: np.random.Generator, among: Sequence[Multitrack] = ()
    ) -> tuple[Multitrack, int]:
        tracks = among or self.tracks
        track = tracks[int(rng.integers(len(tracks)))]
        rate, frames = track.info()
        room = frames * self.sample_rate // rate - self.front.segment_frames(self.columns)
        return track, int(rng.integers(max(1, room)))

    def _read(self, track: Multitrack, stem: str, start: int) -> NDArray[np.float32]:
        frames = self.front.segment_frames(self.columns)
        audio = track.read_stem(stem, start=start, frames=frames, sample_rate=self.sample_rate)
        mono = audio.mean(axis=0)[:frames]
        padded: NDArray[np.float32] = np.pad(mono, (0, frames - len(mono))).astype(np.float32)
        return padded


def _sum(stems: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    total: NDArray[np.float32] = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    return total
