"""The transforms against torch's own, and back to the sound."""

from __future__ import annotations

import pytest
import torch

from carnatic_sep.audio.spectral import istft, stft


@pytest.mark.parametrize("hop_frames", [16, 32, 64, 24, 40])
@pytest.mark.parametrize("frames", [1, 63, 64, 65, 1000])
def test_the_inverse_gives_the_sound_back(hop_frames: int, frames: int) -> None:
    audio = torch.randn(2, 3, frames, dtype=torch.float64)
    spectrum = stft(audio, n_fft=128, hop_frames=hop_frames)
    back = istft(spectrum, n_fft=128, hop_frames=hop_frames, frames=frames)
    assert torch.allclose(back, audio, atol=1e-9)


@pytest.mark.parametrize("frames", [900, 960, 1000])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_the_inverse_of_anything_is_torchs(frames: int, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    spectrum = stft(torch.randn(2, 1000, dtype=kind), n_fft=128, hop_frames=32)
    spectrum = spectrum * torch.rand(2, 1, *spectrum.shape[-2:], dtype=kind)
    window = torch.hann_window(128, dtype=kind)
    flat = spectrum.reshape(-1, *spectrum.shape[-2:])
    wanted = torch.istft(flat, 128, 32, window=window, length=frames)
    found = istft(spectrum, n_fft=128, hop_frames=32, frames=frames)
    assert torch.allclose(found.reshape(wanted.shape), wanted, atol=1e-6)


def test_gradients_go_through_the_inverse() -> None:
    spectrum = stft(torch.randn(1, 200, dtype=torch.float64), n_fft=32, hop_frames=8)
    spectrum = spectrum.detach().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: istft(x, n_fft=32, hop_frames=8, frames=200), (spectrum,), fast_mode=True
    )
