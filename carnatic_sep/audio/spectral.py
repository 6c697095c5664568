"""STFT and its inverse, as every spectrogram model and metric here uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def stft(audio: Tensor, *, n_fft: int, hop_frames: int) -> Tensor:
    """Short-time Fourier transform with a periodic Hann window, frames centred by zero padding.

    Parameters
    ----------
    audio : (..., frames), real
    n_fft : window and transform length in frames
    hop_frames : step between columns in frames

    Returns
    -------
    (..., n_fft // 2 + 1, columns), complex, columns = frames // hop_frames + 1
    """
    import torch

    window = torch.hann_window(n_fft, dtype=audio.dtype, device=audio.device)
    spectrum = torch.stft(
        audio.reshape(-1, audio.shape[-1]),
        n_fft,
        hop_frames,
        window=window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return spectrum.reshape(*audio.shape[:-1], *spectrum.shape[-2:])


def istft(spectrum: Tensor, *, n_fft: int, hop_frames: int, frames: int) -> Tensor:
    """Invert :func:`stft` by windowed overlap-add (least squares; Griffin and Lim, 1984).

    Parameters
    ----------
    spectrum : (..., n_fft // 2 + 1, columns), complex
    frames : length of the result

    Returns
    -------
    (..., frames), real
    """
    import torch

    flat = spectrum.reshape(-1, *spectrum.shape[-2:])
    window = torch.hann_window(n_fft, dtype=flat.real.dtype, device=flat.device)
    audio = torch.istft(flat, n_fft, hop_frames, window=window, center=True, length=frames)
    return audio.reshape(*spectrum.shape[:-2], frames)
