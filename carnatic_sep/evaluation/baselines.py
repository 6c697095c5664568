"""What any separator must beat, and what no mask can: both from the mixture and the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.stems import MRIDANGAM, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Stems = dict[str, NDArray[np.float32]]
    References = Mapping[str, NDArray[np.float32]]

N_FFT = 4096
HOP_FRAMES = 1024
SEGMENT_FRAMES = 20 * 44100
FADE_FRAMES = 44100


def untouched(mixture: NDArray[np.float32], references: References) -> Stems:
    """Return the mixture itself as the estimate of every stem."""
    return dict.fromkeys(references, mixture)


def silence(mixture: NDArray[np.float32], references: References) -> Stems:
    """Return silence as the estimate of every stem: an SDR of 0 dB, and no bleed at all."""
    return dict.fromkeys(references, np.zeros_like(mixture))


def median_hpss(mixture: NDArray[np.float32], references: References) -> Stems:
    """Separate by median filtering: percussive is the mridangam, half of harmonic each voice.

    Parameters
    ----------
    mixture : (frames,)

    Source: Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010, as
    implemented in librosa (17 by 17 median, soft masks of power 2).
    """
    import librosa

    spectrum = librosa.stft(mixture, n_fft=N_FFT, hop_length=HOP_FRAMES)
    harmonic, _ = librosa.decompose.hpss(spectrum, kernel_size=17)
    steady = librosa.istft(harmonic, hop_length=HOP_FRAMES, length=len(mixture))
    parts = {VOCALS: steady / 2, VIOLIN: steady / 2, MRIDANGAM: mixture - steady}
    return {name: parts.get(name, np.zeros_like(mixture)) for name in references}


def oracle_ratio_mask(mixture: NDArray[np.float32], references: References) -> Stems:
    """Mask the mixture by the ratio of the true stems' magnitudes: a bound for soft masks.

    Parameters
    ----------
    mixture : (frames,) or (channels, frames)
    references : each of the shape of `mixture`

    Source: Vincent, Gribonval and Plumbley, "Oracle estimators for the benchmarking of source
    separation algorithms", Signal Processing 87(8), 2007.
    """
    return _oracle(mixture, references, power=1.0)


def oracle_wiener(mixture: NDArray[np.float32], references: References) -> Stems:
    """Mask the mixture by the ratio of the true stems' powers: the Wiener filter that knows all.

    Shapes and source as :func:`oracle_ratio_mask`.
    """
    return _oracle(mixture, references, power=2.0)


def _oracle(mixture: NDArray[np.float32], references: References, *, power: float) -> Stems:
    """Mask `mixture` by the share that each reference has in the sum of powers of magnitudes."""
    import torch

    from carnatic_sep.audio.spectral import istft, stft
    from carnatic_sep.models.classic.segments import in_segments

    frames = mixture.shape[-1]
    sounds = np.stack([mixture, *references.values()]).reshape(-1, frames)

    def masked(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        audio = torch.from_numpy(np.ascontiguousarray(rows))
        audio = audio.reshape(len(references) + 1, -1, rows.shape[-1])
        spectra = stft(audio, n_fft=N_FFT, hop_frames=HOP_FRAMES)
        weights = spectra[1:].abs() ** power
        stems = weights / (weights.sum(dim=0) + 1e-9) * spectra[0]
        found = istft(stems, n_fft=N_FFT, hop_frames=HOP_FRAMES, frames=rows.shape[-1])
        return np.asarray(found.numpy())

    stems = in_segments(sounds, masked, segment_frames=SEGMENT_FRAMES, fade_frames=FADE_FRAMES)
    return {name: stem.reshape(mixture.shape) for name, stem in zip(references, stems, strict=True)}
