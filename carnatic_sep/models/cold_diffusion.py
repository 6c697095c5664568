"""Cold diffusion as a separation model: spectrogram, steps, masks, and sound again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from carnatic_sep.audio.spectral import istft, stft
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.cold_schedule import ColdSchedule, Kind, Prediction, Sampling
from carnatic_sep.models.cold_unet import ColdUNet
from carnatic_sep.models.decay_clusters import gains
from carnatic_sep.models.registry import register
from carnatic_sep.stems import OTHER, VOCALS

SAMPLE_RATE = 22050
N_FFT = 1024
HOP_FRAMES = 256
SEGMENT_COLUMNS = 128
_QUIETEST = 1e-8

Restore = Callable[[Tensor], Tensor]
"""From mixture magnitudes, (batch, 1, columns, bins), to the state after each step,
(steps, batch, targets, columns, bins), the last one being the estimate."""


@dataclass(frozen=True)
class Analysis:
    """A mixture's spectrum and what the network sees of it.

    Attributes
    ----------
    spectrum : (batch, 1, columns, n_fft // 2 + 1), complex
    magnitudes : (batch, 1, columns, n_fft // 2), of root mean square 1 over each batch item
    level : (batch, 1, 1, 1), by which magnitudes were divided
    """

    spectrum: Tensor
    magnitudes: Tensor
    level: Tensor


@dataclass(frozen=True)
class FrontEnd:
    """From audio to magnitudes below the Nyquist bin, and back with the mixture's phase."""

    n_fft: int = N_FFT
    hop_frames: int = HOP_FRAMES

    def analyse(self, mixture: Tensor) -> Analysis:
        """Analyse `mixture`, (batch, 1, frames)."""
        spectrum = stft(mixture, n_fft=self.n_fft, hop_frames=self.hop_frames).transpose(-1, -2)
        magnitudes = spectrum.abs()[..., :-1]
        level = magnitudes.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=_QUIETEST)
        return Analysis(spectrum, magnitudes / level, level)

    def magnitudes(self, audio: Tensor, *, level: Tensor) -> Tensor:
        """Return those of `audio`, (batch, targets, frames), over the `level` of its mixture."""
        spectrum = stft(audio, n_fft=self.n_fft, hop_frames=self.hop_frames).transpose(-1, -2)
        return spectrum.abs()[..., :-1] / level

    def synthesise(self, analysis: Analysis, estimates: Tensor, *, frames: int) -> Tensor:
        """Return the audio of `estimates`, with the phase and the level of the mixture.

        Parameters
        ----------
        estimates : (batch, targets, columns, bins), on the scale of ``analysis.magnitudes``
        frames : length of the mixture

        Returns
        -------
        (batch, targets, frames)
        """
        shares = estimates / analysis.magnitudes.clamp(min=_QUIETEST)
        # The Nyquist bin, which the network does not see, goes with the bin below it.
        shares = torch.cat([shares, shares[..., -1:]], dim=-1)
        spectrum = (shares * analysis.spectrum).transpose(-1, -2)
        return istft(spectrum, n_fft=self.n_fft, hop_frames=self.hop_frames, frames=frames)

    def segment_frames(self, columns: int) -> int:
        """Return the length of audio whose spectrogram has exactly `columns`."""
        return (columns - 1) * self.hop_frames


@register("cold_diffusion")
class ColdDiffusion(SeparationModel):
    """Separate by walking from the mixture's spectrogram towards the stems', step by step.

    Parameters
    ----------
    targets : stems that are estimated; `other`, the mixture without them, comes as the last
    network : options of :class:`carnatic_sep.models.cold_unet.ColdUNet`, without `targets`
    schedule, steps : see :meth:`carnatic_sep.models.cold_schedule.ColdSchedule.of`
    prediction : whether the network predicts the "clean" target, or the "previous" state
    sampling : see :meth:`carnatic_sep.models.cold_schedule.ColdSchedule.advance`
    sample_rate : Hz
    n_fft, hop_frames : of the spectrogram
    segment_columns : length of the excerpts that the network was trained on
    clusters, strictness : masks by clusters of bins; none where `clusters` is 0. The centres are
        weights of the model, which :func:`carnatic_sep.diffusion.calibrate` fits

    Source: Plaja-Roglans et al., "Carnatic Singing Voice Separation Using Cold Diffusion on
    Training Data with Bleeding", ISMIR 2023.

    Examples
    --------
    >>> model = ColdDiffusion(network={"base": 4, "multipliers": [1, 2]}, steps=2).eval()
    >>> model.stems, model(torch.zeros(1, 1, 1000)).shape
    (('vocals', 'other'), torch.Size([1, 2, 1, 1000]))
    """

    def __init__(
        self,
        *,
        targets: Sequence[str] = (VOCALS,),
        network: Mapping[str, Any] | None = None,
        schedule: Kind = "convex",
        steps: int = 8,
        prediction: Prediction = "clean",
        sampling: Sampling = "improved",
        sample_rate: int = SAMPLE_RATE,
        n_fft: int = N_FFT,
        hop_frames: int = HOP_FRAMES,
        segment_columns: int = SEGMENT_COLUMNS,
        clusters: int = 0,
        strictness: float = 4.0,
    ) -> None:
        super().__init__()
        if not targets or OTHER in targets or len(set(targets)) < len(targets):
            raise ValueError(f"targets {list(targets)}: name each once, and not {OTHER!r}")
        self.config = {
            "targets": list(targets),
            "network": dict(network or {}),
            "schedule": schedule,
            "steps": steps,
            "prediction": prediction,
            "sampling": sampling,
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_frames": hop_frames,
            "segment_columns": segment_columns,
            "clusters": clusters,
            "strictness": strictness,
        }
        self.targets = tuple(targets)
        self.stems = (*targets, OTHER)
        self.sample_rate = sample_rate
        self.channels = 1
        self.front = FrontEnd(n_fft=n_fft, hop_frames=hop_frames)
        self.segment_seconds = self.front.segment_frames(segment_columns) / sample_rate
        self.schedule = ColdSchedule.of(schedule, steps)
        self.prediction: Prediction = prediction
        self.sampling: Sampling = sampling
        self.strictness = strictness
        self.net = ColdUNet(targets=len(targets), **(network or {}))
        # Untaught clusters rank by the mean: evenly spaced constant curves.
        even = torch.linspace(0, 1, clusters)[None, :, None].repeat(len(targets), 1, steps)
        self.register_buffer("centres", even if clusters else None)

    def forward(self, mixture: Tensor) -> Tensor:
        """Separate `mixture`, (batch, 1, frames), into (batch, stems, 1, frames)."""
        analysis = self.front.analyse(mixture)
        estimates = masked(
            self.restore(analysis.magnitudes), self.get_centres(), strictness=self.strictness
        )
        stems = self.front.synthesise(analysis, estimates, frames=mixture.shape[-1])
        rest = mixture - stems.sum(dim=1, keepdim=True)
        return torch.cat([stems, rest], dim=1)[:, :, None]

    def get_centres(self) -> Tensor | None:
        """Return the clusters' centres, (targets, clusters, steps); None without clusters."""
        return cast("Tensor | None", self.centres)

    def restore(self, magnitudes: Tensor) -> Tensor:
        """Walk from the mixture to the targets.

        Parameters
        ----------
        magnitudes : (batch, 1, columns, bins)

        Returns
        -------
        (steps, batch, targets, columns, bins), the state after each step
        """
        state = magnitudes.expand(-1, len(self.targets), -1, -1)
        states = []
        for step in range(self.schedule.steps, 0, -1):
            now = torch.full((len(state),), step, device=state.device)
            state = self.schedule.advance(
                self.net(state, now, magnitudes),
                state,
                magnitudes,
                step=step,
                to=step - 1,
                predicts=self.prediction,
                sampling=self.sampling,
            )
            states.append(state)
        return torch.stack(states)


def masked(states: Tensor, centres: Tensor | None, *, strictness: float) -> Tensor:
    """Return the last of `states`, not negative, weighed by its bins' clusters if there are any.

    Parameters
    ----------
    states : (steps, batch, targets, columns, bins)
    centres : (targets, clusters, steps), ranked, or None

    Returns
    -------
    (batch, targets, columns, bins)
    """
    estimates = states[-1].clamp(min=0)
    if centres is None:
        return estimates
    return estimates * gains(states, centres, strictness=strictness)
