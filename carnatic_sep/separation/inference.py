"""Segments through a network: device, number format, channels, and memory that runs out."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import CarnaticSepError, UsageError
from carnatic_sep.separation.lanes import in_lanes, lanes_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from carnatic_sep.models.base import SeparationModel


class Inference:
    """Call a model on segments, NumPy in and out: in batches, on a CPU several of them at once.

    Parameters
    ----------
    model : on `device`, in evaluation mode
    dtype : torch.float32, or torch.bfloat16 to run under autocast
    batch_size : segments at once; halved for good when the device's memory does not hold them
    views : of each segment, averaged; see `SeparationModel.most_views`

    Attributes
    ----------
    batch_size : as it is now
    """

    def __init__(
        self,
        model: SeparationModel,
        *,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int,
        views: int = 1,
    ) -> None:
        self._model = model
        self._network = partial(model, views=views) if views > 1 else model
        self._device = device
        self._dtype = dtype
        self.batch_size = batch_size

    def stream(
        self, segments: Iterator[NDArray[np.float32]], *, warn: Callable[[str], None]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Yield each segment, (channels, frames), with its stems, (stems, channels, frames).

        Raises
        ------
        CarnaticSepError
            As :meth:`__call__`.
        """
        run = partial(self, warn=warn)
        for batch, stems in in_lanes(run, self._batches(segments), threads=self._threads):
            yield from zip(batch, stems, strict=True)

    @property
    def lanes(self) -> int:
        """How many batches are at work at once."""
        return lanes_for(self._threads)

    @property
    def _threads(self) -> int:
        import torch

        return torch.get_num_threads() if self._device.type == "cpu" else 1

    def _batches(self, segments: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        while batch := list(islice(segments, self.batch_size)):
            yield np.stack(batch)

    def __call__(
        self, segments: NDArray[np.float32], *, warn: Callable[[str], None]
    ) -> NDArray[np.float32]:
        """Separate `segments`, (batch, channels, frames), to (batch, stems, channels, frames).

        Segments of nothing but zeros come back as zeros, and the network does not see them.

        Raises
        ------
        CarnaticSepError
            One segment alone is more than the device's memory holds.
        """
        stems = np.zeros(
            (segments.shape[0], len(self._model.stems), *segments.shape[1:]), dtype=np.float32
        )
        sounding = [index for index in range(len(segments)) if segments[index].any()]
        while sounding:
            now = sounding[: self.batch_size]
            estimate = self._attempt(segments[now])
            if estimate is None:
                self._halve(segments.shape[-1], warn)
                continue
            stems[now] = estimate
            sounding = sounding[len(now) :]
        return stems

    def _attempt(self, segments: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Run one batch; None if memory ran out."""
        import torch

        estimate: NDArray[np.float32] | None = None
        try:
            stems = self._forward(torch.from_numpy(segments).to(self._device))
            estimate = stems.float().cpu().numpy()
        except torch.cuda.OutOfMemoryError:
            pass
        except RuntimeError as error:  # Metal has no error class of its own for this
            if self._device.type != "mps" or "out of memory" not in str(error).lower():
                raise
        if estimate is None:  # outside of the handler, which keeps the failed pass alive
            _release_cache(self._device)
        return estimate

    def _halve(self, segment_frames: int, warn: Callable[[str], None]) -> None:
        if self.batch_size == 1:
            seconds = segment_frames / self._model.sample_rate
            raise CarnaticSepError(
                f"{self._device}: out of memory on a single segment of {seconds:.1f} s; "
                f"give a shorter one, e.g. --segment {seconds / 2:.1f}, or take --device cpu"
            )
        self.batch_size //= 2
        warn(f"{self._device}: out of memory; going on with batches of {self.batch_size}")

    def _forward(self, mixture: Tensor) -> Tensor:
        import torch

        bf16 = self._dtype == torch.bfloat16
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=bf16),
        ):
            return _call_with_channels(self._network, self._model.channels, mixture)


def _call_with_channels(
    network: Callable[[Tensor], Tensor], taken: int | None, mixture: Tensor
) -> Tensor:
    """Fit `mixture`, (batch, channels, frames), to the channels that are `taken`, and back."""
    batch, channels, frames = mixture.shape
    if taken in (None, channels):
        return network(mixture)
    if taken == 1:
        stems = network(mixture.reshape(batch * channels, 1, frames))
        return stems.reshape(batch, channels, -1, frames).transpose(1, 2)
    if channels == 1:
        stems = network(mixture.expand(batch, taken, frames))
        return stems.mean(dim=2, keepdim=True)
    raise UsageError(
        f"the model takes {taken} channels, the audio has {channels}; "
        "mix it down to one or two, as `carnatic-sep separate` does with --downmix stereo or mono"
    )


def _release_cache(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
