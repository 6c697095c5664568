"""The mixer model: one ConvTDF U-Net per stem, and a layer that mixes their estimates.

Each net maps the complex spectrum of the mixture to that of its stem through blocks of
convolutions in time and frequency (TFC) and of dense layers over all frequencies (TDF); skips are
multiplied, not joined. A bias-free layer then lets each stem subtract what the other nets found.

Sources: Kim et al., "KUIELab-MDX-Net", MDX Workshop 2021; Choi et al., "Investigating U-Nets with
various intermediate blocks", ISMIR 2020; Shankar et al., "Disentangling overlapping sources",
WIMAGA 2025, for Carnatic vocals and violin, whose settings are the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.registry import register

_PARTS = 2  # real and imaginary, as channels


def _activated(layer: nn.Module, channels: int) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(channels), nn.ReLU()]


class TimeFrequencyBlock(nn.Module):
    """Convolutions over time and frequency, plus dense layers over frequency, side by side."""

    def __init__(
        self, channels: int, bins: int, *, convolutions: int, kernel: int, bottleneck: int
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                *_activated(nn.Conv2d(channels, channels, kernel, padding=kernel // 2), channels)
            )
            for _ in range(convolutions)
        )
        narrow = bins // bottleneck
        self.dense = nn.Sequential(
            *_activated(nn.Linear(bins, narrow, bias=False), channels),
            *_activated(nn.Linear(narrow, bins, bias=False), channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, columns, bins) to the same shape."""
        convolved = x
        for convolution in self.convolutions:
            convolved = convolution(convolved)
        result: Tensor = convolved + self.dense(x)
        return result


class ConvTDFNet(nn.Module):
    """The U-Net of one stem, on complex spectra as two channels."""

    def __init__(
        self,
        *,
        bins: int,
        levels: int,
        width: int,
        convolutions: int,
        kernel: int,
        bottleneck: int,
    ) -> None:
        super().__init__()

        def block(level: int) -> TimeFrequencyBlock:
            return TimeFrequencyBlock(
                width * (level + 1),
                bins >> level,
                convolutions=convolutions,
                kernel=kernel,
                bottleneck=bottleneck,
            )

        widths = [width * (level + 1) for level in range(levels + 1)]
        self.first = nn.Sequential(*_activated(nn.Conv2d(_PARTS, width, 1), width))
        self.encoder = nn.ModuleList(block(level) for level in range(levels))
        self.downs = nn.ModuleList(
            nn.Sequential(*_activated(nn.Conv2d(near, deep, 2, stride=2), deep))
            for near, deep in pairwise(widths)
        )
        self.deepest = block(levels)
        self.ups = nn.ModuleList(
            nn.Sequential(*_activated(nn.ConvTranspose2d(deep, near, 2, stride=2), near))
            for near, deep in reversed(list(pairwise(widths)))
        )
        self.decoder = nn.ModuleList(block(level) for level in reversed(range(levels)))
        self.last = nn.Conv2d(width, _PARTS, 1)

    def forward(self, spectra: Tensor) -> Tensor:
        """Map (batch, 2, columns, bins) to the same shape; 2 ** levels divides both sizes."""
        x = self.first(spectra)
        skips = []
        for encode, down in zip(self.encoder, self.downs, strict=True):
            skips.append(encode(x))
            x = down(skips[-1])
        x = self.deepest(x)
        for up, decode in zip(self.ups, self.decoder, strict=True):
            x = decode(up(x) * skips.pop())
        result: Tensor = self.last(x)
        return result


@register("tfc_tdf")
class MixerModel(SeparationModel):
    """ConvTDF nets, one per stem, and the layer that mixes them.

    Audio is cut into chunks of `columns` STFT columns; channels are separated one by one.

    Parameters
    ----------
    stems : one net each
    n_fft, hop_frames : of the centred STFT
    bins : the lowest ones, which the nets see and estimate; above them stems are silent
    columns : of a chunk, ``hop_frames * (columns - 1)`` frames
    levels : of the U-Nets; 2 ** levels divides `bins` and `columns`
    width : channels at the top, and by how many each level has more
    convolutions, kernel : of each block
    bottleneck : how many times narrower the dense layers are inside
    sample_rate : Hz

    Examples
    --------
    >>> model = MixerModel(stems=["a"], n_fft=64, hop_frames=16, bins=32, columns=8, levels=2,
    ...                    width=2).eval()
    >>> model(torch.zeros(1, 1, 500)).shape
    torch.Size([1, 1, 1, 500])
    """

    def __init__(
        self,
        *,
        stems: Sequence[str],
        n_fft: int = 6144,
        hop_frames: int = 558,
        bins: int = 2048,
        columns: int = 256,
        levels: int = 5,
        width: int = 32,
        convolutions: int = 3,
        kernel: int = 3,
        bottleneck: int = 4,
        sample_rate: int = 24000,
    ) -> None:
        super().__init__()
        if not stems:
            raise ValueError("stems is empty, but must name at least one")
        if bins % 2**levels or columns % 2**levels or not 0 < bins <= n_fft // 2 + 1:
            raise ValueError(
                f"bins is {bins} and columns {columns}: 2 ** levels ({2**levels}) must divide "
                f"both, and the STFT has {n_fft // 2 + 1} bins"
            )
        self.config = {
            "stems": list(stems),
            "n_fft": n_fft,
            "hop_frames": hop_frames,
            "bins": bins,
            "columns": columns,
            "levels": levels,
            "width": width,
            "convolutions": convolutions,
            "kernel": kernel,
            "bottleneck": bottleneck,
            "sample_rate": sample_rate,
        }
        self.stems = tuple(stems)
        self.sample_rate = sample_rate
        self.channels = None
        self.n_fft = n_fft
        self.hop_frames = hop_frames
        self.bins = bins
        self.chunk_frames = hop_frames * (columns - 1)
        self.segment_seconds = self.chunk_frames / sample_rate
        self.nets = nn.ModuleList(
            ConvTDFNet(
                bins=bins,
                levels=levels,
                width=width,
                convolutions=convolutions,
                kernel=kernel,
                bottleneck=bottleneck,
            )
            for _ in stems
        )
        self.mixer = nn.Linear(len(stems) + 1, len(stems), bias=False)
        with torch.no_grad():  # at first each stem is what its own net says
            self.mixer.weight.copy_(torch.eye(len(stems), len(stems) + 1))

    def forward(self, mixture: Tensor) -> Tensor:
        """Separate `mixture`, (batch, channels, frames), into (batch, stems, channels, frames)."""
        batch, channels, frames = mixture.shape
        padded = functional.pad(mixture, (0, -frames % self.chunk_frames))
        # (batch, channels, n * chunk) -> (batch * channels * n, chunk)
        chunks = padded.reshape(-1, self.chunk_frames)
        spectra = self._analyse(chunks)
        found = [self._synthesise(net(spectra)) for net in self.nets]
        # (items, chunk, stems + 1) -> (items, chunk, stems)
        mixed = self.mixer(torch.stack([*found, chunks], dim=-1))
        stems = mixed.reshape(batch, channels, -1, len(self.stems)).permute(0, 3, 1, 2)
        result: Tensor = stems[..., :frames]
        return result

    def _analyse(self, chunks: Tensor) -> Tensor:
        """Map (items, chunk) to spectra (items, 2, columns, bins)."""
        spectra = torch.stft(
            chunks,
            self.n_fft,
            self.hop_frames,
            window=torch.hann_window(self.n_fft, dtype=chunks.dtype, device=chunks.device),
            center=True,
            return_complex=True,
        )
        return torch.view_as_real(spectra[:, : self.bins]).permute(0, 3, 2, 1)

    def _synthesise(self, spectra: Tensor) -> Tensor:
        """Invert :meth:`_analyse`, silence above `bins`."""
        above = self.n_fft // 2 + 1 - self.bins
        full = functional.pad(spectra.float(), (0, above)).permute(0, 3, 2, 1).contiguous()
        return torch.istft(
            torch.view_as_complex(full),
            self.n_fft,
            self.hop_frames,
            window=torch.hann_window(self.n_fft, device=full.device),
            center=True,
            length=self.chunk_frames,
        )
