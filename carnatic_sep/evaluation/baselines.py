"""What any separator must beat, and what no mask can: both from the mixture and the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.stems import MRIDANGAM, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Stems = dict[str, NDArray[np.float32]]

N_FFT = 4096
HOP_FRAMES = 1024


def untouched(mixture: NDArray[np.float32], references: Stems) -> Stems:
    """Return the mixture itself, (frames,), as the estimate of every stem."""
    return dict.fromkeys(references, mixture)


def median_hpss(mixture: NDArray[np.float32], references: Stems) -> Stems:
    """Separate by median filtering: percussive is the mridangam, half of harmonic each voice.

    Source: Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010, as
    implemented in librosa (17 by 17 median, soft masks of power 2).
    """
    import librosa

    spectrum = librosa.stft(mixture, n_fft=N_FFT, hop_length=HOP_FRAMES)
    harmonic, _ = librosa.decompose.hpss(spectrum, kernel_size=17)
    steady = librosa.istft(harmonic, hop_length=HOP_FRAMES, length=len(mixture))
    parts = {VOCALS: steady / 2, VIOLIN: steady / 2, MRIDANGAM: mixture - steady}
    return {name: parts.get(name, np.zeros_like(mixture)) for name in references}


def oracle_ratio_mask(mixture: NDArray[np.float32], references: Stems) -> Stems:
    """Mask the mixture by the ratio of the true stems' magnitudes: a bound for soft masks.

    Source: Vincent, Gribonval and Plumbley, "Oracle estimators for the benchmarking of source
    separation algorithms", Signal Processing 87(8), 2007.
    """
    import torch

    from carnatic_sep.audio.spectral import istft, stft

    truth = torch.from_numpy(np.stack(list(references.values())))
    magnitudes = stft(truth, n_fft=N_FFT, hop_frames=HOP_FRAMES).abs()
    masks = magnitudes / (magnitudes.sum(dim=0) + 1e-9)
    spectrum = stft(torch.from_numpy(mixture), n_fft=N_FFT, hop_frames=HOP_FRAMES)
    audio = istft(masks * spectrum, n_fft=N_FFT, hop_frames=HOP_FRAMES, frames=len(mixture))
    return dict(zip(references, audio.numpy(), strict=True))
