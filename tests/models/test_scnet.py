"""SCNet: shape arithmetic, size, gradients, and the symmetries that it should have."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from carnatic_sep.models.registry import build
from carnatic_sep.models.scnet import (
    SCNet,
    Separator,
    SparseDown,
    SparseUp,
    band_sizes,
    compressed_sizes,
)

TINY: dict[str, Any] = {"widths": (8, 8, 16), "dual_path_layers": 2, "n_fft": 256, "hop_frames": 64}


def tiny(**options: Any) -> SCNet:
    torch.manual_seed(0)
    return SCNet(**{"stems": ["vocals", "violin", "other"], **TINY, **options}).eval()


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_bins_shrink_as_the_paper_says() -> None:
    """2049 bins: ceil(0.175 x 2049) = 359 low, to ceil(0.567 x 2049) = 1162 middle, the rest high.

    Compressed by 1, 4 and 16, rounded up: 359 + 201 + 56 = 616; likewise 108 + 61 + 17 = 186 and
    33 + 19 + 5 = 57.
    """
    assert band_sizes(2049) == [359, 1162 - 359, 2049 - 1162]
    assert compressed_sizes(2049) == [359, 201, 56]
    assert compressed_sizes(616) == [108, 61, 17]
    assert compressed_sizes(186) == [33, 19, 5]


@settings(deadline=None, max_examples=25)
@given(bins=st.integers(3, 5000))
def test_bands_cover_all_bins(bins: int) -> None:
    assert sum(band_sizes(bins)) == bins
    for size, compressed, stride in zip(
        band_sizes(bins), compressed_sizes(bins), (1, 4, 16), strict=True
    ):
        assert (compressed - 1) * stride < size <= compressed * stride


@pytest.mark.parametrize(
    ("widths", "layers", "parameters"),
    [
        ((16, 32, 64), 6, 2.66e6),
        ((16, 32, 64), 4, 1.92e6),
        ((24, 48, 96), 6, 5.96e6),
        ((32, 64, 128), 6, 10.58e6),
    ],
)
def test_size_is_that_of_the_published_network(
    widths: tuple[int, ...], layers: int, parameters: float
) -> None:
    """Counts measured on the authors' code for three stems."""
    model = SCNet(stems=["a", "b", "c"], widths=widths, dual_path_layers=layers)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(parameters, rel=5e-3)


def test_full_resolution_bottleneck_has_57_bands() -> None:
    model = build("scnet", widths=[4, 4, 4], dual_path_layers=2)
    seen: list[torch.Size] = []
    model.separator.register_forward_hook(lambda _m, _in, out: seen.append(out.shape))
    with torch.inference_mode():
        stems = model(noise(1, 2, 10_000))
    assert seen == [(1, 4, 57, 10_000 // 1024 + 1)]
    assert stems.shape == (1, 4, 2, 10_000)


@settings(deadline=None, max_examples=20)
@given(frames=st.integers(1, 3000), batch=st.integers(1, 2), channels=st.integers(1, 2))
def test_output_has_the_inputs_length(frames: int, batch: int, channels: int) -> None:
    with torch.inference_mode():
        stems = tiny(channels=channels)(noise(batch, channels, frames))
    assert stems.shape == (batch, 3, channels, frames)
    assert torch.isfinite(stems).all()


def test_gradient_reaches_every_parameter() -> None:
    model = tiny()
    model(noise(2, 2, 2000)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("gain", [1e-3, 0.3, 100.0, -1.0])
def test_stems_scale_with_the_mixture(gain: float) -> None:
    """Normalised per item: any positive gain passes through; a negative one need not."""
    model, mixture = tiny().double(), noise(1, 2, 2000).double()
    with torch.inference_mode():
        matches = torch.allclose(model(gain * mixture) / gain, model(mixture), rtol=1e-6, atol=1e-9)
    assert matches == (gain > 0)


def test_silence_gives_silence() -> None:
    with torch.inference_mode():
        assert torch.count_nonzero(tiny()(torch.zeros(1, 2, 2000))) == 0


def test_items_of_a_batch_do_not_see_each_other() -> None:
    model, mixtures = tiny(), noise(3, 2, 1500)
    with torch.inference_mode():
        together = model(mixtures)
        alone = torch.cat([model(item[None]) for item in mixtures])
    assert torch.allclose(together, alone, atol=1e-5)


def test_without_recurrence_a_shift_by_hops_shifts_the_stems() -> None:
    """Convolutions and global norms commute with shifts; LSTMs and transforms along time do not."""
    model = tiny(dual_path_layers=0).double()
    hop, shift = TINY["hop_frames"], 5
    burst = noise(2, 20 * hop).double()
    mixture = torch.zeros(1, 2, 100 * hop, dtype=torch.float64)
    mixture[..., 40 * hop : 60 * hop] = burst
    moved = torch.roll(mixture, shift * hop, dims=-1)
    with torch.inference_mode():
        expected = torch.roll(model(mixture), shift * hop, dims=-1)
        stems = model(moved)
    inner = slice(30 * hop, 80 * hop)
    assert expected[..., inner].abs().max() > 1e-2
    assert torch.allclose(stems[..., inner], expected[..., inner], atol=1e-9)


def test_compression_keeps_bands_apart_until_the_mixer() -> None:
    down = SparseDown(2, 8, compress=4).double()
    low, middle, high = band_sizes(129)
    compressed = compressed_sizes(129)
    base = noise(1, 2, 129, 6).double()
    changed = base.clone()
    changed[:, :, low : low + middle] += 1
    with torch.inference_mode():
        (_, skip), (_, skip_changed) = down(base), down(changed)
    same = (skip == skip_changed).all(dim=3).all(dim=1)[0]
    expected = [True] * compressed[0] + [False] * compressed[1] + [True] * compressed[2]
    assert same.tolist() == expected
    assert high > 0


def test_decoder_restores_every_number_of_bins() -> None:
    up = SparseUp(4, 3)
    for bins in (20, 57, 129, 186):
        x = noise(1, 4, sum(compressed_sizes(bins)), 3)
        assert up(x, x, bins=bins).shape == (1, 3, bins, 3)


def test_separator_without_its_projections_is_the_identity() -> None:
    """With the residual branches silenced, the transforms along time must cancel exactly."""
    separator = Separator(4, layers=4).double()
    for name, parameter in separator.named_parameters():
        if "project" in name:
            torch.nn.init.zeros_(parameter)
    for columns in (1, 2, 7, 8):
        x = noise(2, 4, 5, columns).double()
        assert torch.allclose(separator(x), x, atol=1e-12)


def test_the_bottleneck_sees_the_whole_segment() -> None:
    """One sample at the start changes the stems at the end: the recurrences reach everywhere."""
    model, mixture = tiny().double(), noise(1, 2, 6400).double()
    changed = mixture.clone()
    changed[..., 100] += 1
    with torch.inference_mode():
        difference = (model(changed) - model(mixture)).abs()
    assert difference[..., -64:].max() > 1e-9


def test_half_precision_autocast_stays_finite() -> None:
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        stems = tiny()(noise(1, 2, 2000))
    assert stems.dtype == torch.float32
    assert torch.isfinite(stems).all()


def test_config_rebuilds_the_same_network() -> None:
    model = tiny(channels=1)
    again = build("scnet", **model.config)
    again.load_state_dict(model.state_dict())
    mixture = noise(1, 1, 1000)
    with torch.inference_mode():
        assert torch.equal(again.eval()(mixture), model(mixture))


@pytest.mark.parametrize(("n_fft", "hop_frames"), [(2, 1), (256, 0), (256, 129)])
def test_impossible_transforms_are_refused(n_fft: int, hop_frames: int) -> None:
    with pytest.raises(ValueError, match=rf"n_fft \({n_fft}\).*hop_frames \({hop_frames}\)"):
        SCNet(n_fft=n_fft, hop_frames=hop_frames)
