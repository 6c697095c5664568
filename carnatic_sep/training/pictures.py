"""What a run sounds and looks like on one fixed mixture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from carnatic_sep.audio.spectral import stft
from carnatic_sep.models.base import SeparationModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch.utils.tensorboard import SummaryWriter


class Drawer(Protocol):
    """Whatever draws the stems of a mixture, at the rate and in the order of the model."""

    def draw(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return stems, (stems, frames)."""


def log_pictures(
    model: SeparationModel, mixer: Drawer, *, step: int, folder: Path, writer: SummaryWriter
) -> None:
    """Separate one fixed mixture: audio and a spectrogram picture to TensorBoard and `folder`.

    `model` is on any device, and left in the mode (training or not) in which it came.
    """
    stems = torch.from_numpy(mixer.draw(np.random.default_rng(0)))
    training = model.training
    channels = model.channels or 1
    device = next(model.parameters()).device
    mixture = stems.sum(dim=0).expand(1, channels, -1).to(device)
    with torch.inference_mode():
        estimates = model.eval()(mixture)[0].mean(dim=1).float().cpu()
    model.train(training)
    for name, estimate in zip(model.stems, estimates, strict=True):
        writer.add_audio(name, estimate, step, sample_rate=model.sample_rate)
    figure = spectrogram_grid(stems, estimates, names=model.stems)
    figure.savefig(folder / f"picture-{step:06d}.png", dpi=80)
    writer.add_figure("stems", figure, step)


def spectrogram_grid(
    stems: torch.Tensor, estimates: torch.Tensor, *, names: Sequence[str]
) -> Figure:
    """Truth above estimate, one column per stem; both (stems, frames)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(stems), 6), layout="constrained")
    axes = figure.subplots(2, len(stems), sharex=True, sharey=True)
    rows = (("truth", stems), ("estimate", estimates))
    for row, (label, signals) in enumerate(rows):
        levels = 20 * torch.log10(stft(signals, n_fft=2048, hop_frames=512).abs() + 1e-4).numpy()
        for column, name in enumerate(names):
            axis = axes[row, column]
            axis.imshow(
                levels[column, :372], origin="lower", aspect="auto", cmap="magma", vmin=-50, vmax=30
            )
            axis.set_title(f"{name}: {label}")
    return figure
