"""A lean mask network on quarter-tone bands: the architecture of the bundled model.

A 4096-point spectrum has far more bins than a mask needs: bands one bin wide at the bottom and
1/48 octave wide above resolve the harmonics that a mask has to tell apart. The network
therefore sees band powers, a U-Net of convolutions, frequency-wide linear layers (TFC-TDF;
Choi et al., ISMIR 2020) and GRUs along time gives one softmax mask per stem, and the masks are
spread back over the bins. The stems sum to the mixture by construction, every channel gets the same
mask (the stereo image stays), and any number of channels works.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carnatic_sep.audio.spectral import istft, stft
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.registry import register
from carnatic_sep.stems import DEFAULT_STEMS

VIEWS = (1.0, 15 / 16, 17 / 16)
"""Lengths of the windows that :meth:`BandUNet.forward` may use, the network's own being 1."""


def band_edges(
    *, n_fft: int, sample_rate: int, bands_per_octave: int, fine_hz: float
) -> np.ndarray:
    """Centres of the bands in Hz, (bands,): a bin apart, then logarithmic, coarser above `fine_hz`.

    The bands are `bands_per_octave` to the octave up to `fine_hz`, 12 above.
    """
    bin_hz = sample_rate / n_fft
    centres = [0.0]
    while centres[-1] < sample_rate / 2:
        per_octave = bands_per_octave if centres[-1] < fine_hz else 12
        centres.append(centres[-1] + max(bin_hz, centres[-1] * (2 ** (1 / per_octave) - 1)))
    return np.array(centres)


def band_matrix(centres: np.ndarray, *, n_fft: int, sample_rate: int) -> Tensor:
    """Triangular weights, (bands, bins); every column sums to one, so masks spread back exactly."""
    frequencies = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    lower = np.clip(np.searchsorted(centres, frequencies, side="right") - 1, 0, len(centres) - 2)
    share = (frequencies - centres[lower]) / (centres[lower + 1] - centres[lower])
    weights = np.zeros((len(centres), len(frequencies)), dtype=np.float32)
    column = np.arange(len(frequencies))
    weights[lower, column] = 1 - share
    weights[lower + 1, column] = share
    return torch.from_numpy(weights)


class Bands(nn.Module):
    """Pools bins into bands and spreads band masks back over the bins.

    The matrix is banded, so both ways work on blocks along its diagonal.
    """

    weights: Tensor

    def __init__(self, weights: Tensor, blocks: int = 10) -> None:
        super().__init__()
        self.register_buffer("weights", weights, persistent=False)
        bands = len(weights)
        self.blocks: list[tuple[slice, slice]] = []
        for index in range(blocks):
            rows = slice(index * bands // blocks, (index + 1) * bands // blocks)
            used = torch.nonzero(weights[rows].sum(dim=0)).flatten()
            self.blocks.append((rows, slice(int(used[0]), int(used[-1]) + 1)))

    def pool(self, bins: Tensor) -> Tensor:
        """(..., bins, columns) -> (..., bands, columns)."""
        parts = [self.weights[rows, span] @ bins[..., span, :] for rows, span in self.blocks]
        return torch.cat(parts, dim=-2)

    def spread(self, bands: Tensor) -> Tensor:
        """(..., bands, columns) -> (..., bins, columns); ones stay ones."""
        rows_last = bands.transpose(-1, -2)  # as an STFT lies in memory, a column in one piece
        bins = bands.new_zeros(*rows_last.shape[:-1], self.weights.shape[1])
        for rows, span in self.blocks:
            bins[..., span] += rows_last[..., rows] @ self.weights[rows, span]
        return bins.transpose(-1, -2)


class FrequencyMixer(nn.Module):
    """Bottlenecked linear layers along frequency: each band hears all others (TDF)."""

    def __init__(self, channels: int, bands: int, bottleneck: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.down = nn.Linear(bands, bands // bottleneck)
        self.up = nn.Linear(bands // bottleneck, bands)

    def forward(self, x: Tensor) -> Tensor:
        """Mix (batch, channels, columns, bands) along its last axis; same shape."""
        mixed: Tensor = self.up(torch.relu(self.down(self.norm(x))))
        return x + mixed


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut, then the frequency mixer."""

    def __init__(self, inputs: int, outputs: int, bands: int, bottleneck: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.mixer = FrequencyMixer(outputs, bands, bottleneck)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, columns, bands) -> (batch, outputs, columns, bands)."""
        y = torch.relu(self.first_norm(self.first(x)))
        y = torch.relu(self.second_norm(self.second(y)) + self.shortcut(x))
        mixed: Tensor = self.mixer(y)
        return mixed


class TimePath(nn.Module):
    """A bidirectional GRU along time that all bands share: how a partial sways and begins.

    It adds nothing at first, so a trained network can be given one without harm. (The path along
    time of a dual-path network, Luo et al., ICASSP 2020, in a U-Net: Chen et al., ICASSP 2024.)
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.rnn = nn.GRU(channels, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Mix (batch, channels, columns, bands) along its columns; same shape."""
        batch, channels, columns, bands = x.shape
        rows = self.norm(x).permute(0, 3, 2, 1).reshape(batch * bands, columns, channels)
        y: Tensor = self.out(self.rnn(rows)[0])
        return x + y.reshape(batch, bands, columns, channels).permute(0, 3, 2, 1)


class TimeMixer(nn.Module):
    """A bidirectional GRU over the coarsest columns: what the ear calls context."""

    def __init__(self, channels: int, bands: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.rnn = nn.GRU(channels * bands, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, channels * bands)

    def forward(self, x: Tensor) -> Tensor:
        """Mix (batch, channels, columns, bands) along its columns; same shape."""
        batch, channels, columns, bands = x.shape
        rows = self.norm(x).permute(0, 2, 1, 3).reshape(batch, columns, channels * bands)
        y: Tensor = self.out(self.rnn(rows)[0])
        return x + y.reshape(batch, columns, channels, bands).permute(0, 2, 1, 3)


@register("band_unet")
class BandUNet(SeparationModel):
    """Band powers in, softmax masks out.

    Parameters
    ----------
    stems : names of the outputs
    sample_rate : Hz
    n_fft, hop_frames : STFT of the mixture (periodic Hann)
    bands_per_octave, fine_hz : resolution of the bands, and the frequency where it drops to 12
    widths : channels of the convolutions, finest scale first; each scale halves columns and bands
    bottleneck : factor by which the frequency mixers narrow
    hidden : width of the GRU at the coarsest scale
    time_paths : widths of the GRUs along time at the other scales, finest first; 0 is none, as are
        those not named
    segment_seconds : audio of one forward pass
    """

    def __init__(
        self,
        *,
        stems: tuple[str, ...] | list[str] = DEFAULT_STEMS,
        sample_rate: int = 44100,
        n_fft: int = 4096,
        hop_frames: int = 1024,
        bands_per_octave: int = 48,
        fine_hz: float = 8000.0,
        widths: tuple[int, ...] | list[int] = (16, 40, 80, 128, 160),
        bottleneck: int = 4,
        hidden: int = 192,
        time_paths: tuple[int, ...] | list[int] = (),
        segment_seconds: float = 8.0,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "stems": list(stems),
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_frames": hop_frames,
            "bands_per_octave": bands_per_octave,
            "fine_hz": fine_hz,
            "widths": list(widths),
            "bottleneck": bottleneck,
            "hidden": hidden,
            "time_paths": list(time_paths),
            "segment_seconds": segment_seconds,
        }
        self.stems = tuple(stems)
        self.sample_rate = sample_rate
        self.channels = None
        self.most_views = len(VIEWS)
        self.segment_seconds = segment_seconds
        self.n_fft = n_fft
        self.hop_frames = hop_frames

        centres = band_edges(
            n_fft=n_fft,
            sample_rate=sample_rate,
            bands_per_octave=bands_per_octave,
            fine_hz=fine_hz,
        )
        self.bands = Bands(band_matrix(centres, n_fft=n_fft, sample_rate=sample_rate))
        scales = len(widths) - 1
        self.multiple = 2**scales
        self.band_count = -(-len(centres) // self.multiple) * self.multiple
        sizes = [self.band_count // 2**scale for scale in range(scales + 1)]

        self.band_gain = nn.Parameter(torch.ones(self.band_count))
        self.band_bias = nn.Parameter(torch.zeros(self.band_count))
        self.stem_in = nn.Conv2d(1, widths[0], (3, 5), padding=(1, 2))
        self.encoders = nn.ModuleList(
            Block(width, width, size, bottleneck)
            for width, size in zip(widths[:-1], sizes, strict=False)
        )
        self.downs = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths)
        )
        self.middle = Block(widths[-1], widths[-1], sizes[-1], 2)
        self.time = TimeMixer(widths[-1], sizes[-1], hidden)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairwise(widths)
        )
        self.decoders = nn.ModuleList(
            Block(2 * width, width, size, bottleneck)
            for width, size in zip(widths[:-1], sizes, strict=False)
        )
        if len(time_paths) > scales:
            raise ValueError(f"time_paths: {len(time_paths)} of them for {scales} scales")
        time_paths = [*time_paths, *[0] * (scales - len(time_paths))]
        self.encoder_paths = nn.ModuleList(
            TimePath(width, path) if path else nn.Identity()
            for width, path in zip(widths[:-1], time_paths, strict=True)
        )
        self.decoder_paths = nn.ModuleList(
            TimePath(width, path) if path else nn.Identity()
            for width, path in zip(widths[:-1], time_paths, strict=True)
        )
        self.head = nn.Conv2d(widths[0], len(self.stems), (1, 3), padding=(0, 1))

    def masks(self, power: Tensor) -> Tensor:
        """Masks for band powers: (batch, bands, columns) -> (batch, stems, bands, columns)."""
        bands, columns = power.shape[1:]
        level = power.mean(dim=(1, 2), keepdim=True)
        x = torch.log10(power / (level + 1e-12) + 1e-6)
        pad_columns = -columns % self.multiple
        x = nn.functional.pad(x, (0, pad_columns, 0, self.band_count - bands), value=-6.0)
        # (batch, 1, columns, bands): frequency last, so that the linear layers find it
        x = (x.transpose(1, 2) * self.band_gain + self.band_bias)[:, None]
        x = torch.relu(self.stem_in(x))
        skips = []
        for encoder, path, down in zip(self.encoders, self.encoder_paths, self.downs, strict=True):
            x = path(encoder(x))
            skips.append(x)
            x = down(x)
        x = self.time(self.middle(x))
        for up, decoder, path in zip(
            reversed(self.ups), reversed(self.decoders), reversed(self.decoder_paths), strict=True
        ):
            x = path(decoder(torch.cat([skips.pop(), up(x)], dim=1)))
        logits = self.head(x)[:, :, :columns, :bands]
        return torch.softmax(logits.float(), dim=1).transpose(2, 3)

    def forward(self, mixture: Tensor, views: int = 1) -> Tensor:
        """Separate (batch, channels, frames) into (batch, stems, channels, frames).

        With several `views` the mixture is analysed with windows of other lengths too, which to
        the network is the same music higher and faster, or lower and slower; the estimates are
        averaged.
        """
        total = self._view(mixture, VIEWS[0])
        for ratio in VIEWS[1:views]:
            total = total + self._view(mixture, ratio)
        return total / views

    def _view(self, mixture: Tensor, ratio: float) -> Tensor:
        """Separate with windows `ratio` times as long as the network's own."""
        hop_frames = round(self.hop_frames * ratio)
        n_fft = self.n_fft // self.hop_frames * hop_frames
        spectrum = stft(mixture, n_fft=n_fft, hop_frames=hop_frames)
        power = (spectrum.real.square() + spectrum.imag.square()).mean(dim=1)
        missing = self.n_fft // 2 - n_fft // 2  # bins; above the network's last one if negative
        masks = self.masks(self.bands.pool(nn.functional.pad(power, (0, 0, 0, missing))))
        bins = self.bands.spread(masks[:, :-1])  # they sum to one: the last stem is what is left
        if missing > 0:
            bins = bins[..., :-missing, :]
        elif missing < 0:
            bins = torch.cat([bins, bins[..., -1:, :].expand(*bins.shape[:-2], -missing, -1)], -2)
        # one stem at a time: so much memory is kept for the next, more is asked of the system anew
        stems = [
            istft(spectrum * mask, n_fft=n_fft, hop_frames=hop_frames, frames=mixture.shape[-1])
            for mask in bins[:, :, None].unbind(dim=1)
        ]
        return torch.stack([*stems, mixture - sum(stems)], dim=1)
