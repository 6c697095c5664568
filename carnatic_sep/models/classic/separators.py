"""Classic methods as separators: a mixture in, vocals, violin, mridangam and other out.

None of them can tell a voice from a violin, so each gets half of what sings: that is what to beat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.models.classic.hpss import percussive_mask, share
from carnatic_sep.models.classic.nmf import factorise, strokes_and_drone
from carnatic_sep.models.classic.repet_sim import background_mask
from carnatic_sep.models.classic.rpca import robust_pca
from carnatic_sep.models.classic.segments import in_segments
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, OTHER, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Magnitude = NDArray[np.float32]
    Masks = dict[str, NDArray[np.float32]]

WINDOW_SECONDS = 0.093
SEGMENT_SECONDS = 20.0
FADE_SECONDS = 1.0
NMF_COMPONENTS = 40


def _hpss(magnitude: Magnitude, columns_per_second: float) -> Masks:
    """Percussive is the mridangam."""
    strokes = percussive_mask(magnitude)
    return _dealt(singing=1.0 - strokes, strokes=strokes, drone=np.zeros_like(strokes))


def _repet_sim(magnitude: Magnitude, columns_per_second: float) -> Masks:
    """What does not come again sings; what does is mridangam where percussive, else drone."""
    repeats = background_mask(magnitude, width=max(1, round(columns_per_second)))
    return _singing_and_rest(magnitude, 1.0 - repeats)


def _rpca(magnitude: Magnitude, columns_per_second: float) -> Masks:
    """What is sparse sings; the low-rank rest is mridangam where percussive, else drone."""
    low, sparse = robust_pca(magnitude)
    return _singing_and_rest(magnitude, share(np.abs(sparse), np.abs(low)))


def _nmf(magnitude: Magnitude, columns_per_second: float) -> Masks:
    """Components by the shape of their spectrum and activation."""
    spectra, activations = factorise(magnitude, components=NMF_COMPONENTS)
    strokes, drone = strokes_and_drone(spectra, activations)
    whole = spectra @ activations + 1e-12
    hits = spectra[:, strokes] @ activations[strokes] / whole
    steady = spectra[:, drone] @ activations[drone] / whole
    return _dealt(singing=np.maximum(1.0 - hits - steady, 0.0), strokes=hits, drone=steady)


def _singing_and_rest(magnitude: Magnitude, singing: Magnitude) -> Masks:
    strokes = percussive_mask(magnitude * (1.0 - singing))
    return _dealt(
        singing=singing, strokes=(1.0 - singing) * strokes, drone=(1.0 - singing) * (1.0 - strokes)
    )


def _dealt(*, singing: Magnitude, strokes: Magnitude, drone: Magnitude) -> Masks:
    half = (singing / 2).astype(np.float32)
    return {VOCALS: half, VIOLIN: half, MRIDANGAM: strokes, OTHER: drone}


CLASSIC: Mapping[str, Callable[[Magnitude, float], Masks]] = {
    "HPSS": _hpss,
    "REPET-SIM": _repet_sim,
    "NMF": _nmf,
    "RPCA": _rpca,
}
"""Name -> function of a magnitude spectrogram (bins, columns) and its columns per second."""


def separate_classic(
    name: str, mixture: NDArray[np.float32], *, sample_rate: int
) -> dict[str, NDArray[np.float32]]:
    """Separate `mixture` by the method `name` of :data:`CLASSIC`, in segments of 20 s.

    Parameters
    ----------
    mixture : (channels, frames)
    sample_rate : Hz

    Returns
    -------
    stem -> (channels, frames); their sum is the mixture

    Raises
    ------
    KeyError
        No method is called so.
    """
    masks_of = CLASSIC[name]
    n_fft = 1 << round(np.log2(WINDOW_SECONDS * sample_rate))
    hop_frames = n_fft // 4

    def separate_segment(audio: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        from carnatic_sep.audio.spectral import istft, stft

        spectrum = stft(torch.from_numpy(audio), n_fft=n_fft, hop_frames=hop_frames)
        magnitude = spectrum.abs().mean(dim=0).numpy()  # one mask for all channels
        masks = masks_of(magnitude, sample_rate / hop_frames)
        parts = torch.from_numpy(np.stack([masks[stem] for stem in DEFAULT_STEMS]))
        separated = istft(
            parts[:, None] * spectrum, n_fft=n_fft, hop_frames=hop_frames, frames=audio.shape[-1]
        )
        return np.asarray(separated.numpy(), dtype=np.float32)

    stems = in_segments(
        np.ascontiguousarray(mixture, dtype=np.float32),
        separate_segment,
        segment_frames=int(SEGMENT_SECONDS * sample_rate),
        fade_frames=int(FADE_SECONDS * sample_rate),
    )
    return dict(zip(DEFAULT_STEMS, stems, strict=True))
