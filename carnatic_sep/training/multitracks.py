"""Batches of excerpts from multitracks, the same ones for the same seed, from any step on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from carnatic_sep.errors import ConfigError
from carnatic_sep.training.added_bleed import added_bleed
from carnatic_sep.training.ranks import stream
from carnatic_sep.training.track_activity import TrackActivity, track_activity
from carnatic_sep.training.track_batch import TrackBatch, collate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.training.finetune_config import TracksConfig

    Audio = NDArray[np.float32]

POINT_SECONDS = 0.05
"""Distance of the values of `TrackBatch.confidence`, at most; they reach from end to end."""
_RESTS = ("other", "accompaniment")
_ATTEMPTS = 20
_QUIETEST_PEAK = 1e-3


def chosen(tracks: Sequence[Multitrack], config: TracksConfig) -> list[Multitrack]:
    """Return the tracks that `config` includes and does not exclude, by id or concert.

    Raises
    ------
    ConfigError
        None is left.
    """

    def matches(track: Multitrack, patterns: Sequence[str]) -> bool:
        return any(fnmatch(name, p) for name in (track.id, track.concert) for p in patterns)

    left = [t for t in tracks if matches(t, config.include) and not matches(t, config.exclude)]
    if not left:
        names = ", ".join(track.id for track in tracks[:5])
        raise ConfigError(
            f"tracks: nothing is left of {len(tracks)} tracks ({names} ...); check tracks.include "
            "and tracks.exclude"
        )
    return left


def stem_feeds(track: Multitrack, stems: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return which of a track's stems are summed for each of `stems`.

    `other` or `accompaniment` takes all that is not a stem of its own.
    """
    named: dict[str, tuple[str, ...]] = {
        stem: (stem,) if stem in track.stem_names else () for stem in stems
    }
    rest = next((stem for stem in stems if stem in _RESTS), None)
    if rest is not None:
        named[rest] = tuple(name for name in track.stem_names if name not in stems or name == rest)
    return named


class Excerpts:
    """Draws excerpts of multitracks as a model wants them.

    Parameters
    ----------
    tracks : each is drawn as often as it is long
    stems, sample_rate : of the model
    channels : 1 or 2; mono tracks sound on both, stereo ones are averaged for one
    frames : length of an excerpt
    activity : by track id, where it is known

    Raises
    ------
    ConfigError
        No track has one of the stems.
    """

    def __init__(
        self,
        tracks: Sequence[Multitrack],
        config: TracksConfig,
        *,
        stems: Sequence[str],
        sample_rate: int,
        channels: int,
        frames: int,
        activity: Mapping[str, TrackActivity],
    ) -> None:
        self.config = config
        self.stems = tuple(stems)
        self.sample_rate = sample_rate
        self.channels = channels
        self.frames = frames
        self._activity = activity
        self._points = math.ceil(frames / sample_rate / POINT_SECONDS) + 1
        self._tracks = [(track, stem_feeds(track, stems)) for track in tracks]
        seconds = np.array([length / rate for rate, length in (t.info() for t in tracks)])
        self._seconds = dict(zip([track.id for track in tracks], seconds, strict=True))
        self._shares = seconds / seconds.sum()
        self._stemmed = [k for k, (_, feeds) in enumerate(self._tracks) if any(feeds.values())]
        for stem in stems:
            if stem not in _RESTS and not any(feeds[stem] for _, feeds in self._tracks):
                held = sorted({name for track in tracks for name in track.stem_names})
                raise ConfigError(
                    f"surgery.stems: no track has {stem}; the dataset has {', '.join(held)}"
                )

    def item(self, rng: np.random.Generator) -> TrackBatch:
        """Return one excerpt, as a batch of one; a silent one only where all is silent."""
        for _ in range(_ATTEMPTS):
            drawn = self._together(rng) if rng.random() < self.config.coherent else self._mixed(rng)
            if float(drawn.mixture.abs().max()) > _QUIETEST_PEAK:
                break
        return drawn

    def draw(self, rng: np.random.Generator) -> Audio:
        """Return the stems of an excerpt that sounds together, mono: (stems, frames).

        A silent one comes only where all is silent, or no track has stems.
        """
        for _ in range(_ATTEMPTS):
            drawn = self._together(rng, mixdown=False)
            if float(drawn.mixture.abs().max()) > _QUIETEST_PEAK:
                break
        mono: Audio = drawn.stems[0].mean(dim=1).numpy()
        return mono

    def _together(self, rng: np.random.Generator, *, mixdown: bool = True) -> TrackBatch:
        pool = range(len(self._tracks)) if mixdown else self._stemmed or range(len(self._tracks))
        shares = self._shares[list(pool)]
        track, feeds = self._tracks[pool[int(rng.choice(len(pool), p=shares / shares.sum()))]]
        start, rate = self._place(track, rng)
        heard = [self._stem(track, names, start, rate) for names in feeds.values()]
        parts = [self._hints(track, index, start, rate) for index in range(len(self.stems))]
        bare = not any(feeds.values())  # a recording without stems has nothing but its mixdown
        own = mixdown and track.mixture is not None and rng.random() < self.config.mixdown
        if own or (mixdown and bare):
            unsure = np.zeros(self.frames, dtype=bool)
            parts = [
                (part[0] if names else unsure, part[1])
                for part, names in zip(parts, feeds.values(), strict=True)
            ]
            found = self._fitted(track.read_mixture(**self._span(track, start, rate)))
            return self._batch(np.stack(heard), parts, rng, mixture=found)
        return self._batch(np.stack(heard) * self._gains(rng), parts, rng)

    def _mixed(self, rng: np.random.Generator) -> TrackBatch:
        """Take each stem from a track of its own, out of those that have it."""
        heard, parts = [], []
        for index, stem in enumerate(self.stems):
            having = [k for k, (_, feeds) in enumerate(self._tracks) if feeds[stem]]
            pool = having or list(range(len(self._tracks)))
            shares = self._shares[pool] / self._shares[pool].sum()
            track, feeds = self._tracks[pool[int(rng.choice(len(pool), p=shares))]]
            start, rate = self._place(track, rng)
            heard.append(self._stem(track, feeds[stem], start, rate))
            parts.append(self._hints(track, index, start, rate))
        return self._batch(np.stack(heard) * self._gains(rng), parts, rng)

    def _batch(
        self,
        stems: Audio,
        parts: Sequence[tuple[NDArray[np.bool_], Audio]],
        rng: np.random.Generator,
        *,
        mixture: Audio | None = None,
    ) -> TrackBatch:
        """Put one excerpt together; `mixture` is None where it is the sum of the stems."""
        summed = stems.sum(axis=0) if mixture is None else mixture
        bled = bool(mixture is None and self.config.bleed and rng.random() < self.config.bleed)
        if bled:
            summed = summed + added_bleed(
                stems, level_db=self.config.bleed_db, sample_rate=self.sample_rate, rng=rng
            )
        return TrackBatch(
            mixture=torch.from_numpy(summed.astype(np.float32))[None],
            stems=torch.from_numpy(stems.astype(np.float32))[None],
            known=torch.full((1, len(stems)), mixture is None),
            silent=torch.from_numpy(np.stack([silent for silent, _ in parts]))[None],
            confidence=torch.from_numpy(np.stack([share for _, share in parts]))[None],
            halves=torch.from_numpy(rng.permutation(len(stems)) < len(stems) / 2)[None],
            bled=torch.tensor([bled]),
        )

    def _gains(self, rng: np.random.Generator) -> Audio:
        gains = 10 ** (rng.uniform(*self.config.gain_db, len(self.stems)) / 20)
        return gains.astype(np.float32)[:, None, None]

    def _place(self, track: Multitrack, rng: np.random.Generator) -> tuple[float, int]:
        """Return where an excerpt begins, in seconds, and the rate that it is read at.

        Samples read at another rate than they are played at sound higher or lower, and faster or
        slower, all of the track alike.
        """
        rate = round(self.sample_rate * 2 ** (-rng.uniform(*self.config.semitones) / 12))
        latest = max(0.0, self._seconds[track.id] - self.frames / rate)
        return float(rng.uniform(0, latest)), rate

    def _span(self, track: Multitrack, start: float, rate: int) -> dict[str, int]:
        first = int(start * rate)
        there = int(self._seconds[track.id] * rate) - first
        return {"start": first, "frames": max(1, min(self.frames, there)), "sample_rate": rate}

    def _stem(self, track: Multitrack, names: Sequence[str], start: float, rate: int) -> Audio:
        silence = np.zeros((self.channels, self.frames), dtype=np.float32)
        span = self._span(track, start, rate)
        return sum((self._fitted(track.read_stem(name, **span)) for name in names), start=silence)

    def _fitted(self, audio: Audio) -> Audio:
        """Bring (any channels, at most `frames`) to (channels, frames)."""
        if len(audio) != self.channels:
            mono = audio.mean(axis=0, keepdims=True)
            audio = np.repeat(mono, self.channels, axis=0)
        return np.pad(audio, ((0, 0), (0, self.frames - audio.shape[1])))

    def _hints(
        self, track: Multitrack, index: int, start: float, rate: int
    ) -> tuple[NDArray[np.bool_], Audio]:
        """Return where stem `index` is silent, (frames,), and its confidence, (points,)."""
        seconds = np.arange(self.frames) / rate  # of the recording, not of what is heard
        points = np.linspace(0, seconds[-1], self._points)
        known = self._activity.get(track.id)
        if known is None:
            return np.zeros(self.frames, dtype=bool), np.ones(len(points), dtype=np.float32)

        def hops(time: NDArray[np.float64]) -> NDArray[np.int64]:
            nearest = np.round((start + time) / known.hop_seconds).astype(np.int64)
            return np.asarray(np.minimum(nearest, known.silent.shape[1] - 1), dtype=np.int64)

        return known.silent[index, hops(seconds)], known.confidence[index, hops(points)]


class MultitrackBatches(IterableDataset[TrackBatch]):
    """Yields batches without end; each depends on seed, step and rank alone.

    Parameters
    ----------
    first_step : number of the first batch in the run
    rank : of several processes, each of which draws its own
    """

    def __init__(
        self,
        excerpts: Excerpts,
        *,
        batch_size: int,
        seed: int,
        first_step: int = 0,
        rank: int = 0,
    ) -> None:
        self.excerpts = excerpts
        self.batch_size = batch_size
        self.seed = seed
        self.first_step = first_step
        self.rank = rank

    def __iter__(self) -> Iterator[TrackBatch]:
        info = get_worker_info()
        worker, stride = (info.id, info.num_workers) if info else (0, 1)
        step = self.first_step + worker
        while True:
            rng = np.random.default_rng(stream(self.seed, step, self.rank))
            yield collate([self.excerpts.item(rng) for _ in range(self.batch_size)])
            step += stride


def activities(
    tracks: Sequence[Multitrack], stems: Sequence[str], *, cache: Path
) -> dict[str, TrackActivity]:
    """Return who plays when in each track, by its id."""
    return {
        track.id: track_activity(track, stem_feeds(track, stems), cache=cache) for track in tracks
    }
