"""Spleeter's U-Net separator, tensor for tensor (Hennequin et al., JOSS 2020).

One U-Net per stem estimates that stem's magnitude spectrogram from the mixture's; ratio masks from
all estimates filter the mixture. Every convention (padding, window, epsilon) is Spleeter's, so that
its official weights give its official output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.registry import register

N_FFT = 4096
HOP_FRAMES = 1024
SEGMENT_COLUMNS = 512
FILTERS = (16, 32, 64, 128, 256, 512)
_BATCH_NORM_EPSILON = 1e-3
_MASK_EPSILON = 1e-10
_HANN_SQUARED_SUM = 1.5  # squared periodic Hann windows at a hop of a quarter add up to this
_CHANNELS = 2

EncoderActivation = Literal["leaky_relu", "elu"]
DecoderActivation = Literal["relu", "elu"]
Output = Literal["sigmoid", "softmax"]
MaskExtension = Literal["zeros", "average"]


class SameConv(nn.Conv2d):
    """5x5 convolution, stride 2, TensorFlow's 'same' padding of even sizes: 1 before, 2 after."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5, stride=2)

    def forward(self, input: Tensor) -> Tensor:
        """Map (batch, inputs, 2 h, 2 w) to (batch, outputs, h, w)."""
        return super().forward(functional.pad(input, (1, 2, 1, 2)))


class SameDeconv(nn.ConvTranspose2d):
    """The transpose of :class:`SameConv`: of its full output, 1 is cropped before and 2 after."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5, stride=2, padding=1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (batch, inputs, h, w) to (batch, outputs, 2 h, 2 w)."""
        return super().forward(input, output_size)[..., :-1, :-1]


class StemUNet(nn.Module):
    """The U-Net of one stem: from mixture magnitudes to logits."""

    def __init__(
        self,
        *,
        filters: Sequence[int],
        encoder_activation: EncoderActivation,
        decoder_activation: DecoderActivation,
    ) -> None:
        super().__init__()
        ins, outs = [_CHANNELS, *filters[:-1]], list(filters)
        self.encoder = nn.ModuleList(SameConv(i, o) for i, o in zip(ins, outs, strict=True))
        self.encoder_norms = nn.ModuleList(_norm(width) for width in filters[:-1])
        ups = [*reversed(filters[:-1]), 1]
        ins = [filters[-1], *(2 * width for width in ups[:-1])]
        self.decoder = nn.ModuleList(SameDeconv(i, o) for i, o in zip(ins, ups, strict=True))
        self.decoder_norms = nn.ModuleList(_norm(width) for width in ups)
        self.last = nn.Conv2d(1, _CHANNELS, 4, dilation=2, padding=3)
        self.encoder_activation = (
            nn.LeakyReLU(0.2) if encoder_activation == "leaky_relu" else nn.ELU()
        )
        self.decoder_activation = nn.ReLU() if decoder_activation == "relu" else nn.ELU()

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Map (batch, 2, time, frequency) to the same shape; 2 ** len(filters) divides sizes."""
        x = magnitudes
        skips: list[Tensor] = []
        for conv, norm in zip(self.encoder, [*self.encoder_norms, None], strict=True):
            x = conv(x)
            if norm is not None:  # the deepest convolution goes on raw
                skips.append(x)
                x = self.encoder_activation(norm(x))
        for deconv, norm in zip(self.decoder, self.decoder_norms, strict=True):
            x = norm(self.decoder_activation(deconv(x)))
            if skips:
                x = torch.cat([skips.pop(), x], dim=1)
        logits: Tensor = self.last(x)
        return logits


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=_BATCH_NORM_EPSILON)


@register("unet")
class SpleeterUNet(SeparationModel):
    """Spleeter's separator: STFT, one U-Net per stem, ratio masks, inverse STFT.

    Parameters
    ----------
    stems : one U-Net each, in the order of Spleeter's ``instrument_list``
    filters : output channels of the encoder, outermost first
    encoder_activation, decoder_activation : Spleeter's ``conv_activation``, ``deconv_activation``
    output : "sigmoid" gates each stem by itself (2 and 4 stems); "softmax" shares the mixture out
        among the stems (5 stems)
    frequency_bins : Spleeter's F, the lowest bins that the U-Nets see (1024: 11 kHz, 1536: 16 kHz)
    mask_extension : what masks are above those bins: 0, or their mean over the bins below
    separation_exponent : the power of the estimates that masks are ratios of
    sample_rate : Hz

    Source: Hennequin et al., "Spleeter: a fast and efficient music source separation tool with
    pre-trained models", JOSS 2020; conventions as in its TensorFlow code, version 2.4.2.

    Examples
    --------
    >>> model = SpleeterUNet(stems=["vocals", "accompaniment"], filters=[1, 1, 1, 1, 1, 1]).eval()
    >>> model(torch.zeros(1, 2, 1000)).shape
    torch.Size([1, 2, 2, 1000])
    """

    def __init__(
        self,
        *,
        stems: Sequence[str],
        filters: Sequence[int] = FILTERS,
        encoder_activation: EncoderActivation = "leaky_relu",
        decoder_activation: DecoderActivation = "relu",
        output: Output = "sigmoid",
        frequency_bins: int = 1024,
        mask_extension: MaskExtension = "zeros",
        separation_exponent: float = 2.0,
        sample_rate: int = 44100,
    ) -> None:
        super().__init__()
        _check_choice("encoder_activation", encoder_activation, ("leaky_relu", "elu"))
        _check_choice("decoder_activation", decoder_activation, ("relu", "elu"))
        _check_choice("output", output, ("sigmoid", "softmax"))
        _check_choice("mask_extension", mask_extension, ("zeros", "average"))
        divisor = 2 ** len(filters)
        if not 0 < frequency_bins <= N_FFT // 2 or frequency_bins % divisor or not stems:
            raise ValueError(
                f"stems ({list(stems)}) must not be empty and frequency_bins ({frequency_bins}) "
                f"must be divisible by {divisor} and at most {N_FFT // 2}"
            )
        self.config = {
            "stems": list(stems),
            "filters": list(filters),
            "encoder_activation": encoder_activation,
            "decoder_activation": decoder_activation,
            "output": output,
            "frequency_bins": frequency_bins,
            "mask_extension": mask_extension,
            "separation_exponent": separation_exponent,
            "sample_rate": sample_rate,
        }
        self.stems = tuple(stems)
        self.sample_rate = sample_rate
        self.channels = _CHANNELS
        # The longest mixture whose columns fill one segment; see `analyse` for the N_FFT.
        self.segment_seconds = (SEGMENT_COLUMNS * HOP_FRAMES - N_FFT) / sample_rate
        self.output = output
        self.frequency_bins = frequency_bins
        self.mask_extension = mask_extension
        self.separation_exponent = separation_exponent
        self.nets = nn.ModuleList(
            StemUNet(
                filters=filters,
                encoder_activation=encoder_activation,
                decoder_activation=decoder_activation,
            )
            for _ in stems
        )

    def forward(self, mixture: Tensor) -> Tensor:
        """Separate `mixture`, (batch, 2, frames), into (batch, stems, 2, frames)."""
        spectrum = analyse(mixture)
        masks = self.masks(spectrum.abs())
        return synthesise(masks * spectrum[:, None], frames=mixture.shape[-1])

    def masks(self, magnitudes: Tensor) -> Tensor:
        """Map magnitudes (batch, 2, columns, bins) to masks (batch, stems, 2, columns, bins)."""
        batch, channels, columns, bins = magnitudes.shape
        low = magnitudes[..., : self.frequency_bins]
        low = functional.pad(low, (0, 0, 0, -columns % SEGMENT_COLUMNS))
        # (batch, 2, segments * T, F) -> (batch * segments, 2, T, F): segments do not overlap
        segments = low.reshape(batch, channels, -1, SEGMENT_COLUMNS, self.frequency_bins)
        segments = segments.transpose(1, 2)
        estimates = self.estimates(segments.flatten(0, 1)).to(magnitudes.dtype)
        powers = estimates**self.separation_exponent
        total = powers.sum(dim=1, keepdim=True) + _MASK_EPSILON
        masks = (powers + _MASK_EPSILON / len(self.stems)) / total
        if self.mask_extension == "average":
            above = masks.mean(dim=-1, keepdim=True)
        else:
            above = torch.zeros_like(masks[..., :1])
        masks = torch.cat([masks, above.expand(*masks.shape[:-1], bins - self.frequency_bins)], -1)
        # (batch * segments, stems, 2, T, bins) -> (batch, stems, 2, segments * T, bins)
        masks = masks.reshape(batch, -1, *masks.shape[1:]).permute(0, 2, 3, 1, 4, 5).flatten(3, 4)
        return masks[..., :columns, :]

    def estimates(self, magnitudes: Tensor) -> Tensor:
        """Map mixture magnitudes (batch, 2, T, F) to stem magnitudes (batch, stems, 2, T, F)."""
        logits = torch.stack([net(magnitudes) for net in self.nets], dim=1)
        gates = logits.sigmoid() if self.output == "sigmoid" else logits.softmax(dim=1)
        return gates * magnitudes[:, None]


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{option} is {value!r}, but must be one of {', '.join(choices)}")


def analyse(audio: Tensor) -> Tensor:
    """Spleeter's STFT: an N_FFT of silence in front, no centring, periodic Hann.

    Parameters
    ----------
    audio : (..., frames), real

    Returns
    -------
    (..., columns, N_FFT // 2 + 1), complex, columns = ceil((frames + N_FFT) / HOP_FRAMES)
    """
    columns = math.ceil((audio.shape[-1] + N_FFT) / HOP_FRAMES)
    length = (columns - 1) * HOP_FRAMES + N_FFT
    padded = functional.pad(audio, (N_FFT, length - N_FFT - audio.shape[-1]))
    blocks = padded.unfold(-1, N_FFT, HOP_FRAMES)
    spectrum: Tensor = torch.fft.rfft(blocks * _hann(audio))
    return spectrum


def synthesise(spectrum: Tensor, *, frames: int) -> Tensor:
    """Invert :func:`analyse`; four windows cover every sample kept, so there is no edge to mend.

    Parameters
    ----------
    spectrum : (..., columns, N_FFT // 2 + 1), complex
    frames : length of the audio that was analysed

    Returns
    -------
    (..., frames), real
    """
    blocks = torch.fft.irfft(spectrum, n=N_FFT)
    blocks = blocks * (_hann(blocks) / _HANN_SQUARED_SUM)
    columns = blocks.shape[-2]
    parts = N_FFT // HOP_FRAMES
    # Part p of column c covers hop c + p of the result: (..., columns, parts, HOP_FRAMES)
    hops = blocks.reshape(*blocks.shape[:-1], parts, HOP_FRAMES)
    shifted = [
        functional.pad(hops[..., part, :], (0, 0, part, parts - 1 - part)) for part in range(parts)
    ]
    audio = torch.stack(shifted).sum(dim=0).flatten(-2)
    assert audio.shape[-1] == (columns + parts - 1) * HOP_FRAMES
    return audio[..., N_FFT : N_FFT + frames]


def _hann(like: Tensor) -> Tensor:
    return torch.hann_window(N_FFT, dtype=like.dtype, device=like.device)
