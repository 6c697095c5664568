"""A multichannel Wiener filter after the masks: use where players stand, not only their spectra.

    python recipes/default/wiener.py --data ../shared/data

Each stem's spatial covariance is taken over the whole recording, bin by bin, from what the masks
gave it; the filter then weighs channels as well as cells. On development renderings (stereo); in
mono it changes nothing.

Source: Duong, Vincent and Gribonval, "Under-determined reverberant audio source separation using
a full-rank spatial covariance model", TASLP 18(7), 2010; one step, no iterations.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from development import TARGETS, means, print_row, renderings
from torch import Tensor

from carnatic_sep.audio.spectral import istft, stft
from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.models.band_unet import BandUNet
from carnatic_sep.models.checkpoint import load_checkpoint
from carnatic_sep.models.zoo import resolve

RIDGES = (0.001, 0.03, 0.1, 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--cache", type=Path, default=Path("runs/bars/cache"))
    options = parser.parse_args()
    config = load_evaluation_config("configs/evaluation.yaml")
    model = load_checkpoint(resolve("default")).eval()
    assert isinstance(model, BandUNet)
    cases = list(renderings(config, options.data, options.cache))
    print(f"| filter | {' | '.join(TARGETS)} | mean |\n|---{'|---:' * 4}|", flush=True)
    for ridge in (None, *RIDGES):
        estimates = [_separate(model, case.mixture, ridge) for case in cases]
        name = "masks alone" if ridge is None else f"Wiener, ridge {ridge:g}"
        print_row(name, scores=means(cases, estimates))


@torch.inference_mode()
def _separate(model: BandUNet, mixture: np.ndarray, ridge: float | None) -> dict[str, np.ndarray]:
    """Separate (channels, frames) in one piece."""
    audio = torch.from_numpy(mixture)
    spectrum = stft(audio[None], n_fft=model.n_fft, hop_frames=model.hop_frames)
    masks = model.bands.spread(model.masks(model.bands.pool(spectrum.abs().square().mean(1))))[0]
    stems = masks[:, None] * spectrum
    if ridge is not None:
        stems = filtered(spectrum[0], masks, ridge=ridge)
    found = istft(
        stems, n_fft=model.n_fft, hop_frames=model.hop_frames, frames=mixture.shape[-1]
    ).numpy()
    return dict(zip(model.stems, found, strict=True))


def filtered(spectrum: Tensor, masks: Tensor, *, ridge: float) -> Tensor:
    """Filter a mixture by each stem's powers and spatial covariance.

    Parameters
    ----------
    spectrum : (channels, bins, columns), complex
    masks : (stems, bins, columns)
    ridge : added to each covariance, whose trace is the number of channels

    Returns
    -------
    (stems, channels, bins, columns); sums over stems to the mixture
    """
    channels = len(spectrum)
    power = spectrum.abs().square().mean(dim=0)
    powers = masks * power
    parts = masks[:, None] * spectrum
    space = torch.einsum("jcft,jdft->jfcd", parts, parts.conj())
    trace = space.diagonal(dim1=-1, dim2=-2).real.sum(dim=-1)[..., None, None]
    space = space / (trace / channels + 1e-20) + ridge * torch.eye(channels)
    powers = powers.to(space.dtype)
    whole = torch.einsum("jft,jfcd->ftcd", powers, space) + 1e-9 * power.mean() * torch.eye(
        channels
    )
    whitened = torch.linalg.solve(whole, spectrum.permute(1, 2, 0)[..., None])[..., 0]
    return torch.einsum("jft,jfcd,ftd->jcft", powers, space, whitened)


if __name__ == "__main__":
    main()
