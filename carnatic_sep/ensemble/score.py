"""The score of a rendered piece: what is played, by whom and when, so that truth is known.

A :class:`Frame` is settled before a note is written: tonic, raga, tala, tempo, sections. The
melody and the strokes are written onto it, and the whole is a :class:`Score`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.contour import Contour
    from carnatic_sep.ensemble.tala import Stroke

FORMS = ("alapana", "tanam", "kriti", "neraval", "kalpanasvara", "thani")
"""What a section can be; alapana and tanam have no tala, thani is the drummers' own."""

ROLES = ("shadow", "echo", "sustain", "solo", "rest")
"""What the violin can do: play with the singer a little later, answer when the singer rests,
hold the singer's last note, play phrases of its own, or keep still."""

HIGH_VOICE_HZ = 170.0
"""Singers whose Sa lies above this have short vocal tracts."""

Spans = tuple[tuple[float, float], ...]
"""Stretches of time: start and end in seconds, in order, none touching the next."""


@dataclass(frozen=True)
class Section:
    """A stretch of one form, from `start` to `end` in seconds."""

    start: float
    end: float
    form: str

    @property
    def metrical(self) -> bool:
        """Whether the tala runs through it."""
        return self.form not in ("alapana", "tanam")


@dataclass(frozen=True)
class Frame:
    """What all players agree on before they start.

    Attributes
    ----------
    seconds, seed : length of the piece and what it grew from
    tonic_hz : Sa of the singer
    raga : name, as in :data:`carnatic_sep.ensemble.raga.RAGAS_BY_NAME`
    tala : name, such as ``"adi"``
    beats : in a cycle of the tala
    beat_seconds : length of a beat
    first_beat_seconds : when the first cycle starts
    sections : in order, each from where the one before ends, from the first beat to `seconds`
    """

    seconds: float
    seed: int
    tonic_hz: float
    raga: str
    tala: str
    beats: int
    beat_seconds: float
    first_beat_seconds: float
    sections: tuple[Section, ...]

    @property
    def form(self) -> str:
        """Form of the longest section."""
        return max(self.sections, key=lambda section: section.end - section.start).form

    @property
    def high_voice(self) -> bool:
        """Whether the singer's vocal tract is a short one."""
        return self.tonic_hz > HIGH_VOICE_HZ

    @property
    def cycle_seconds(self) -> float:
        """Length of a cycle of the tala."""
        return self.beats * self.beat_seconds


@dataclass(frozen=True)
class ViolinPart:
    """What the violin does from `start` to `end`, in seconds of its own sound.

    Attributes
    ----------
    role : one of :data:`ROLES`
    delay_seconds : how far it trails the voice; 0 for ``"solo"`` and ``"rest"``
    octave : octaves between its line and the voice's
    """

    start: float
    end: float
    role: str
    delay_seconds: float = 0.0
    octave: int = 0


@dataclass(frozen=True)
class Score:
    """A piece on paper: the truth that the rendered sound can be checked against.

    Attributes
    ----------
    frame : tonic, raga, tala, tempo, sections
    voice : pitch line in cents over the tonic, and level
    violin : the line the violin plays; in a ``"shadow"`` part it is the voice's, later by the
        part's delay and higher by its octaves
    violin_parts : in order, together from 0 to the end
    strokes : of the mridangam and of other percussion, in order of time
    activity : for each stem, when it sounds
    """

    frame: Frame
    voice: Contour
    violin: Contour
    violin_parts: tuple[ViolinPart, ...]
    strokes: tuple[Stroke, ...] = ()
    activity: Mapping[str, Spans] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length of the piece."""
        return self.frame.seconds

    @property
    def seed(self) -> int:
        """What the piece grew from."""
        return self.frame.seed

    @property
    def tonic_hz(self) -> float:
        """Sa of the singer."""
        return self.frame.tonic_hz

    @property
    def raga(self) -> str:
        """Name of the raga."""
        return self.frame.raga

    @property
    def tala(self) -> str:
        """Name of the tala."""
        return self.frame.tala

    @property
    def form(self) -> str:
        """Form of the longest section."""
        return self.frame.form

    def to_json(self) -> str:
        """Write the score as JSON; :func:`from_json` reads it back.

        Cents are rounded to 0.01 and levels to 0.0001.
        """
        from carnatic_sep.ensemble.score_json import dump

        return dump(self)

    @staticmethod
    def from_json(text: str) -> Score:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ConfigError
            The text is no score, or of a format that this version does not know.
        """
        from carnatic_sep.ensemble.score_json import load

        return load(text)


def generator(seed: int, part: str) -> np.random.Generator:
    """Return the generator of one part, so that no player's dice move another's."""
    return np.random.default_rng([seed, *part.encode()])


def spans(
    level: NDArray[np.float64],
    *,
    rate: float,
    threshold: float = 0.02,
    shortest_gap_seconds: float = 0.05,
) -> Spans:
    """Return when `level`, `rate` values a second, lies above `threshold`.

    Gaps shorter than `shortest_gap_seconds` are closed.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], level > threshold, [False]])))
    found: list[tuple[float, float]] = []
    for first, last in edges.reshape(-1, 2) / rate:
        if found and first - found[-1][1] < shortest_gap_seconds:
            found[-1] = (found[-1][0], float(last))
        else:
            found.append((float(first), float(last)))
    return tuple(found)
