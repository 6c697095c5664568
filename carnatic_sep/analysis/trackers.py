"""The trackers that can find a melody, each with what it needs installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.analysis import compiam_tools
from carnatic_sep.analysis.windows import RATE
from carnatic_sep.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.analysis.windows import Mono

    Row = NDArray[np.float64]

_MELODIA_HOP = 256
_MELODIA_FRAME = 2048
_SALIENCE = 0.01
_PYIN_RATE = 16000
_PYIN_FRAME = 1024
_PYIN_HOP = 160


@dataclass(frozen=True)
class Found:
    """What a tracker says of one window: unevenly or evenly spaced samples, all (samples,)."""

    times: Row
    f0: Row
    confidence: Row


@dataclass(frozen=True)
class Tracker:
    """A way to find a melody.

    Attributes
    ----------
    name : what a user calls it
    needs : the module that must be importable
    extra : the extra of this package that brings it
    run : (audio (frames,) at 44.1 kHz, lowest Hz, highest Hz) -> Found
    source : who described it
    jumps_octaves : whether it takes octaves for the pitch now and then, so that a check is worth it
    prepare : loads what is slow to load, and says what is missing for it; is called any number of
        times
    """

    name: str
    needs: str
    extra: str
    run: Callable[[Any, float, float], Found]
    source: str
    jumps_octaves: bool = False
    prepare: Callable[[], object] = lambda: None

    @property
    def installed(self) -> bool:
        """Whether what it needs can be imported."""
        return find_spec(self.needs) is not None

    def track(self, audio: Mono, *, lowest_hz: float, highest_hz: float) -> Found:
        """Track `audio`, (frames,) at 44.1 kHz; silence and scraps have no melody."""
        if len(audio) < 2 * _MELODIA_FRAME or not np.any(audio):
            return Found(np.zeros(0), np.zeros(0), np.zeros(0))
        return self.run(audio, lowest_hz, highest_hz)


def tracker_called(name: str) -> Tracker:
    """Return the tracker called `name`; ``auto`` is the first that is installed.

    Raises
    ------
    UnknownNameError
        There is none of that name.
    UsageError
        It is there, but what it needs is not installed.
    """
    if name == "auto":
        found = [tracker for tracker in TRACKERS.values() if tracker.installed]
        if not found:
            raise UsageError(
                "tracking a melody needs essentia or librosa: install with pip install "
                "'carnatic-sep[analysis]'"
            )
        return found[0]
    if name not in TRACKERS:
        raise UnknownNameError("pitch tracker", name, ["auto", *TRACKERS])
    tracker = TRACKERS[name]
    if not tracker.installed:
        raise UsageError(
            f"the pitch tracker {name} needs {tracker.needs}: install with pip install "
            f"'carnatic-sep[{tracker.extra}]'"
        )
    return tracker


def essentia_standard() -> Any:
    """Import ``essentia.standard`` without the lines that it prints.

    Raises
    ------
    UsageError
        essentia is not installed.
    """
    try:
        import essentia

        essentia.log.infoActive = False
        import essentia.standard
    except ImportError as error:
        raise UsageError(
            "this needs essentia: install with pip install 'carnatic-sep[analysis]'"
        ) from error
    return essentia.standard


def _melodia(audio: Mono, lowest_hz: float, highest_hz: float) -> Found:
    standard = essentia_standard()
    loud = standard.EqualLoudness(sampleRate=RATE)(audio)
    find = standard.PredominantPitchMelodia(
        sampleRate=RATE,
        frameSize=_MELODIA_FRAME,
        hopSize=_MELODIA_HOP,
        minFrequency=lowest_hz,
        maxFrequency=highest_hz,
    )
    f0, salience = (np.asarray(row, dtype=np.float64) for row in find(loud))
    salience = np.maximum(salience, 0.0)
    return Found(
        _grid(len(f0), _MELODIA_HOP / RATE), np.maximum(f0, 0.0), salience / (salience + _SALIENCE)
    )


def _pyin(audio: Mono, lowest_hz: float, highest_hz: float) -> Found:
    import librosa
    import soxr

    slow = soxr.resample(audio, RATE, _PYIN_RATE)
    f0, voiced, probability = librosa.pyin(
        slow,
        fmin=lowest_hz,
        fmax=highest_hz,
        sr=_PYIN_RATE,
        frame_length=_PYIN_FRAME,
        hop_length=_PYIN_HOP,
        resolution=0.1,
    )
    times = _grid(len(f0), _PYIN_HOP / _PYIN_RATE)
    return Found(times, np.where(voiced, np.nan_to_num(f0), 0.0), np.asarray(probability))


def _ftanet(audio: Mono, lowest_hz: float, highest_hz: float) -> Found:
    times, f0 = compiam_tools.ftanet(audio)
    inside = (f0 >= lowest_hz) & (f0 <= highest_hz)
    return Found(times, np.where(inside, f0, 0.0), inside.astype(np.float64))


def _grid(count: int, step: float) -> Row:
    return np.asarray(np.arange(count) * step, dtype=np.float64)


TRACKERS = {
    tracker.name: tracker
    for tracker in (
        Tracker(
            "melodia",
            "essentia",
            "analysis",
            _melodia,
            "Salamon and Gómez, IEEE TASLP 20(6), 2012, as implemented in essentia",
            jumps_octaves=True,
        ),
        Tracker(
            "pyin",
            "librosa",
            "analysis",
            _pyin,
            "Mauch and Dixon, ICASSP 2014, as implemented in librosa",
        ),
        Tracker(
            "ftanet",
            "compiam",
            "compiam",
            _ftanet,
            "Plaja-Roglans et al., TISMIR 6(1), 2023, as distributed in compIAM",
            prepare=lambda: compiam_tools.load_tool(compiam_tools.FTANET),
        ),
    )
}
"""Name to tracker, the one to prefer first."""
