"""Cold diffusion as a diffusers pipeline: audio in, stems out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import BaseOutput
from numpy.typing import NDArray
from torch import Tensor

from carnatic_sep.audio.resample import StreamResampler
from carnatic_sep.diffusion.calibration import find_centres, segments
from carnatic_sep.diffusion.scheduler import ColdDiffusionScheduler
from carnatic_sep.diffusion.unet import ColdUNetModel
from carnatic_sep.errors import CheckpointError, UsageError
from carnatic_sep.models.classic.segments import in_segments
from carnatic_sep.models.cold_diffusion import (
    HOP_FRAMES,
    N_FFT,
    SAMPLE_RATE,
    SEGMENT_COLUMNS,
    ColdDiffusion,
    FrontEnd,
    masked,
)
from carnatic_sep.models.decay_clusters import ClusterSettings
from carnatic_sep.stems import OTHER, VOCALS

_FADE_PART = 4
WEIGHTS = "diffusion_pytorch_model.safetensors"


@dataclass
class ColdDiffusionOutput(BaseOutput):
    """Stems by name, each of the mixture's shape; their sum is the mixture."""

    stems: dict[str, NDArray[np.float32]]


class ColdDiffusionSeparationPipeline(DiffusionPipeline):
    """Separate audio in memory by cold diffusion.

    Parameters
    ----------
    unet, scheduler : its parts
    targets : stems that the network estimates, in order
    sample_rate : Hz, of the network
    n_fft, hop_frames : of its spectrogram
    segment_columns : length of the excerpts it was trained on

    Raises
    ------
    ValueError
        A network of another number of targets.

    Examples
    --------
    >>> pipeline = ColdDiffusionSeparationPipeline.from_pretrained("runs/cold")  # doctest: +SKIP
    >>> vocals = pipeline(mixture, 44100).stems["vocals"]  # doctest: +SKIP
    """

    def __init__(
        self,
        unet: ColdUNetModel,
        scheduler: ColdDiffusionScheduler,
        targets: Sequence[str] = (VOCALS,),
        sample_rate: int = SAMPLE_RATE,
        n_fft: int = N_FFT,
        hop_frames: int = HOP_FRAMES,
        segment_columns: int = SEGMENT_COLUMNS,
    ) -> None:
        super().__init__()
        if unet.config["targets"] != len(targets):
            raise ValueError(
                f"the network estimates {unet.config['targets']} targets, not {list(targets)}"
            )
        self.register_modules(unet=unet, scheduler=scheduler)
        self.register_to_config(
            targets=list(targets),
            sample_rate=sample_rate,
            n_fft=n_fft,
            hop_frames=hop_frames,
            segment_columns=segment_columns,
        )

    @torch.no_grad()
    def __call__(
        self,
        audio: NDArray[np.float32],
        sample_rate: int,
        clusters: ClusterSettings | None = None,
        num_inference_steps: int | None = None,
    ) -> ColdDiffusionOutput:
        """Separate `audio`.

        Parameters
        ----------
        audio : (channels, frames) or (frames,), full scale ±1
        sample_rate : Hz
        clusters : masks by clusters, fitted once on the whole of `audio`; none if None. The
            network then runs through the audio twice, rather than its states being kept
        num_inference_steps : as many as in training if None

        Returns
        -------
        ``.stems``, by name, with `other` for the mixture without the targets; float32 at
        `sample_rate`, of the shape of `audio`

        Raises
        ------
        UsageError
            Audio of another shape, empty, or silent where clusters are asked for.
        """
        rows = np.atleast_2d(np.asarray(audio, dtype=np.float32))
        if rows.ndim != 2 or rows.shape[0] > rows.shape[1]:
            raise UsageError(f"audio of shape {np.shape(audio)}: give (channels, frames)")
        steps = num_inference_steps or len(self.scheduler)
        self.scheduler.set_timesteps(steps, device=self.device)
        self.unet.eval()
        at_rate = _resampled(rows, sample_rate, self.config["sample_rate"])
        centres = None
        if clusters is not None:
            centres = find_centres(
                self.restore,
                segments(
                    [at_rate],
                    sample_rate=self.config["sample_rate"],
                    model_rate=self.config["sample_rate"],
                    frames=self._segment_frames,
                ),
                front=self.front,
                targets=len(self.config["targets"]),
                settings=clusters,
                device=self.device,
            )
        strictness = clusters.strictness if clusters is not None else 0.0

        def separate(segment: NDArray[np.float32]) -> NDArray[np.float32]:
            return self._separate_segment(segment, centres, strictness)

        found = in_segments(
            at_rate,
            separate,
            segment_frames=self._segment_frames,
            fade_frames=self._segment_frames // _FADE_PART,
        )
        stems = {
            name: _resampled(stem, self.config["sample_rate"], sample_rate, frames=rows.shape[1])
            for name, stem in zip(self.config["targets"], found, strict=True)
        }
        stems[OTHER] = rows - sum(stems.values())
        return ColdDiffusionOutput({name: x.reshape(audio.shape) for name, x in stems.items()})

    def restore(self, magnitudes: Tensor) -> Tensor:
        """Walk from the mixture to the targets along ``scheduler.timesteps``.

        Parameters
        ----------
        magnitudes : (batch, 1, columns, bins)

        Returns
        -------
        (steps, batch, targets, columns, bins), the state after each step
        """
        state = magnitudes.expand(-1, len(self.config["targets"]), -1, -1)
        states = []
        for timestep in self.scheduler.timesteps:
            predicted = self.unet(state, timestep.expand(len(state)), magnitudes)
            state = self.scheduler.step(predicted, timestep, state, magnitudes).prev_sample
            states.append(state)
        return torch.stack(states)

    @property
    def front(self) -> FrontEnd:
        """What makes spectrograms, and sound of them."""
        return FrontEnd(n_fft=self.config["n_fft"], hop_frames=self.config["hop_frames"])

    @property
    def _segment_frames(self) -> int:
        return self.front.segment_frames(self.config["segment_columns"])

    def _separate_segment(
        self, segment: NDArray[np.float32], centres: Tensor | None, strictness: float
    ) -> NDArray[np.float32]:
        """Separate (channels, frames) into (targets, channels, frames)."""
        mixture = torch.from_numpy(np.ascontiguousarray(segment))[:, None].to(self.device)
        analysis = self.front.analyse(mixture)
        estimates = masked(self.restore(analysis.magnitudes), centres, strictness=strictness)
        stems = self.front.synthesise(analysis, estimates, frames=segment.shape[1])
        return np.asarray(stems.transpose(0, 1).cpu().numpy(), dtype=np.float32)

    def to_model(self) -> ColdDiffusion:
        """Return a copy that the package's ``Separator`` takes and ``save_checkpoint`` writes."""
        config = self.scheduler.config
        with torch.random.fork_rng(devices=[]):
            model = ColdDiffusion(
                targets=self.config["targets"],
                network=self.unet.network_options(),
                schedule=config["schedule"],
                steps=config["num_train_timesteps"],
                prediction=config["prediction_type"],
                sampling=config["sampling"],
                sample_rate=self.config["sample_rate"],
                n_fft=self.config["n_fft"],
                hop_frames=self.config["hop_frames"],
                segment_columns=self.config["segment_columns"],
            )
        model.net.load_state_dict(self.unet.net.state_dict())
        return model.eval()

    @classmethod
    def from_model(cls, model: ColdDiffusion) -> ColdDiffusionSeparationPipeline:
        """Return a pipeline with a copy of the model's network; clusters are fitted anew."""
        config = model.config
        with torch.random.fork_rng(devices=[]):
            unet = ColdUNetModel(targets=len(model.targets), **config["network"])
        unet.net.load_state_dict(model.net.state_dict())
        scheduler = ColdDiffusionScheduler(
            num_train_timesteps=config["steps"],
            schedule=config["schedule"],
            prediction_type=config["prediction"],
            sampling=config["sampling"],
        )
        return cls(
            unet.eval(),
            scheduler,
            targets=config["targets"],
            sample_rate=config["sample_rate"],
            n_fft=config["n_fft"],
            hop_frames=config["hop_frames"],
            segment_columns=config["segment_columns"],
        )

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Write the pipeline to a folder: JSON, and weights as safetensors only.

        Raises
        ------
        CheckpointError
            Another format of the weights is asked for.
        """
        if not options.get("safe_serialization", True):
            raise CheckpointError(
                f"{save_directory}: not saved: pickled weights can run code when they are loaded; "
                "leave safe_serialization on"
            )
        super().save_pretrained(save_directory, **options)

    @classmethod
    def from_pretrained(cls, folder: str | Path, **options: Any) -> ColdDiffusionSeparationPipeline:
        """Load what :meth:`save_pretrained` wrote; nothing in the folder is run or unpickled.

        Raises
        ------
        CheckpointError
            No such folder, or one without weights as safetensors.
        """
        weights = Path(folder) / "unet" / WEIGHTS
        if not weights.is_file():
            raise CheckpointError(
                f"{weights}: no such file; name a folder that save_pretrained of a cold diffusion "
                "pipeline wrote (weights in other formats are not read)"
            )
        loaded = super().from_pretrained(
            str(folder), use_safetensors=True, trust_remote_code=False, **options
        )
        return cast("ColdDiffusionSeparationPipeline", loaded)


def _resampled(
    audio: NDArray[np.float32], rate: int, wanted: int, *, frames: int | None = None
) -> NDArray[np.float32]:
    """Return (channels, frames) at the rate `wanted`, cut or padded to `frames` where given."""
    if rate != wanted:
        resampler = StreamResampler(len(audio), rate, wanted)
        audio = np.concatenate([resampler.push(audio), resampler.flush()], axis=1)
    if frames is not None:
        audio = np.pad(audio[:, :frames], ((0, 0), (0, max(0, frames - audio.shape[1]))))
    return np.ascontiguousarray(audio)
