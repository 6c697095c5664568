"""compIAM's own models at work on what we found: FTA-Net for pitch, DEEPSRGM for ragas.

Nothing of compIAM is copied; its tools are called as release 0.4.1 defines them. Both fetch their
weights from Zenodo when they are first loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.analysis.windows import RATE
from carnatic_sep.errors import AnalysisError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.analysis.pitch import PitchTrack
    from carnatic_sep.analysis.windows import Mono

FTANET = "melody:ftanet-carnatic"
DEEPSRGM = "melody:deepsrgm"
_NEEDS = {
    FTANET: ("TensorFlow 2.15", "pip install 'tensorflow==2.15.*' 'keras<3'"),
    DEEPSRGM: ("PyTorch", "pip install torch"),
}

_HOP = 196 / 44100
_LENGTH = 5000
_STEPS_PER_OCTAVE = 60
_HIGHEST_STEP = 208
_WINDOWS = 40


@dataclass(frozen=True)
class RagaVote:
    """What DEEPSRGM says of a melody.

    Attributes
    ----------
    name : the raga that most of its windows voted for, one of the ten that it was trained on
    share : of the windows that did, 0 to 1
    windows : how many were asked, of 22 s each
    """

    name: str
    share: float
    windows: int


@cache
def load_tool(key: str) -> Any:
    """Load a model of compIAM's once, fetching its weights where they are not there yet.

    Parameters
    ----------
    key : :data:`FTANET` or :data:`DEEPSRGM`

    Raises
    ------
    UsageError
        compIAM, the library it needs for this model, or the weights are missing; says which.
    """
    try:
        import compiam
    except ImportError as error:
        raise UsageError(
            f"{key} needs compIAM: install with pip install 'carnatic-sep[compiam]' (on Python "
            f"3.10 to 3.12; {error})"
        ) from error
    library, install = _NEEDS[key]
    try:
        return compiam.load_model(key)
    except ImportError as error:
        raise UsageError(
            f"compIAM is installed, but {key} needs {library} beside it: {install} ({error})"
        ) from error
    except Exception as error:  # no network, a broken download, weights of another version
        link = compiam.get_model_info(key)["kwargs"]["v1"]["download_link"]
        raise UsageError(
            f"{key}: its weights could not be loaded ({type(error).__name__}: {error}). compIAM "
            f"fetches them from {link} into its own folder models/melody; with a network, give "
            "the call again, and delete what a broken download left there"
        ) from error


def ftanet(audio: Mono) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Track a melody with FTA-Net.

    Parameters
    ----------
    audio : (frames,) at 44.1 kHz, of less than 5 minutes: beyond, compIAM 0.4.1 tracks again from
        the start with each further 5 minutes

    Returns
    -------
    seconds and Hz (0 where unvoiced), (samples,), about 10 ms apart

    Raises
    ------
    UsageError
        See :func:`load_tool`.

    Source: Plaja-Roglans et al., TISMIR 6(1), 2023.
    """
    answer = load_tool(FTANET).predict(audio, input_sr=RATE, hop_size=80)
    times, f0 = np.asarray(answer, dtype=np.float64).T
    return times, f0


def deepsrgm(pitch: PitchTrack, tonic_hz: float) -> RagaVote:
    """Ask DEEPSRGM about the raga of a melody.

    Forty windows spread evenly over the melody vote one by one. compIAM's own feature extraction
    tracks the whole recording at once, at another hop than that of the data the weights come from,
    and draws its windows at random; the melody that was found in the stem is handed over instead.

    Parameters
    ----------
    pitch : the melody, at any hop
    tonic_hz : Sa

    Raises
    ------
    AnalysisError
        The melody is shorter than one window, 22.2 s.
    UsageError
        See :func:`load_tool`.

    Source: Madhusudhan and Chowdhary, "DeepSRGM: sequence classification and ranking in Indian
    classical music with deep learning", ISMIR 2019.
    """
    windows = deepsrgm_windows(pitch, tonic_hz)
    tool = load_tool(DEEPSRGM)
    tool.model.eval()  # compIAM leaves dropout on, and the answer to chance
    votes = [str(tool.predict(window[None])) for window in windows]
    name = max(sorted(set(votes)), key=votes.count)
    return RagaVote(name, votes.count(name) / len(votes), len(votes))


def deepsrgm_windows(pitch: PitchTrack, tonic_hz: float) -> NDArray[np.int64]:
    """Return a melody as DEEPSRGM reads it, (windows, 5000).

    Sixtieths of an octave over Sa, from 0 to 208, every 4.44 ms as in the CompMusic raga data set;
    0 also where nothing is sung, and below Sa.

    Raises
    ------
    AnalysisError
        The melody is shorter than one window.
    """
    fine = pitch.resampled(_HOP)
    if len(fine.f0) < _LENGTH:
        raise AnalysisError(
            f"the melody lasts {len(fine.f0) * _HOP:.1f} s, but DEEPSRGM reads "
            f"{_LENGTH * _HOP:.1f} s at a time: take a longer recording, or --raga histogram"
        )
    steps = np.nan_to_num(fine.cents(tonic_hz) * _STEPS_PER_OCTAVE / 1200.0)
    row = np.clip(np.round(steps), 0, _HIGHEST_STEP).astype(np.int64)
    last = len(row) - _LENGTH
    starts = np.unique(np.linspace(0, last, _WINDOWS).astype(np.int64))
    return np.stack([row[start : start + _LENGTH] for start in starts])
