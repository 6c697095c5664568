"""What a run sounds and looks like on one fixed mixture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from carnatic_sep.audio.spectral import stft
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.training.listening import separated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch.utils.tensorboard import SummaryWriter

    Audio = NDArray[np.float32]

_COLUMNS = 372


def log_pictures(
    model: SeparationModel, stems: Audio, *, step: int, folder: Path, writer: SummaryWriter
) -> None:
    """Separate one fixed mixture: audio and a spectrogram picture to TensorBoard and `folder`.

    Mixture, references and estimates can be compared by ear: where one of them would clip, all
    are as much softer.

    Parameters
    ----------
    model : on any device; left in the mode (training or not) in which it came
    stems : (stems, frames), which sum to the mixture
    """
    estimates = separated(model, stems)
    mixture = stems.sum(axis=0)
    loudest = max(float(np.abs(each).max()) for each in (mixture, stems, estimates))
    gain = np.float32(1 / max(1.0, loudest))
    heard = {"mixture": mixture}
    for name, reference, estimate in zip(model.stems, stems, estimates, strict=True):
        heard |= {f"{name}/reference": reference, f"{name}/estimate": estimate}
    for name, audio in heard.items():
        writer.add_audio(name, torch.from_numpy(gain * audio), step, sample_rate=model.sample_rate)
    rows = {"truth": stems, "estimate": estimates}
    figure = spectrogram_grid(rows, names=model.stems)
    figure.savefig(folder / f"picture-{step:06d}.png", dpi=80)
    writer.add_figure("stems", figure, step)


def spectrogram_grid(rows: Mapping[str, Audio], *, names: Sequence[str]) -> Figure:
    """One row per label, one column per name; each row's audio is (names, frames)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(names), 3 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(names), sharex=True, sharey=True, squeeze=False)
    for row, (label, signals) in enumerate(rows.items()):
        spectra = stft(torch.from_numpy(signals), n_fft=2048, hop_frames=512)
        levels = 20 * torch.log10(spectra.abs() + 1e-4).numpy()
        for column, name in enumerate(names):
            axis = axes[row, column]
            shown = levels[column, :_COLUMNS]
            axis.imshow(shown, origin="lower", aspect="auto", cmap="magma", vmin=-50, vmax=30)
            axis.set_title(f"{name}: {label}")
    return figure
