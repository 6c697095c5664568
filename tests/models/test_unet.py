"""Spleeter's U-Net against Spleeter itself, a direct 'same' convolution, and closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from carnatic_sep.models.registry import build
from carnatic_sep.models.unet import (
    HOP_FRAMES,
    N_FFT,
    SEGMENT_COLUMNS,
    SameConv,
    SameDeconv,
    SpleeterUNet,
    analyse,
    synthesise,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "spleeter_small"
PIECES = ((0, 4000), (26000, 34000), (56000, 60000))  # as in the fixtures' convert.py
SMALL = (4, 8, 8, 16, 16, 16)
ELU: dict[str, Any] = {"encoder_activation": "elu", "decoder_activation": "elu"}
MODELS: dict[str, dict[str, Any]] = {
    "2stems": {"stems": ["vocals", "accompaniment"]},
    "4stems": {"stems": ["vocals", "drums", "bass", "other"], **ELU},
    "5stems": {"stems": ["vocals", "piano", "drums", "bass", "other"], "output": "softmax", **ELU},
}


def keras_name(layer: str, number: int) -> str:
    """Keras numbers the unnamed layers of a graph; the first has no number."""
    return f"{layer}_{number}" if number else layer


def state_from_tensorflow(variables: dict[str, np.ndarray], *, stems: int) -> dict[str, Tensor]:
    """Our state from Spleeter's variables: kernels (h, w, a, b) become (b, a, h, w)."""
    state = {}

    def put(ours: str, layer: str) -> None:
        names = {
            "kernel": "weight",
            "bias": "bias",
            "gamma": "weight",
            "beta": "bias",
            "moving_mean": "running_mean",
            "moving_variance": "running_var",
        }
        for theirs, name in names.items():
            if f"{layer}/{theirs}" in variables:
                tensor = torch.from_numpy(variables[f"{layer}/{theirs}"])
                state[f"{ours}.{name}"] = (
                    tensor.permute(3, 2, 0, 1) if theirs == "kernel" else tensor
                )

    for i in range(stems):
        for k in range(6):
            put(f"nets.{i}.encoder.{k}", keras_name("conv2d", 7 * i + k))
            put(f"nets.{i}.decoder.{k}", keras_name("conv2d_transpose", 6 * i + k))
            put(f"nets.{i}.decoder_norms.{k}", keras_name("batch_normalization", 12 * i + 6 + k))
            if k < 5:
                put(f"nets.{i}.encoder_norms.{k}", keras_name("batch_normalization", 12 * i + k))
        put(f"nets.{i}.last", keras_name("conv2d", 7 * i + 6))
    return state


def snr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    error = np.sum((reference.astype(float) - estimate) ** 2)
    return float(10 * np.log10(np.sum(reference.astype(float) ** 2) / error))


@pytest.mark.parametrize(
    ("name", "mask_extension"),
    [("2stems", "zeros"), ("2stems", "average"), ("4stems", "zeros"), ("5stems", "zeros")],
)
def test_agrees_with_spleeter_beyond_90_db(name: str, mask_extension: str) -> None:
    stored = dict(np.load(FIXTURES / f"{name}.npz"))
    model = build("unet", filters=list(SMALL), mask_extension=mask_extension, **MODELS[name]).eval()
    state = state_from_tensorflow(stored, stems=len(model.stems))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(key.endswith("num_batches_tracked") for key in missing)
    mixture = np.load(FIXTURES / "input.npz")["mixture"]
    with torch.inference_mode():
        stems = model(torch.from_numpy(mixture.T.copy())[None])[0].numpy()
    assert stems.shape == (len(model.stems), 2, len(mixture))
    for stem, estimate in zip(model.stems, stems, strict=True):
        expected = stored[f"expected/{mask_extension}/{stem}"]
        kept = np.concatenate([estimate.T[start:stop] for start, stop in PIECES])
        assert snr_db(expected, kept) > 90, stem


def direct_same_conv(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """TensorFlow's definition of 'same' for stride 2, one output position at a time.

    x (channels, h, w), kernel (out, channels, k, k). The total padding is
    max((ceil(n / 2) - 1) * 2 + k - n, 0), and the smaller half goes in front.
    """
    k = kernel.shape[-1]
    sizes = [-(-n // 2) for n in x.shape[1:]]
    pads = [max((o - 1) * 2 + k - n, 0) for o, n in zip(sizes, x.shape[1:], strict=True)]
    padded = np.pad(x, [(0, 0), *((p // 2, p - p // 2) for p in pads)])
    out = np.zeros((len(kernel), *sizes))
    for row in range(sizes[0]):
        for column in range(sizes[1]):
            patch = padded[:, 2 * row : 2 * row + k, 2 * column : 2 * column + k]
            out[:, row, column] = np.tensordot(kernel, patch, axes=3)
    return out


def test_convolution_pads_as_tensorflow_does() -> None:
    conv = SameConv(2, 3).double()
    x = torch.randn(2, 6, 8, dtype=torch.float64)
    ours = conv(x[None])[0] - conv.bias[:, None, None]
    expected = direct_same_conv(x.numpy(), conv.weight.detach().numpy())
    assert np.allclose(ours.detach().numpy(), expected, atol=1e-12)


def test_deconvolution_is_the_transpose_of_the_convolution() -> None:
    conv, deconv = SameConv(2, 3).double(), SameDeconv(3, 2).double()
    with torch.no_grad():
        deconv.weight.copy_(conv.weight)
        conv.bias.zero_()
        deconv.bias.zero_()
    x = torch.randn(1, 2, 8, 6, dtype=torch.float64)
    y = torch.randn(1, 3, 4, 3, dtype=torch.float64)
    assert deconv(y).shape == x.shape
    assert torch.allclose((conv(x) * y).sum(), (x * deconv(y)).sum(), atol=1e-10)


def even_split(**options: Any) -> SpleeterUNet:
    """A model whose logits are all 0, so that every mask is 1 / stems by symmetry."""
    model = SpleeterUNet(stems=["a", "b", "c"], filters=[1] * 6, **options).eval()
    for net in model.nets:
        for parameter in net.last.parameters():
            torch.nn.init.zeros_(parameter)
    return model


@settings(deadline=None, max_examples=8)
@given(frames=st.integers(1, 30_000), batch=st.integers(1, 2))
def test_equal_masks_return_equal_shares_of_the_mixture(frames: int, batch: int) -> None:
    mixture = torch.randn(batch, 2, frames, generator=torch.Generator().manual_seed(frames))
    with torch.inference_mode():
        stems = even_split(mask_extension="average", output="softmax")(mixture)
    assert stems.shape == (batch, 3, 2, frames)
    assert torch.allclose(stems, mixture[:, None].expand_as(stems) / 3, atol=2e-6)


def test_silence_gives_silence() -> None:
    with torch.inference_mode():
        stems = even_split()(torch.zeros(1, 2, 5000))
    assert torch.count_nonzero(stems) == 0


@pytest.mark.parametrize(("frequency_bins", "hertz"), [(1024, 11025.0), (1536, 16537.5)])
def test_zeros_extension_cuts_at_f_bins(frequency_bins: int, hertz: float) -> None:
    model = even_split(frequency_bins=frequency_bins)
    noise = torch.randn(1, 2, 44100, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        total = model(noise).sum(dim=1)
    spectrum, mixture = torch.fft.rfft(total).abs(), torch.fft.rfft(noise).abs()
    above = slice(int(hertz) + 50, None)  # one second of audio: bins are 1 Hz wide
    below = slice(0, int(hertz) - 50)
    assert spectrum[..., above].square().sum() < 1e-4 * mixture[..., above].square().sum()
    assert torch.allclose(
        spectrum[..., below].square().sum(), mixture[..., below].square().sum(), rtol=1e-2
    )


def test_segments_are_independent() -> None:
    model = build("unet", stems=["a", "b"], filters=[2] * 6).eval()
    magnitudes = torch.rand(2, 2, SEGMENT_COLUMNS + 7, N_FFT // 2 + 1)
    with torch.inference_mode():
        together = model.masks(magnitudes)
        first = model.masks(magnitudes[:, :, :SEGMENT_COLUMNS])
        rest = model.masks(magnitudes[:, :, SEGMENT_COLUMNS:])
    assert torch.allclose(together, torch.cat([first, rest], dim=3), atol=1e-5)


def test_segment_seconds_fill_exactly_one_segment() -> None:
    model = even_split()
    frames = round(model.segment_seconds * model.sample_rate)
    assert -(-(frames + N_FFT) // HOP_FRAMES) == SEGMENT_COLUMNS
    assert -(-(frames + 1 + N_FFT) // HOP_FRAMES) == SEGMENT_COLUMNS + 1


@pytest.mark.parametrize("frames", [1, 1000, 4096, 5121])
def test_analysis_inverts_and_matches_a_direct_transform(frames: int) -> None:
    audio = torch.randn(2, frames, dtype=torch.float64)
    spectrum = analyse(audio)
    assert spectrum.shape == (2, -(-(frames + N_FFT) // HOP_FRAMES), N_FFT // 2 + 1)
    assert torch.allclose(synthesise(spectrum, frames=frames), audio, atol=1e-12)
    column = 4  # starts at the first sample of the audio
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    piece = np.pad(audio.numpy(), ((0, 0), (0, N_FFT)))[:, :N_FFT] * window
    assert np.allclose(spectrum[:, column].numpy(), np.fft.rfft(piece), atol=1e-9)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_gradient_reaches_every_parameter(output: str) -> None:
    torch.manual_seed(0)
    model = build("unet", stems=["a", "b"], filters=[2] * 6, output=output, **ELU)
    model(torch.randn(1, 2, 20_000)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_full_size_has_spleeters_number_of_weights() -> None:
    """Spleeter stores 9,826,759 numbers a stem, an unused batch norm (4 x 512) among them."""
    model = build("unet", stems=["vocals"])
    numbers = sum(t.numel() for t in model.state_dict().values() if t.is_floating_point())
    assert numbers == 9_826_759 - 4 * 512


@pytest.mark.parametrize(
    "options",
    [
        {"encoder_activation": "relu"},
        {"decoder_activation": "gelu"},
        {"output": "tanh"},
        {"mask_extension": "ones"},
        {"frequency_bins": 1000},
        {"frequency_bins": 4096},
        {"stems": []},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        SpleeterUNet(**{"stems": ["a"], "filters": [1] * 6, **options})
