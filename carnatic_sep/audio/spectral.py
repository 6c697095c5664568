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
    columns = flat.shape[-1]
    window = torch.hann_window(n_fft, dtype=flat.real.dtype, device=flat.device)
    whole_hops = n_fft % hop_frames == 0 and n_fft >= 2 * hop_frames
    if not whole_hops or frames > columns * hop_frames:
        audio = torch.istft(flat, n_fft, hop_frames, window=window, center=True, length=frames)
        return audio.reshape(*spectrum.shape[:-2], frames)
    # sums of shifted blocks: quicker than how torch scatters windows of any step
    pieces = torch.fft.irfft(flat.transpose(1, 2), n=n_fft) * window
    weight = _overlap_add(window.square().expand(1, columns, n_fft), hop_frames)
    here = slice(n_fft // 2, n_fft // 2 + frames)
    audio = _overlap_add(pieces, hop_frames)[:, here] / weight[:, here]
    return audio.reshape(*spectrum.shape[:-2], frames)


def _overlap_add(pieces: Tensor, hop_frames: int) -> Tensor:
    """Sum (signals, columns, n_fft), each column a hop after the one before, to (signals, frames).

    n_fft is a multiple of the hop.
    """
    signals, columns, n_fft = pieces.shape
    overlap = n_fft // hop_frames
    blocks = pieces.new_zeros(signals, columns + overlap - 1, hop_frames)
    for index in range(overlap):
        part = pieces[..., index * hop_frames : (index + 1) * hop_frames]
        blocks[:, index : index + columns] += part
    return blocks.reshape(signals, -1)
