"""The engine: a mixture of any length and rate in, stems of the same length and rate out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.timecode import timecode
from carnatic_sep.errors import CarnaticSepError, UsageError
from carnatic_sep.separation.blocks import as_audio, checked_blocks, checked_rate, split
from carnatic_sep.separation.checks import whole_number
from carnatic_sep.separation.consistency import (
    out_of_band_shares,
    share_residual,
    shares_of,
)
from carnatic_sep.separation.device import Precision, resolve_device, resolve_precision
from carnatic_sep.separation.inference import Inference
from carnatic_sep.separation.overlap_add import SegmentPlan, overlap_add
from carnatic_sep.separation.progress import Progress, Silent
from carnatic_sep.separation.sample_queue import SampleQueue
from carnatic_sep.stems import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from carnatic_sep.models.base import SeparationModel
    from carnatic_sep.separation.tracks import SeparationResult, TrackOptions


class Separator:
    """Separate mixtures with one model, in memory that does not grow with their length.

    Parameters
    ----------
    model : a name that :func:`carnatic_sep.load_model` knows, a checkpoint file, or a model
        (which is moved to the device and set to evaluation mode)
    device : auto (the fastest there is), cpu, cuda, cuda:N or mps
    segment_seconds : audio that the network sees at once; the model's own if None
    overlap : fraction of a segment that the next one sees again, 0 to below 1
    batch_size : segments that go through the network together; 4 on a GPU and 1 on a CPU if
        None. Halved when the GPU's memory does not hold them. Some networks round differently
        in batches of another size: the same size gives the same bits
    precision : auto (bf16 where it is fast), fp32 or bf16
    views : how many times the network looks at each segment, with windows of other lengths, before
        the estimates are averaged: slower by as much, and a little better; the bundled model has 3
    residual_shares : what part of "mixture minus stems" each stem takes; equal parts if None

    Attributes
    ----------
    stems : names of the results, in order; a model of one stem gets `other` as the second

    Raises
    ------
    UsageError
        An option that cannot be met.
    CheckpointError
        The checkpoint cannot be loaded.

    Examples
    --------
    >>> separator = Separator("default")  # doctest: +SKIP
    >>> separator.separate(mixture, 44100)["vocals"]  # doctest: +SKIP
    """

    def __init__(
        self,
        model: SeparationModel | str | Path = "default",
        *,
        device: str = "auto",
        segment_seconds: float | None = None,
        overlap: float = 0.25,
        batch_size: int | None = None,
        precision: Precision = "auto",
        views: int = 1,
        residual_shares: Mapping[str, float] | None = None,
    ) -> None:
        if batch_size is not None:
            batch_size = whole_number(batch_size, what="batch size")
        self.device = resolve_device(device)
        self.dtype = resolve_precision(precision, self.device)
        self.model_name, self.checkpoint, self.model = _load(model, device=str(self.device))
        self.views = whole_number(views, what="views")
        if self.views > self.model.most_views:
            most = self.model.most_views
            raise UsageError(
                f"{self.views} views were asked for; {self.model.architecture} ({self.model_name}) "
                + (f"has {most} at most" if most > 1 else "has one only, so leave --views out")
            )
        self.model.to(self.device).eval()
        self.sample_rate = self.model.sample_rate
        self.plan = SegmentPlan.of(
            segment_seconds=(
                self.model.segment_seconds if segment_seconds is None else segment_seconds
            ),
            overlap=overlap,
            sample_rate=self.sample_rate,
        )
        self.overlap = overlap
        self.batch_size = batch_size or (1 if self.device.type == "cpu" else 4)
        self.stems = tuple(self.model.stems)
        if len(self.stems) == 1 and OTHER not in self.stems:
            self.stems = (*self.stems, OTHER)
            residual_shares = {OTHER: 1.0}
        self._shares = shares_of(self.stems, residual_shares)
        self._outside_band = out_of_band_shares(self.stems, self._shares)
        self._inference = Inference(
            self.model,
            device=self.device,
            dtype=self.dtype,
            batch_size=self.batch_size,
            views=self.views,
        )

    def separate(
        self, audio: NDArray[np.float32], sample_rate: int, *, progress: Progress | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Separate audio that is in memory.

        Parameters
        ----------
        audio : (channels, frames) or (frames,), floating point, full scale ±1; an array, or what
            NumPy makes one of
        sample_rate : Hz, 8000 to 192000
        progress : is warned when a batch does not fit into memory

        Returns
        -------
        stem name to float32 audio of the shape of `audio`; their sum is `audio`

        Raises
        ------
        UsageError
            Audio of another shape, type or rate.
        CarnaticSepError
            NaN or infinite samples, or a model that does not answer.
        """
        given = as_audio(audio)
        rows, blocks = split(given)
        pieces = self.stream_with_mixture(
            blocks, sample_rate=sample_rate, channels=rows, progress=progress
        )
        whole = np.concatenate([stems for _, stems in pieces], axis=-1)
        return {
            name: stem.reshape(given.shape) for name, stem in zip(self.stems, whole, strict=True)
        }

    def stream(
        self, blocks: Iterable[NDArray[np.float32]], *, sample_rate: int, channels: int
    ) -> Iterator[dict[str, NDArray[np.float32]]]:
        """Separate a stream of any length block by block.

        Parameters
        ----------
        blocks : each (channels, frames), any number of frames
        sample_rate : Hz, 8000 to 192000

        Yields
        ------
        stem name to (channels, frames): pieces that follow each other, from the first sample on,
        with lengths of the engine's choosing; in total as long as `blocks`, and summing to them

        Raises
        ------
        As :meth:`separate`.
        """
        for _, stems in self.stream_with_mixture(
            blocks, sample_rate=sample_rate, channels=channels
        ):
            yield dict(zip(self.stems, stems, strict=True))

    def stream_with_mixture(
        self,
        blocks: Iterable[NDArray[np.float32]],
        *,
        sample_rate: int,
        channels: int,
        progress: Progress | None = None,
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Do what :meth:`stream` does, and give back the mixture of each piece beside its stems.

        Parameters
        ----------
        progress : is warned when a batch does not fit into memory

        Yields
        ------
        mixture, (channels, frames), and stems, (stems, channels, frames), of the same frames
        """
        sample_rate = checked_rate(sample_rate)
        channels = whole_number(channels, what="channels")
        checked = checked_blocks(blocks, sample_rate=sample_rate, channels=channels)
        watcher = progress or Silent()
        if sample_rate == self.sample_rate:
            yield from self._at_model_rate(checked, channels=channels, progress=watcher)
            return

        from carnatic_sep.audio.resample import StreamResampler

        there = StreamResampler(channels, sample_rate, self.sample_rate)
        back = StreamResampler(channels * len(self.stems), self.sample_rate, sample_rate)
        originals = SampleQueue(channels)

        def resampled() -> Iterator[NDArray[np.float32]]:
            for block in checked:
                originals.push(block)
                yield there.push(block)
            yield there.flush()

        def finished(flat: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            mixture = originals.pop(flat.shape[1])
            stems = flat[:, : mixture.shape[1]].reshape(len(self.stems), *mixture.shape)
            return mixture, share_residual(stems, mixture, self._outside_band)

        for _, stems in self._at_model_rate(resampled(), channels=channels, progress=watcher):
            yield finished(back.push(stems.reshape(len(self.stems) * channels, stems.shape[-1])))
        yield finished(back.flush())

    def separate_file(
        self,
        path: Path | str,
        out_dir: Path | str,
        *,
        options: TrackOptions | None = None,
        track: str | None = None,
        progress: Progress | None = None,
    ) -> SeparationResult:
        """Separate one file into one file per stem, with a record of how beside them.

        See :func:`carnatic_sep.separation.tracks.separate_file`.
        """
        from carnatic_sep.separation.tracks import separate_file

        return separate_file(
            self, Path(path), Path(out_dir), options=options, track=track, progress=progress
        )

    @property
    def segments_at_once(self) -> int:
        """How many segments are at work at once: a batch in each lane."""
        return self.batch_size * self._inference.lanes

    def checkpoint_sha256(self) -> str | None:
        """Return the checksum of the model's file; None for a model that came from none."""
        if self.checkpoint is None:
            return None
        from carnatic_sep.models.checkpoint import read_metadata

        return read_metadata(self.checkpoint).sha256

    def _at_model_rate(
        self, blocks: Iterable[NDArray[np.float32]], *, channels: int, progress: Progress
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Separate a stream at the model's rate into stems that sum to it."""
        done = 0
        for mixture, estimates in overlap_add(
            blocks,
            partial(self._inference.stream, warn=progress.warn),
            channels=channels,
            stems=len(self.model.stems),
            plan=self.plan,
        ):
            if not np.isfinite(estimates).all():
                full = str(self.dtype) == "torch.float32"
                remedy = "bring the audio near full scale" if full else "try --precision fp32"
                raise CarnaticSepError(
                    f"the model {self.model_name} answered with NaN or infinite numbers near "
                    f"{timecode(done / self.sample_rate)} ({self.dtype}); {remedy}"
                )
            done += mixture.shape[1]
            derived = len(self.stems) - len(estimates)
            stems = np.pad(estimates, ((0, derived), (0, 0), (0, 0)))
            yield mixture, share_residual(stems, mixture, self._shares)


def separate(
    audio: NDArray[np.float32],
    sample_rate: int,
    *,
    model: SeparationModel | str | Path = "default",
) -> dict[str, NDArray[np.float32]]:
    """Separate `audio` with `model`; see :meth:`Separator.separate` for shapes and errors.

    To separate more than one recording, build a :class:`Separator` once.
    """
    return Separator(model).separate(audio, sample_rate)


def _load(
    model: SeparationModel | str | Path, *, device: str
) -> tuple[str, Path | None, SeparationModel]:
    """Return the model's name, the file it came from, and the model itself."""
    from carnatic_sep.models.base import SeparationModel
    from carnatic_sep.models.zoo import load_model, resolve

    if isinstance(model, SeparationModel):
        return model.architecture, None, model

    checkpoint = resolve(model)
    return checkpoint.stem, checkpoint, load_model(checkpoint, device=device)
