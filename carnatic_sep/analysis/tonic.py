"""The tonic: what essentia hears in the whole mix, and what the drone itself says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.drone import drone_histogram, drone_support, drone_tonic
from carnatic_sep.analysis.windows import RATE
from carnatic_sep.errors import AnalysisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from carnatic_sep.analysis.windows import Mono

    Row = NDArray[np.float64]

LOWEST_HZ, HIGHEST_HZ = 80.0, 400.0
"""No singer's Sa lies outside."""

DOUBTFUL_BELOW = 0.7
"""A tonic of less confidence is for a person to check: a third of what was heard disagrees."""

_HIGHEST_FOUND_HZ = 265.0
"""Sruti is named from C to B, 131 to 247 Hz, lower for low voices: a Sa that is found above is that
of a passage which stays in the upper octave."""

_DEFAULT_OCTAVE_HZ = 100.0
_EXCERPTS, _EXCERPT_SECONDS = 6, 60.0
_SAME_CENTS = 35.0
_LOW_QUANTILE = 0.05


@dataclass(frozen=True)
class Tonic:
    """Where Sa lies.

    Attributes
    ----------
    hz : the singer's middle Sa
    confidence : 0 to 1: the weight of all that was heard which agrees with it, octaves forgiven; 1
        where somebody said so
    method : ``given``, or which of ``essentia`` and ``drone`` were heard
    candidates : what each excerpt and method came to, Hz
    """

    hz: float
    confidence: float
    method: str
    candidates: tuple[float, ...] = ()


def given_tonic(text: str) -> Tonic:
    """Return a tonic that a person has written, in Hz.

    Raises
    ------
    UsageError
        It is no number, or lies outside 80 to 400 Hz.

    >>> given_tonic("146.83").hz
    146.83
    """
    try:
        hz = float(text)
    except ValueError as error:
        raise UsageError(f"--tonic {text}: write auto, or a number of Hz such as 146.83") from error
    if not LOWEST_HZ <= hz <= HIGHEST_HZ:
        raise UsageError(
            f"--tonic {text}: Sa of a singer lies between {LOWEST_HZ:.0f} and {HIGHEST_HZ:.0f} Hz"
        )
    return Tonic(hz, 1.0, "given")


def find_tonic(mixture: Path | None, *, drone: Path | None = None, f0: Row | None = None) -> Tonic:
    """Find the tonic of a recording.

    Six excerpts of a minute, spread over the recording, are asked: essentia's TonicIndianArtMusic
    hears the mix, and :func:`drone_tonic` the partials that stand still in `drone` and in the mix,
    whichever there are. What they say is counted within 35 cents, octaves forgiven; a word of
    essentia's weighs as much as the drone supports it. The octave follows the singer: the lowest
    pitches of a performance lie about Sa.

    Parameters
    ----------
    mixture : the whole recording; None where only stems are there
    drone : the stem that holds the tanpura (``other``)
    f0 : (samples,), Hz, of the voice, 0 where unvoiced; without it Sa is put into 100 to 200 Hz

    Raises
    ------
    UsageError
        Neither file is given.
    AnalysisError
        Nothing in it has a pitch.
    AudioReadError
        A file cannot be read.

    Notes
    -----
    Two traps. Where the tanpura's Pa sounds as loud as Sa, a multi-pitch histogram may take the
    fourth below Sa, three quarters of it, for the tonic: the drone has partials where Sa's fifth
    is, but none where that one's would be, and essentia's word then weighs little. In a recording
    in which Ma is tuned instead of Pa (madhyama sruti) the same reasoning errs: give the tonic by
    hand. And essentia's range begins at 100 Hz, so that a lower Sa comes an octave up.

    Source: Gulati, Bellur, Salamon et al., "Automatic tonic identification in Indian art music",
    JNMR 43(1), 2014; Salamon, Gulati and Serra, ISMIR 2012.
    """
    if mixture is None and drone is None:
        raise UsageError("to find a tonic, give the mixture or the stem with the drone")
    heard: list[tuple[float, float]] = []
    methods = []
    listened = drone or mixture
    assert listened is not None
    standing = [
        drone_histogram(part) for path in (drone, mixture) if path for part in excerpts(path)
    ]
    heard += [(drone_tonic(each), 1.0) for each in standing if each.any()]
    whole = np.sum(standing, axis=0)
    if heard:
        methods.append("drone")
    by_essentia = _essentia(mixture or listened)
    if by_essentia:
        methods.append("essentia")
        heard += [(hz, drone_support(whole, hz)) for hz in by_essentia]
    if not heard:
        raise AnalysisError(
            f"{listened}: nothing in it stands still for long enough to be a drone; give the "
            "tonic with --tonic HZ"
        )
    hz, confidence = _most_agreed(heard)
    return Tonic(
        in_octave(hz, f0), confidence, "+".join(methods), tuple(round(hz, 2) for hz, _ in heard)
    )


def excerpts(path: Path) -> Iterator[Mono]:
    """Yield six minutes spread over a file, each (frames,) at 44.1 kHz; the whole of a short one.

    Raises
    ------
    AudioReadError
        The file cannot be read.
    """
    from carnatic_sep.audio.reader import probe
    from carnatic_sep.audio.resample import StreamResampler
    from carnatic_sep.audio.span import read_span

    info = probe(path)
    seconds = info.duration_seconds or 0.0
    count = max(1, min(_EXCERPTS, int(seconds // _EXCERPT_SECONDS)))
    length = min(_EXCERPT_SECONDS, seconds) or _EXCERPT_SECONDS
    room = max(seconds - length, 0.0)
    for start in np.linspace(0.0, room, count) if count > 1 else [0.0]:
        audio = read_span(
            path,
            start=round(start * info.sample_rate),
            frames=max(1, round(length * info.sample_rate)),
        ).mean(axis=0, keepdims=True)
        resampler = StreamResampler(1, info.sample_rate, RATE)
        yield np.concatenate([resampler.push(audio)[0], resampler.flush()[0]])


def in_octave(hz: float, f0: Row | None) -> float:
    """Move a tonic into the singer's octave; see :func:`find_tonic`.

    >>> in_octave(73.5, None), in_octave(294.0, np.array([0.0, 146.0, 160.0, 220.0]))
    (147.0, 147.0)
    """
    sung = np.zeros(0) if f0 is None else f0[f0 > 0.0]
    if len(sung):
        lowest = float(np.quantile(sung, _LOW_QUANTILE))
        moved = hz * 2.0 ** round(np.log2(lowest / hz))
        while moved > _HIGHEST_FOUND_HZ:
            moved /= 2.0
        if moved >= LOWEST_HZ:
            return float(moved)
    return float(hz * 2.0 ** -np.floor(np.log2(hz / _DEFAULT_OCTAVE_HZ)))


def _essentia(path: Path) -> list[float]:
    """Ask essentia about each excerpt; nothing where it is not installed."""
    from carnatic_sep.analysis.trackers import essentia_standard

    try:
        standard = essentia_standard()
    except UsageError:
        return []
    found = []
    for part in excerpts(path):
        if len(part) < RATE or not np.any(part):
            continue
        try:
            found.append(float(standard.TonicIndianArtMusic(sampleRate=RATE)(part)))
        except RuntimeError:
            continue  # it says so where an excerpt has no pitch at all
    return [hz for hz in found if hz > 0.0]


def _most_agreed(heard: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the pitch class that most weight agrees on, as Hz, and its share of the weight."""
    hz, weight = (np.array(column) for column in zip(*heard, strict=True))
    cents = 1200.0 * np.log2(hz / LOWEST_HZ)
    distance = (cents[:, None] - cents + 600.0) % 1200.0 - 600.0
    agree = (np.abs(distance) <= _SAME_CENTS) * weight
    best = int(np.argmax(agree.sum(axis=1)))
    shift = float(np.average(-distance[best], weights=agree[best]))
    share = float(agree[best].sum() / max(weight.sum(), 1e-12))
    return float(hz[best] * 2.0 ** (shift / 1200.0)), share
