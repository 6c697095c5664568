"""The best and the worst few seconds of an estimate, to be looked at and listened to."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from carnatic_sep.errors import AudioReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.evaluation.recording import Recording

    Audio = NDArray[np.float32]

QUIETEST_DB = -25.0
"""Seconds in which the reference is this far below its mean power say little, and are left out."""


@dataclass(frozen=True)
class Excerpt:
    """A few seconds of one stem as one system gave it.

    Attributes
    ----------
    which : best or worst of its track
    score_db : SDR of the excerpt against the reference that makes the headline
    audio : "mixture", "reference" and "estimate" -> MP3 in base64
    """

    system: str
    stem: str
    which: Literal["best", "worst"]
    start_seconds: float
    seconds: float
    score_db: float
    audio: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return the excerpt as JSON holds it."""
        return asdict(self)


def cut_excerpts(
    system: str, estimates: Mapping[str, Audio], recording: Recording, *, seconds: float
) -> list[Excerpt]:
    """Cut the best and the worst excerpt of every stem that has a reference.

    Parameters
    ----------
    estimates : stem -> (channels of the references, frames)
    seconds : length of an excerpt; a shorter track gives one excerpt, its best

    Returns
    -------
    Two excerpts a stem at most; none of a stem that is hardly heard
    """
    found = []
    for stem, estimate in estimates.items():
        if stem not in recording.truth:
            continue
        truth = recording.truth[stem]
        scores = windowed_sdr(truth, estimate, sample_rate=recording.sample_rate, seconds=seconds)
        if not np.isfinite(scores).any():
            continue
        places = {"best": int(np.nanargmax(scores)), "worst": int(np.nanargmin(scores))}
        if places["worst"] == places["best"]:
            del places["worst"]
        for which, start in places.items():
            frames = slice(
                start * recording.sample_rate, int((start + seconds) * recording.sample_rate)
            )
            sounds = {"mixture": recording.mixture, "reference": truth, "estimate": estimate}
            cut = {name: sound[:, frames].mean(axis=0) for name, sound in sounds.items()}
            length = len(cut["estimate"]) / recording.sample_rate
            coded = {name: encode(x, recording.sample_rate) for name, x in cut.items()}
            kind: Literal["best", "worst"] = "best" if which == "best" else "worst"
            score = float(scores[start])
            found.append(Excerpt(system, stem, kind, float(start), length, score, coded))
    return found


def windowed_sdr(
    truth: Audio, estimate: Audio, *, sample_rate: int, seconds: float
) -> NDArray[np.float64]:
    """Return the SDR in dB of every stretch of `seconds` that starts on a full second.

    NaN where the stretch is quieter than :data:`QUIETEST_DB` below the mean of the stem.
    """
    signal = _per_second(truth, sample_rate)
    error = _per_second(truth - estimate, sample_rate)
    span = max(1, min(int(seconds), len(signal)))
    windows = np.lib.stride_tricks.sliding_window_view
    heard, wrong = (windows(x, span).sum(axis=1) for x in (signal, error))
    loud = heard > 10 ** (QUIETEST_DB / 10) * signal.mean() * span
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(loud, 10 * np.log10(heard / np.maximum(wrong, 1e-10 * heard)), np.nan)


def _per_second(audio: Audio, sample_rate: int) -> NDArray[np.float64]:
    """Return the energy of each whole second; of all of it where it is shorter than one."""
    power = np.square(audio, dtype=np.float64).sum(axis=0)
    whole = len(power) // sample_rate
    if not whole:
        return np.array([power.sum()])
    return np.asarray(power[: whole * sample_rate].reshape(whole, sample_rate).sum(axis=1))


def encode(audio: Audio, sample_rate: int) -> str:
    """Return (frames,) as MP3 in base64; louder than full scale is scaled down to it."""
    import soundfile

    peak = float(np.abs(audio).max(initial=0.0))
    buffer = io.BytesIO()
    rate = sample_rate if sample_rate in _MP3_RATES else 44100
    if rate != sample_rate:
        import soxr

        audio = soxr.resample(audio, sample_rate, rate)
    soundfile.write(buffer, audio / max(1.0, peak), rate, format="MP3", compression_level=0.6)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


_MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)


def decode(coded: str) -> tuple[Audio, int]:
    """Return (1, frames) and the rate in Hz of what :func:`encode` made.

    Raises
    ------
    AudioReadError
        It is no MP3.
    """
    import soundfile

    try:
        audio, rate = soundfile.read(io.BytesIO(base64.b64decode(coded)), dtype="float32")
    except (RuntimeError, ValueError) as error:
        raise AudioReadError(f"an excerpt cannot be decoded ({error}); evaluate again") from error
    return np.asarray(audio, dtype=np.float32)[None], int(rate)
