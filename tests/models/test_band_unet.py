"""The bundled model's architecture, held to linear algebra and to what it promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnatic_sep.audio.spectral import istft, stft
from carnatic_sep.models.band_unet import VIEWS, Bands, BandUNet, band_edges, band_matrix
from carnatic_sep.models.registry import build

SETTINGS = {"n_fft": 4096, "sample_rate": 44100, "bands_per_octave": 48, "fine_hz": 8000.0}


def tiny(**options) -> BandUNet:
    torch.manual_seed(0)
    model = BandUNet(
        **{
            "n_fft": 512,
            "hop_frames": 128,
            "sample_rate": 8000,
            "bands_per_octave": 12,
            "fine_hz": 2000.0,
            "widths": [4, 6, 8],
            "hidden": 8,
            **options,
        }
    )
    # Untrained masks are all about alike; these differ from stem to stem and from cell to cell.
    with torch.no_grad():
        model.head.weight.mul_(8.0)
    return model.eval()


@pytest.fixture(scope="module")
def weights() -> torch.Tensor:
    return band_matrix(band_edges(**SETTINGS), n_fft=4096, sample_rate=44100)


def test_bands_are_a_bin_wide_then_logarithmic_then_coarser() -> None:
    centres = band_edges(**SETTINGS)
    width = np.diff(centres)
    bin_hz = 44100 / 4096
    assert centres[0] == 0.0
    assert centres[-1] >= 22050.0
    assert width[:40] == pytest.approx(bin_hz)
    assert (np.diff(width) > -1e-6).all()
    middle = (centres[:-1] > 2000) & (centres[:-1] < 7800)
    assert np.log2(centres[1:] / np.maximum(centres[:-1], 1))[middle] == pytest.approx(1 / 48)
    top = centres[:-1] > 8200
    assert np.log2(centres[1:] / np.maximum(centres[:-1], 1))[top] == pytest.approx(1 / 12)


def test_every_bin_is_shared_out_completely(weights) -> None:
    assert weights.min() >= 0
    assert torch.allclose(weights.sum(dim=0), torch.ones(2049), atol=1e-6)
    assert ((weights > 0).sum(dim=0) <= 2).all()


@pytest.mark.parametrize("blocks", [1, 3, 10])
def test_blocks_give_what_the_whole_matrix_gives(weights, blocks) -> None:
    bands = Bands(weights, blocks)
    generator = torch.Generator().manual_seed(0)
    bins = torch.rand(2, 3, weights.shape[1], 5, generator=generator)
    masks = torch.rand(2, 3, weights.shape[0], 5, generator=generator)
    assert torch.allclose(bands.pool(bins), weights @ bins, atol=1e-4)
    assert torch.allclose(bands.spread(masks), weights.T @ masks, atol=1e-5)


def test_pooling_keeps_energy_and_spreading_keeps_ones(weights) -> None:
    bands = Bands(weights)
    bins = torch.rand(weights.shape[1], 4)
    assert torch.allclose(bands.pool(bins).sum(dim=0), bins.sum(dim=0), rtol=1e-5)
    ones = torch.ones(weights.shape[0], 4)
    assert torch.allclose(bands.spread(ones), torch.ones(weights.shape[1], 4), atol=1e-6)


def test_masks_are_shares() -> None:
    model = tiny()
    count = len(model.bands.weights)
    power = torch.rand(2, count, 13) ** 4
    masks = model.masks(power)
    assert masks.shape == (2, 4, count, 13)
    assert masks.min() >= 0
    assert torch.allclose(masks.sum(dim=1), torch.ones(2, count, 13), atol=1e-6)
    assert masks.std() > 0.02


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("frames", [1, 700, 8001])
def test_stems_sum_to_the_mixture_whatever_its_shape(channels, frames) -> None:
    mixture = torch.randn(2, channels, frames, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        stems = tiny()(mixture)
    assert stems.shape == (2, 4, channels, frames)
    assert torch.allclose(stems.sum(dim=1), mixture, atol=1e-4)


def test_louder_in_is_louder_out() -> None:
    mixture = 0.1 * torch.randn(1, 1, 6000, generator=torch.Generator().manual_seed(2))
    model = tiny()
    with torch.inference_mode():
        soft, loud = model(mixture), model(8 * mixture)
    assert torch.allclose(loud, 8 * soft, atol=1e-4 * float(loud.abs().max()))


def test_every_channel_gets_the_same_mask() -> None:
    noise = torch.randn(1, 1, 6000, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        stems = tiny()(torch.cat([noise, -0.5 * noise, 0 * noise], dim=1))
    assert torch.allclose(stems[:, :, 1], -0.5 * stems[:, :, 0], atol=1e-5)
    assert not stems[:, :, 2].any()


def test_silence_stays_silent() -> None:
    with torch.inference_mode():
        stems = tiny()(torch.zeros(1, 2, 3000))
    assert torch.isfinite(stems).all()
    assert not stems.any()


def test_forward_is_the_mask_on_the_spectrogram() -> None:
    model = tiny()
    mixture = torch.randn(1, 2, 4096, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        stems = model(mixture)
    whole = stft(mixture, n_fft=512, hop_frames=128)[0]
    power = whole.abs().square().mean(dim=0)
    with torch.inference_mode():
        masks = model.masks((model.bands.weights @ power)[None])[0]
    for stem, mask in zip(stems[0], masks, strict=True):
        masked = (model.bands.weights.T @ mask) * whole
        expected = istft(masked, n_fft=512, hop_frames=128, frames=4096)
        assert torch.allclose(stem, expected, atol=1e-4)


def test_every_parameter_learns() -> None:
    model = tiny().train()
    stems = model(torch.randn(2, 1, 8000, generator=torch.Generator().manual_seed(5)))
    stems[:, 0].square().mean().backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent


def test_parameters_are_counted_by_hand() -> None:
    model = tiny()
    widths, hidden, stems = [4, 6, 8], 8, 4
    bands = model.band_count
    sizes = [bands, bands // 2, bands // 4]

    def block(inputs, outputs, size, narrow):
        convolutions = 9 * outputs * (inputs + outputs) + 4 * outputs
        shortcut = outputs * (inputs + 1) if inputs != outputs else 0
        inner = size // narrow
        mixer = 2 * outputs + inner * (size + 1) + size * (inner + 1)
        return convolutions + shortcut + mixer

    row = widths[-1] * sizes[-1]
    expected = 2 * bands + widths[0] * (15 + 1) + stems * (3 * widths[0] + 1)
    expected += block(widths[-1], widths[-1], sizes[-1], 2)
    expected += 2 * widths[-1] + row * (2 * hidden + 1)
    expected += 2 * (3 * hidden * (row + hidden) + 6 * hidden)
    for fine, coarse, size in zip(widths, widths[1:], sizes, strict=False):
        expected += block(fine, fine, size, 4) + block(2 * fine, fine, size, 4)
        expected += coarse * (4 * fine + 1) + fine * (4 * coarse + 1)
    assert sum(p.numel() for p in model.parameters()) == expected


def test_the_configuration_rebuilds_the_network() -> None:
    model = tiny(stems=("vocals", "other"))
    again = build("band_unet", **model.config)
    again.load_state_dict(model.state_dict())
    mixture = torch.randn(1, 1, 3000)
    with torch.inference_mode():
        assert torch.equal(again.eval()(mixture), model(mixture))
    assert again.stems == ("vocals", "other")
    assert again.channels is None


def test_every_view_sums_to_the_mixture_and_the_average_is_theirs() -> None:
    model = tiny()
    mixture = 0.3 * torch.randn(1, 2, 8000, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        views = [model._view(mixture, ratio) for ratio in VIEWS]
        together = model(mixture, views=3)
    for stems in views:
        assert torch.allclose(stems.sum(dim=1), mixture, atol=1e-5)
    assert torch.allclose(together, torch.stack(views).mean(dim=0), atol=1e-6)
    assert not torch.allclose(views[0], views[1], atol=1e-2)
    with torch.no_grad():
        assert torch.equal(model(mixture), views[0])


@pytest.mark.parametrize("ratio", [15 / 16, 17 / 16])
def test_a_view_is_the_same_music_at_another_speed(ratio) -> None:
    # Windows of other lengths, against resampling of the sound by another library.
    import soxr

    model = tiny()
    rng = np.random.default_rng(5)
    spectrum = np.fft.rfft(rng.standard_normal(32000))
    spectrum[int(32000 * 0.4) :] = 0.0  # nothing above 3.2 kHz, which both rates hold
    sound = np.fft.irfft(spectrum)
    other = soxr.resample(sound, 16 * 8000, 16 * 8000 * ratio**-1, quality="VHQ")
    with torch.no_grad():
        view = model._view(torch.tensor(sound[None, None], dtype=torch.float32), ratio)
        there = model(torch.tensor(other[None, None], dtype=torch.float32))
    for stem in range(4):
        back = soxr.resample(there[0, stem, 0].numpy().astype(float), ratio**-1, 1.0, quality="VHQ")
        seen = view[0, stem, 0].numpy()
        middle = slice(4000, 28000)
        error = seen[middle] - back[: seen.size][middle]
        assert 10 * np.log10(np.mean(seen[middle] ** 2) / np.mean(error**2)) > 25.0
