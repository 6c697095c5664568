"""Fit a model's clusters of bins, once for a recording, in memory that does not grow with it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from carnatic_sep.errors import UsageError
from carnatic_sep.models.decay_clusters import BinSample, ClusterSettings, fit_centres, shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from carnatic_sep.models.cold_diffusion import ColdDiffusion, FrontEnd, Restore


def calibrate(
    model: ColdDiffusion,
    blocks: Iterable[NDArray[np.float32]],
    *,
    sample_rate: int,
    settings: ClusterSettings | None = None,
    every: int = 1,
) -> ColdDiffusion:
    """Return a copy of `model` whose masks are made of the clusters in a recording.

    The copy is a model like any other: give it to a ``Separator``, or save it.

    Parameters
    ----------
    blocks : the recording, each (channels, frames), any number of frames; one pass is made
    sample_rate : of `blocks`, Hz
    settings : of the clusters
    every : take one of so many segments; the network has to run through those that are taken

    Raises
    ------
    UsageError
        A recording without sound, or `every` below 1.

    Examples
    --------
    >>> with AudioReader("concert.mp3") as reader:  # doctest: +SKIP
    ...     tuned = calibrate(model, reader.blocks(), sample_rate=reader.info.sample_rate)
    >>> Separator(tuned).separate_file("concert.mp3", "stems")  # doctest: +SKIP
    """
    import torch

    from carnatic_sep.models.cold_diffusion import ColdDiffusion

    chosen = settings or ClusterSettings()
    centres = find_centres(
        model.restore,
        segments(
            blocks,
            sample_rate=sample_rate,
            model_rate=model.sample_rate,
            frames=model.front.segment_frames(model.config["segment_columns"]),
            every=every,
        ),
        front=model.front,
        targets=len(model.targets),
        settings=chosen,
        device=next(model.parameters()).device,
    )
    clusters = {"clusters": chosen.clusters, "strictness": chosen.strictness}
    with torch.random.fork_rng(devices=[]):
        tuned = ColdDiffusion(**{**model.config, **clusters})
    tuned.net = copy.deepcopy(model.net)
    tuned.to(centres.device)
    tuned.centres = centres
    return tuned.train(model.training)


def segments(
    blocks: Iterable[NDArray[np.float32]],
    *,
    sample_rate: int,
    model_rate: int,
    frames: int,
    every: int = 1,
) -> Iterator[NDArray[np.float32]]:
    """Cut a stream into segments, channel by channel, one after another.

    Parameters
    ----------
    blocks : each (channels, frames)
    frames : length of a segment at `model_rate`
    every : yield one of so many segments

    Yields
    ------
    (channels, frames) at `model_rate`; what is left at the end is padded with zeros, unless at
    least one whole segment came before it

    Raises
    ------
    UsageError
        `every` below 1.
    """
    import numpy as np

    if every < 1:
        raise UsageError(f"every {every}: give 1 or more")
    waiting: NDArray[np.float32] | None = None
    count = 0
    for block in _resampled(blocks, sample_rate, model_rate):
        waiting = block if waiting is None else np.concatenate([waiting, block], axis=1)
        start = 0
        while waiting.shape[1] - start >= frames:
            if count % every == 0:
                yield np.ascontiguousarray(waiting[:, start : start + frames])
            count += 1
            start += frames
        waiting = waiting[:, start:].copy()
    if count == 0 and waiting is not None and waiting.shape[1]:
        yield np.pad(waiting, ((0, 0), (0, frames - waiting.shape[1])))


def _resampled(
    blocks: Iterable[NDArray[np.float32]], sample_rate: int, model_rate: int
) -> Iterator[NDArray[np.float32]]:
    from carnatic_sep.audio.resample import StreamResampler

    resampler: StreamResampler | None = None
    for block in blocks:
        resampler = resampler or StreamResampler(len(block), sample_rate, model_rate)
        yield resampler.push(block)
    if resampler is not None:
        yield resampler.flush()


def find_centres(
    restore: Restore,
    pieces: Iterable[NDArray[np.float32]],
    *,
    front: FrontEnd,
    targets: int,
    settings: ClusterSettings,
    device: object = "cpu",
) -> Tensor:
    """Fit clusters on the curves that `restore` draws from `pieces`.

    Parameters
    ----------
    pieces : each (channels, frames); silent ones are left out
    front : makes spectrograms of them

    Returns
    -------
    (targets, clusters, steps)

    Raises
    ------
    UsageError
        No piece with sound in it.
    """
    import torch

    samples = [
        BinSample(capacity=settings.capacity, seed=settings.seed + index)
        for index in range(targets)
    ]
    heard = False
    for piece in pieces:
        sounding = piece[piece.any(axis=1)]
        if not len(sounding):
            continue
        heard = True
        with torch.inference_mode():
            analysis = front.analyse(torch.from_numpy(sounding)[:, None].to(str(device)))
            curves = shapes_of(restore(analysis.magnitudes)).transpose(0, 1)
        for sample, own in zip(samples, curves.flatten(1, -2).cpu().numpy(), strict=True):
            sample.add(own)
    if not heard:
        raise UsageError("the recording is silent, so no clusters can be fitted; check the file")
    return torch.from_numpy(fit_centres(samples, settings)).to(str(device))
