"""Recorded phrases ready to be sung again: pitch known exactly, drone and hum left behind."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.datasets.pitch import PITCH_RATE
from carnatic_sep.ensemble.raga import ragas
from carnatic_sep.errors import UsageError
from carnatic_sep.files import growing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.bank import VoiceClip

    Line = NDArray[np.float64]

CLIP_RATE = 200
"""Pitch values of a clip a second."""

_CACHE_VERSION = 1
_FLOOR_DB = -30.0
_FADE_SECONDS = 0.03
_BLEND_SECONDS, _MARGIN = 0.008, 4
_SHORTEST_VOICED = 0.5


@dataclass(frozen=True)
class Clip:
    """A phrase by a singer.

    Attributes
    ----------
    singer : the first word of the performance's name
    raga : name, None where the performance's name has none that is known
    tonic_hz : Sa of the performance
    audio : (frames,) at 44.1 kHz, RMS 1 where it is voiced
    cents : (values,) at :data:`CLIP_RATE`, over the tonic, drawn through where it is unvoiced;
        what wavers within some 20 ms is left out
    level : (values,), 0 to 1, 0 where it is unvoiced
    """

    singer: str
    raga: str | None
    tonic_hz: float
    audio: NDArray[np.float32]
    cents: Line
    level: Line


def prepare_clip(
    clip: VoiceClip, *, cache: Path | None = None, vocoder: bool = True
) -> Clip | None:
    """Make a clip of a recording; None where its tonic is unknown or too little is voiced.

    With `vocoder` the recording is taken apart into pitch, envelope and breath and put together
    again (WORLD), so that the pitch is known exactly and a drone behind the singer is gone where
    it is voiced; what is not voiced is the recording's own.
    Without it the recording is used as it is, and its contour is what was tracked.

    Parameters
    ----------
    cache : folder that keeps clips between runs

    Raises
    ------
    UsageError
        `vocoder` without the package pyworld.
    """
    if clip.tonic is None or np.mean(clip.contour.voiced) < _SHORTEST_VOICED:
        return None
    if vocoder:
        audio, f0, voiced = _cached(clip, cache)
        audio = _with_consonants(audio, clip, voiced)
    else:
        audio, f0, voiced = _plain(clip)
    level = _level(audio, voiced, f0.size)
    loudness = np.sqrt(np.mean(level[level > 0] ** 2)) if np.any(level > 0) else 1.0
    peak = float(np.percentile(level[level > 0], 95)) if np.any(level > 0) else 1.0
    return Clip(
        singer=clip.performance.split("_")[0],
        raga=_raga_of(clip.performance),
        tonic_hz=clip.tonic,
        audio=np.asarray(audio / loudness, dtype=np.float32),
        cents=_melodic(1200.0 * np.log2(f0 / clip.tonic)),
        level=np.clip(level / peak, 0.0, 1.0),
    )


def _melodic(cents: Line) -> Line:
    """Take out what is no melody: single stray values, and a throat's jitter within 10 ms."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    steady = gaussian_filter1d(median_filter(cents, 7), 0.010 * CLIP_RATE)
    return np.asarray(steady, dtype=np.float64)


def _plain(clip: VoiceClip) -> tuple[NDArray[np.float32], Line, NDArray[np.bool_]]:
    f0, voiced = _tracked(clip)
    return _edges(clip.audio), f0, voiced


def _tracked(clip: VoiceClip) -> tuple[Line, NDArray[np.bool_]]:
    """Return pitch in Hz and voicing at :data:`CLIP_RATE`."""
    seconds = np.arange(int(clip.audio.size / SAMPLE_RATE * CLIP_RATE) + 1) / CLIP_RATE
    known = np.arange(clip.contour.f0.size) / PITCH_RATE
    f0 = np.exp(np.interp(seconds, known, np.log(clip.contour.f0)))
    voiced = np.interp(seconds, known, clip.contour.voiced.astype(np.float64)) > 0.5
    return f0, voiced


def _resynthesised(clip: VoiceClip) -> tuple[NDArray[np.float32], Line, NDArray[np.bool_]]:
    """Take a clip apart and put it together, its pitch exactly what is returned."""
    world = _world()
    audio = np.asarray(clip.audio, dtype=np.float64)
    f0, voiced = _tracked(clip)
    seconds = np.arange(f0.size) / CLIP_RATE
    refined = world.stonemask(audio, f0, seconds, SAMPLE_RATE)
    near = (refined > 0) & (np.abs(np.log2(np.maximum(refined, 1.0) / f0)) < 0.05)
    f0 = np.where(near, refined, f0)
    sounding = np.where(voiced, f0, 0.0)
    envelope = world.cheaptrick(audio, sounding, seconds, SAMPLE_RATE)
    breath = world.d4c(audio, sounding, seconds, SAMPLE_RATE)
    again = world.synthesize(sounding, envelope, breath, SAMPLE_RATE, 1000.0 / CLIP_RATE)
    again = np.pad(again, (0, max(0, audio.size - again.size)))[: audio.size]
    return _edges(again * _gate(clip, audio.size)), f0, voiced


def _with_consonants(
    audio: NDArray[np.float32], clip: VoiceClip, voiced: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Take from the recording itself what is not voiced, and what the tracker missed.

    There a vocoder has noise to offer; a consonant, or a turn too quick to track, is better.
    """
    from scipy.ndimage import binary_erosion, gaussian_filter1d

    surely = binary_erosion(voiced, iterations=_MARGIN, border_value=1).astype(np.float64)
    sung = gaussian_filter1d(surely, _BLEND_SECONDS * CLIP_RATE)
    share = np.interp(
        np.arange(audio.size) * (CLIP_RATE / SAMPLE_RATE), np.arange(sung.size), sung
    ).astype(np.float32)
    recorded = _edges(clip.audio) * _gate(clip, audio.size).astype(np.float32)
    return np.asarray(share * audio + (1.0 - share) * recorded, dtype=np.float32)


def _gate(clip: VoiceClip, frames: int) -> Line:
    """Shut, over 30 ms, where nothing is voiced and what sounds is 30 dB below the singing."""
    from scipy.ndimage import binary_dilation, gaussian_filter1d

    level = clip.contour.level
    loud = float(np.percentile(level, 95))
    sings = clip.contour.voiced | (level > loud * 10.0 ** (_FLOOR_DB / 20.0))
    wide = binary_dilation(clip.contour.voiced, iterations=int(0.12 * PITCH_RATE))
    gate = gaussian_filter1d((sings & wide).astype(np.float64), 1.5)
    at = np.arange(frames) * (PITCH_RATE / SAMPLE_RATE)
    return np.asarray(np.interp(at, np.arange(gate.size), gate), dtype=np.float64)


def _world() -> Any:
    """Import pyworld; it asks for pkg_resources, which warns about itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pyworld
    except ImportError as error:
        raise UsageError(
            "a bank of voices needs the packages of the extra `ensemble`; "
            f"pip install 'carnatic-sep[ensemble]' ({error})"
        ) from error
    return pyworld


def _edges(audio: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Fade in and out over 30 ms: clips are cut from longer takes."""
    size = min(int(_FADE_SECONDS * SAMPLE_RATE), audio.size // 2)
    ramp = np.sin(0.5 * np.pi * (np.arange(size) + 0.5) / size) ** 2
    faded = np.array(audio, dtype=np.float32)
    faded[:size] *= ramp.astype(np.float32)
    faded[faded.size - size :] *= ramp[::-1].astype(np.float32)
    return faded


def _level(audio: NDArray[np.float32], voiced: NDArray[np.bool_], values: int) -> Line:
    """Return RMS over 30 ms where `voiced`, else 0, at :data:`CLIP_RATE`."""
    from scipy.ndimage import uniform_filter1d

    power = uniform_filter1d(audio.astype(np.float64) ** 2, int(0.03 * SAMPLE_RATE))
    at = np.minimum(np.arange(values) * SAMPLE_RATE // CLIP_RATE, audio.size - 1)
    return np.where(voiced, np.sqrt(np.maximum(power[at], 0.0)), 0.0)


def _raga_of(performance: str) -> str | None:
    """Return the raga that a name such as ``Performer3_Sess1_AtanaB`` ends with."""
    last = re.sub(r"(?<=[a-z])[A-Z]?\d*$", "", performance.split("_")[-1]).lower()
    return next((r.name for r in ragas() if r.name.replace(" ", "").lower() == last), None)


def _cached(
    clip: VoiceClip, cache: Path | None
) -> tuple[NDArray[np.float32], Line, NDArray[np.bool_]]:
    """Read a clip from `cache`, by what it was made from, or make and keep it."""
    if cache is None:
        return _resynthesised(clip)
    content = clip.audio.tobytes() + clip.contour.f0.tobytes() + bytes([_CACHE_VERSION])
    place = cache / f"voice-{hashlib.sha256(content).hexdigest()[:24]}.npz"
    if not place.is_file():
        audio, f0, voiced = _resynthesised(clip)
        scale = float(np.max(np.abs(audio)) + 1e-9)
        whole = np.round(audio / scale * 32767.0).astype(np.int16)
        with growing(place, shared=True) as begun, begun.open("wb") as file:
            np.savez(file, audio=whole, scale=scale, f0=f0, voiced=voiced)
    with np.load(place) as stored:
        audio = stored["audio"].astype(np.float32) * np.float32(stored["scale"] / 32767.0)
        return audio, stored["f0"], stored["voiced"]
