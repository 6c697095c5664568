"""How a recording is to be analysed, as a person asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from carnatic_sep.analysis import compiam_tools
from carnatic_sep.analysis.jams_file import import_jams
from carnatic_sep.analysis.pitch import HOP_SECONDS, RANGES_HZ, check_hop
from carnatic_sep.analysis.tables import read_pitch
from carnatic_sep.analysis.tonic import given_tonic
from carnatic_sep.analysis.trackers import tracker_called
from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.stems import VOCALS

HISTOGRAM, DEEPSRGM = RAGAS = ("histogram", "deepsrgm")


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """How recordings are analysed.

    Attributes
    ----------
    pitch : name of a tracker, or the path of a csv that holds the melody already
    tonic : ``auto``, or Hz in writing
    part : whose melody, ``vocals`` or ``violin``
    raga : who says which raga it is: ``histogram`` (:mod:`carnatic_sep.analysis.ragas`), or
        ``deepsrgm`` as well (:mod:`carnatic_sep.analysis.compiam_tools`)
    hop_seconds : of the melody
    span : seconds that the picture shows; half a minute with much melody if None
    """

    pitch: str = "auto"
    tonic: str = "auto"
    part: str = VOCALS
    raga: str = HISTOGRAM
    hop_seconds: float = HOP_SECONDS
    span: tuple[float, float] | None = None

    def check(self) -> None:
        """Find out before any work what cannot be met; loads compIAM's models where they are asked.

        Raises
        ------
        UsageError
            A tracker that is unknown or not installed, a file that is not there, a tonic out of
            range, a hop out of range, a stem that has no melody, or a package or a model of
            compIAM's that is missing.
        AnalysisError
            A melody was given in a file that does not hold one.
        """
        if self.part not in RANGES_HZ:
            raise UnknownNameError("part with a melody", self.part, list(RANGES_HZ))
        check_hop(self.hop_seconds)
        if self.tonic != "auto":
            given_tonic(self.tonic)
        import_jams()
        if self.raga not in RAGAS:
            raise UnknownNameError("way to a raga", self.raga, list(RAGAS))
        if self.holds_melody:
            if not Path(self.pitch).is_file():
                raise UsageError(f"--pitch {self.pitch}: no such file")
            read_pitch(Path(self.pitch))
        else:
            tracker_called(self.pitch).prepare()
        if self.raga == DEEPSRGM:
            compiam_tools.load_tool(compiam_tools.DEEPSRGM)

    @property
    def holds_melody(self) -> bool:
        """Whether `pitch` is a file with the melody in it."""
        return self.pitch.lower().endswith((".csv", ".txt"))


def parse_span(text: str | None) -> tuple[float, float] | None:
    """Return the stretch that a person has written as START-END in seconds.

    Raises
    ------
    UsageError
        It is not of that form.

    >>> parse_span("60-120"), parse_span(None)
    ((60.0, 120.0), None)
    """
    if text is None:
        return None
    start, _, end = text.partition("-")
    try:
        span = (float(start), float(end))
    except ValueError as error:
        raise UsageError(f"--show {text}: write two numbers of seconds, such as 60-120") from error
    if not 0.0 <= span[0] < span[1]:
        raise UsageError(f"--show {text}: the end must come after the start")
    return span
