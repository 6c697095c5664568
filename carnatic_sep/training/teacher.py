"""Voices with bleed, cleaned by an earlier model before they are mixed.

A cleaned voice is both an ingredient of the mixture and its target, so whatever the teacher
left in or took out stays consistent between the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE, VoiceClip, load_voice, select_training
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.errors import ConfigError
from carnatic_sep.files import growing
from carnatic_sep.models.checkpoint import load_checkpoint
from carnatic_sep.stems import canonical
from carnatic_sep.training.config import TrainConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.models.base import SeparationModel


def taught_voices(
    config: TrainConfig, *, data_dir: Path, cache: Path, report: Callable[[str], None]
) -> list[VoiceClip]:
    """Clean `config.data.teacher_voice` with `config.teacher`; empty where no teacher is named.

    Contours and cleaned voices are kept in `cache`, the latter by the teacher's SHA-256.

    Raises
    ------
    ConfigError
        The patterns match nothing outside `config.data.test`, or the teacher is of no use here.
    """
    if config.teacher is None or not config.data.teacher_voice:
        return []
    model = load_checkpoint(config.teacher)
    if (
        model.sample_rate != SAMPLE_RATE
        or model.channels == 2
        or not set(config.teacher_removes) <= set(model.stems)
    ):
        raise ConfigError(
            f"{config.teacher}: a teacher knows {', '.join(config.teacher_removes)} and takes mono "
            f"at {SAMPLE_RATE} Hz"
        )
    mark = hashlib.sha256(config.teacher.read_bytes()).hexdigest()[:16]
    names = select_training(data_dir, config.data.teacher_voice, config.data)
    if not names:
        raise ConfigError(
            f"{data_dir}: nothing matches {', '.join(config.data.teacher_voice)} for training; "
            "check the data folder, `data.teacher_voice` and `data.test`"
        )
    removed = [canonical(stem, model.stems) for stem in config.teacher_removes]
    place = cache / f"taught-{mark}-{'-'.join(removed)}"
    report(f"{config.teacher}: cleaning {len(names)} voices with bleed")
    return [
        _gated(
            _cleaned(load_voice(data_dir, name, cache=cache), model, removed, place),
            config.teacher_gate_db,
        )
        for name in names
    ]


def _cleaned(
    clip: VoiceClip, model: SeparationModel, removed: Sequence[str], cache: Path
) -> VoiceClip:
    place = cache / f"{hashlib.sha256(clip.audio.tobytes()).hexdigest()[:24]}.npy"
    if place.is_file():
        return replace(clip, audio=np.load(place))
    audio = _without(clip.audio, model, removed)
    with growing(place, shared=True) as begun, begun.open("wb") as file:
        np.save(file, audio)
    return replace(clip, audio=audio)


def _gated(clip: VoiceClip, depth_db: float | None) -> VoiceClip:
    """Fade `clip` out where its level is `depth_db` below its 95th percentile, over 6 dB."""
    if depth_db is None:
        return clip
    level = clip.contour.level
    loud = float(np.percentile(level, 95)) + 1e-9
    above = 20 * np.log10(level / loud + 1e-6) + depth_db
    gain = np.clip(above / 6 + 1, 0, 1)
    time = np.arange(len(clip.audio)) * (PITCH_RATE / SAMPLE_RATE)
    gains = np.interp(time, np.arange(len(gain)), gain).astype(np.float32)
    contour = replace(clip.contour, level=(level * gain).astype(np.float32))
    return replace(clip, audio=clip.audio * gains, contour=contour)


def _without(
    audio: NDArray[np.float32], model: SeparationModel, removed: Sequence[str]
) -> NDArray[np.float32]:
    """Take the stems `removed` out of (frames,) in one pass: (frames,)."""
    import torch

    with torch.inference_mode():
        stems = model(torch.from_numpy(audio)[None, None])[0, :, 0].numpy()
    rest = audio - sum(stems[model.stems.index(stem)] for stem in removed)
    return np.asarray(rest, dtype=np.float32)
