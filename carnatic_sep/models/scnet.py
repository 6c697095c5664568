"""SCNet, the sparse-compression network (Tong et al., ICASSP 2024), with a Hann window.

Low frequencies keep their resolution and high ones are compressed, so that recurrent layers run
over 57 bands instead of 2049 bins. The output is each stem's complex spectrum itself, not a mask.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from carnatic_sep.audio.spectral import istft, stft
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.registry import register
from carnatic_sep.stems import DEFAULT_STEMS

_SMALLEST_DEVIATION = 1e-8


class _Band(NamedTuple):
    """How one of the three bands is compressed: where it ends, and by how much."""

    upper_share: float
    kernel: int
    stride: int
    depth: int

    @property
    def padding(self) -> int:
        return (self.kernel - self.stride) // 2


BANDS = (_Band(0.175, 3, 1, 3), _Band(0.175 + 0.392, 4, 4, 2), _Band(1.0, 16, 16, 1))


def band_sizes(bins: int) -> list[int]:
    """Split `bins` frequencies into low, middle and high.

    >>> band_sizes(2049)
    [359, 803, 887]
    """
    edges = [0, *(math.ceil(bins * band.upper_share) for band in BANDS)]
    return [upper - lower for lower, upper in pairwise(edges)]


def compressed_sizes(bins: int) -> list[int]:
    """Return what each band of `bins` frequencies is compressed to.

    >>> [sum(compressed_sizes(bins)) for bins in (2049, 616, 186)]
    [616, 186, 57]
    """
    return [-(-size // band.stride) for size, band in zip(band_sizes(bins), BANDS, strict=True)]


class ConvModule(nn.Module):
    """Residual convolution along time, one frequency at a time, in a bottleneck of `hidden`."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(1, channels),
            nn.Conv1d(channels, 2 * hidden, 3, padding=1),
            nn.GLU(dim=1),
            nn.Conv1d(hidden, hidden, 3, padding=1, groups=hidden),
            nn.GroupNorm(1, hidden),
            nn.SiLU(),
            nn.Conv1d(hidden, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, columns) to the same shape."""
        y: Tensor = x + self.layers(x)
        return y


class SparseDown(nn.Module):
    """Compress three bands by their own strides, refine each, and mix all by a 3x3 convolution."""

    def __init__(self, inputs: int, outputs: int, *, compress: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, outputs, (b.kernel, 1), (b.stride, 1), (b.padding, 0)) for b in BANDS
        )
        self.refiners = nn.ModuleList(
            nn.Sequential(*(ConvModule(outputs, outputs // compress) for _ in range(band.depth)))
            for band in BANDS
        )
        self.mixer = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (batch, inputs, bins, columns) to two of (batch, outputs, fewer bins, columns).

        The first goes on downwards, the second across to the decoder.
        """
        parts = []
        pieces = torch.split(x, band_sizes(x.shape[2]), dim=2)
        for band, piece, conv, refine in zip(BANDS, pieces, self.convs, self.refiners, strict=True):
            y = conv(functional.pad(piece, (0, 0, 0, -piece.shape[2] % band.stride)))
            batch, channels, bins, columns = y.shape
            rows = y.transpose(1, 2).reshape(batch * bins, channels, columns)
            rows = refine(rows).reshape(batch, bins, channels, columns)
            parts.append(functional.gelu(rows.transpose(1, 2)))
        skip = torch.cat(parts, dim=2)
        return self.mixer(skip), skip


class SparseUp(nn.Module):
    """Fuse with the encoder's features, then undo :class:`SparseDown`'s compression."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fuse = nn.Sequential(nn.Conv2d(2 * inputs, 2 * inputs, 3, padding=1), nn.GLU(dim=1))
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, (b.kernel, 1), (b.stride, 1), (b.padding, 0))
            for b in BANDS
        )

    def forward(self, x: Tensor, skip: Tensor, *, bins: int) -> Tensor:
        """Map (batch, inputs, fewer bins, columns) to (batch, outputs, `bins`, columns)."""
        fused = self.fuse((x + skip).repeat(1, 2, 1, 1))
        pieces = torch.split(fused, compressed_sizes(bins), dim=2)
        bands = [
            conv(piece)[:, :, :size]
            for conv, piece, size in zip(self.convs, pieces, band_sizes(bins), strict=True)
        ]
        return torch.cat(bands, dim=2)


class PathLSTM(nn.Module):
    """Normalise, run a two-way LSTM along the last axis, project back, add."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.lstm = nn.LSTM(channels, channels, batch_first=True, bidirectional=True)
        self.project = nn.Linear(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, rows, steps) to the same shape."""
        batch, channels, rows, steps = x.shape
        sequences = self.norm(x).permute(0, 2, 3, 1).reshape(batch * rows, steps, channels)
        kind = x.device.type
        # oneDNN has no bfloat16 LSTM on many CPUs, so there autocast pauses; GPUs have one.
        with torch.autocast(kind, enabled=kind != "cpu" and torch.is_autocast_enabled(kind)):
            y: Tensor = self.project(self.lstm(sequences.to(self.project.weight.dtype))[0])
        return x + y.reshape(batch, rows, steps, channels).permute(0, 3, 1, 2)


class DualPath(nn.Module):
    """One layer of the separator: along frequency, then along time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.along_frequency = PathLSTM(channels)
        self.along_time = PathLSTM(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, bins, columns) to the same shape."""
        x = self.along_frequency(x.transpose(2, 3)).transpose(2, 3)
        y: Tensor = self.along_time(x)
        return y


class Separator(nn.Module):
    """Dual-path layers, every second one on the Fourier transform along time of the features."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DualPath(channels * (1 + i % 2)) for i in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, bins, columns) to the same shape."""
        columns = x.shape[-1]
        for i, layer in enumerate(self.layers):
            # Real and imaginary parts side by side: twice the channels, half the columns.
            if i % 2:
                modulation = torch.fft.rfft(_at_least_float32(x), norm="ortho")
                y = layer(torch.cat([modulation.real, modulation.imag], dim=1))
                real, imaginary = _at_least_float32(y).chunk(2, dim=1)
                x = torch.fft.irfft(torch.complex(real, imaginary), n=columns, norm="ortho")
            else:
                x = layer(x)
        return x


def _at_least_float32(x: Tensor) -> Tensor:
    """Autocast may hand over half precision, which Fourier transforms do not take."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@register("scnet")
class SCNet(SeparationModel):
    """Sparse-compression network: all stems in one pass, as complex spectra.

    Parameters
    ----------
    stems : names of the outputs
    channels : of the audio; 1 or 2, seen together
    widths : feature channels after each compression; (16, 32, 64) is 2.7 M parameters,
        (32, 64, 128) the paper's 10 M
    dual_path_layers : recurrent layers between encoder and decoder
    compress : bottleneck factor of the convolution modules
    n_fft, hop_frames : of the STFT, in frames
    sample_rate : Hz
    segment_seconds : length of audio that one forward pass should see

    Source: Tong et al., "SCNet: Sparse Compression Network for Music Source Separation",
    ICASSP 2024.

    Examples
    --------
    >>> model = SCNet(stems=["vocals", "violin"], widths=(4, 4, 4), n_fft=256, hop_frames=64)
    >>> model(torch.randn(1, 2, 5000)).shape
    torch.Size([1, 2, 2, 5000])
    """

    def __init__(
        self,
        *,
        stems: Sequence[str] = DEFAULT_STEMS,
        channels: int = 2,
        widths: Sequence[int] = (32, 64, 128),
        dual_path_layers: int = 6,
        compress: int = 4,
        n_fft: int = 4096,
        hop_frames: int = 1024,
        sample_rate: int = 44100,
        segment_seconds: float = 11.0,
    ) -> None:
        super().__init__()
        self.config = {
            "stems": list(stems),
            "channels": channels,
            "widths": list(widths),
            "dual_path_layers": dual_path_layers,
            "compress": compress,
            "n_fft": n_fft,
            "hop_frames": hop_frames,
            "sample_rate": sample_rate,
            "segment_seconds": segment_seconds,
        }
        self.stems = tuple(stems)
        self.channels: int = channels
        self.sample_rate = sample_rate
        self.segment_seconds = segment_seconds
        self.n_fft = n_fft
        self.hop_frames = hop_frames
        self.bins = [n_fft // 2 + 1]
        if not 0 < hop_frames <= n_fft // 2 or min(band_sizes(self.bins[0])) < 1:
            raise ValueError(
                f"n_fft ({n_fft}) must be over 3 and hop_frames ({hop_frames}) at most half of it"
            )
        for _ in widths:
            self.bins.append(sum(compressed_sizes(self.bins[-1])))
        ins = [2 * channels, *widths[:-1]]
        outs = [2 * channels * len(self.stems), *widths[:-1]]
        self.downs = nn.ModuleList(
            SparseDown(i, width, compress=compress) for i, width in zip(ins, widths, strict=True)
        )
        self.separator = Separator(widths[-1], dual_path_layers)
        self.ups = nn.ModuleList(SparseUp(width, o) for o, width in zip(outs, widths, strict=True))

    def forward(self, mixture: Tensor) -> Tensor:
        """Separate `mixture`, (batch, channels, frames), into (batch, stems, channels, frames)."""
        batch, _, frames = mixture.shape
        spectrum = stft(mixture, n_fft=self.n_fft, hop_frames=self.hop_frames)
        # (batch, channels, bins, columns) complex -> (batch, channels * 2, bins, columns) real
        parts = torch.view_as_real(spectrum).movedim(-1, 2).flatten(1, 2)
        mean = parts.mean(dim=(1, 2, 3), keepdim=True)
        deviation = parts.std(dim=(1, 2, 3), keepdim=True)
        x = (parts - mean) / deviation.clamp_min(_SMALLEST_DEVIATION)
        y = self.network(x).to(mixture.dtype) * deviation + mean
        y = y.reshape(batch, len(self.stems), self.channels, 2, *y.shape[-2:])
        stems = torch.view_as_complex(y.movedim(3, -1).contiguous())
        return istft(stems, n_fft=self.n_fft, hop_frames=self.hop_frames, frames=frames)

    def network(self, x: Tensor) -> Tensor:
        """Map (batch, channels * 2, bins, columns) to (batch, stems * channels * 2, same, same)."""
        skips = []
        for down in self.downs:
            x, skip = down(x)
            skips.append(skip)
        x = self.separator(x)
        for up, bins in zip(reversed(self.ups), reversed(self.bins[:-1]), strict=True):
            x = up(x, skips.pop(), bins=bins)
        return x
