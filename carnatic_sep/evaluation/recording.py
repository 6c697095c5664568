"""One track as it is scored: mixture, references, cleaned references, and what is annotated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AudioReadError, EvaluationError
from carnatic_sep.evaluation.contenders import fit_channels
from carnatic_sep.evaluation.options import EvaluationOptions
from carnatic_sep.stems import VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.metrics.material import Spans
    from carnatic_sep.metrics.melody import Melody
    from carnatic_sep.metrics.prepared import Prepared

    Audio = NDArray[np.float32]
    Stems = dict[str, Audio]


@dataclass(frozen=True)
class Recording:
    """A track in memory, whole.

    Attributes
    ----------
    sample_rate : Hz
    mixture : (channels, frames), what systems are given
    references : stem -> (channels of references, frames) as recorded; empty without stems
    cleaned : cleaner -> stem -> (channels of references, frames); empty where they are clean
    silent : stem -> spans in seconds in which it rests
    ceiling_db : stem -> signal over bleed of its recorded reference; empty where they are clean
    melody : stem -> annotated melody
    notes : what was done to the audio to make it fit, in words
    """

    sample_rate: int
    mixture: Audio
    references: Stems
    cleaned: Mapping[str, Stems] = field(default_factory=dict)
    silent: Mapping[str, Spans] = field(default_factory=dict)
    ceiling_db: Mapping[str, float] = field(default_factory=dict)
    melody: Mapping[str, Melody] = field(default_factory=dict)
    tonic_hz: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """In which scores are computed: those of the references, one without them."""
        return len(next(iter(self.references.values()))) if self.references else 1

    @property
    def frames(self) -> int:
        """Length of everything."""
        return int(self.mixture.shape[-1])

    @property
    def truth(self) -> Stems:
        """The references that the headline is held against."""
        return next(iter(self.cleaned.values())) if self.cleaned else self.references

    @cached_property
    def prepared(self) -> Prepared:
        """Projections on `truth`, the same for every system."""
        from carnatic_sep.metrics.prepared import Prepared

        return Prepared(self.sample_rate, self.truth)


def read_recording(track: Multitrack, options: EvaluationOptions) -> Recording:
    """Read a track whole, clean its references, and find where its stems rest.

    Raises
    ------
    AudioReadError
        A file that cannot be decoded.
    EvaluationError
        A track without mixture and stems, or channels that cannot be brought together.
    """
    from carnatic_sep.evaluation import bleed

    notes: list[str] = []
    rate, frames = track.info()
    references = _references(track, frames, notes)
    mixture = _mixture(track, references, frames, options, notes)
    cleaned: dict[str, Stems] = {}
    ceilings: dict[str, float] = {}
    silent: Mapping[str, Spans] = {}
    heard = {stem: audio for stem, audio in references.items() if audio.any()}
    if len(heard) < len(references):
        quiet = ", ".join(stem for stem in references if stem not in heard)
        notes.append(f"silent reference: {quiet}; nothing is held against it")
    if heard:
        silent = bleed.silent_spans(heard, sample_rate=rate)
        if options.cleaned:
            cleaned = {
                cleaner: bleed.clean_references(
                    heard, sample_rate=rate, cleaner=cleaner, silent=silent
                )
                for cleaner in options.cleaners
            }
            masked = cleaned.get("masked") or bleed.clean_references(
                heard, sample_rate=rate, cleaner="masked"
            )
            ceilings = bleed.ceilings(heard, masked)
    melody = _melody(track, notes)
    if not heard and VOCALS in melody:
        silent = {VOCALS: bleed.rests_of(melody[VOCALS], seconds=frames / rate)}
    return Recording(
        sample_rate=rate,
        mixture=mixture,
        references=heard,
        cleaned=cleaned,
        silent=silent,
        ceiling_db=ceilings,
        melody=melody,
        tonic_hz=track.tonic_hz,
        notes=tuple(notes),
    )


def _references(track: Multitrack, frames: int, notes: list[str]) -> Stems:
    found = {stem: track.read_stem(stem) for stem in track.stem_names}
    channels = {len(audio) for audio in found.values()}
    if len(channels) > 1:
        notes.append("mono stems beside others: they are repeated on every channel")
    widest = max(channels, default=1)
    try:
        return {stem: fit_channels(audio[:, :frames], widest) for stem, audio in found.items()}
    except ValueError as error:
        raise EvaluationError(
            f"{track.id}: {error}; give its stems one number of channels"
        ) from error


def _mixture(
    track: Multitrack,
    references: Stems,
    frames: int,
    options: EvaluationOptions,
    notes: list[str],
) -> Audio:
    use_sum = options.mixture == "sum" or (options.mixture == "auto" and bool(references))
    if use_sum and not references:
        raise EvaluationError(f"{track.id}: has no stems to sum; evaluate it with --mixture file")
    if use_sum:
        total: Audio = np.sum(list(references.values()), axis=0, dtype=np.float32)
        return total
    if track.mixture is None:
        raise EvaluationError(f"{track.id}: has no mixture file; evaluate it with --mixture sum")
    mixture = track.read_mixture(frames=frames)
    if references and len(mixture) != len(next(iter(references.values()))):
        notes.append("mixture and stems differ in channels: estimates are scored as the stems are")
    return mixture


def _melody(track: Multitrack, notes: list[str]) -> dict[str, Melody]:
    """Return the annotated melody, which Saraga and its kin have of the singer alone.

    Negative frequencies, with which some trackers mark what they doubt, count as unvoiced. What is
    no contour is noted and left out: everything else of the track can still be scored.
    """
    if "pitch" not in track.annotations:
        return {}
    from carnatic_sep.datasets.pitch_annotation import read_pitch
    from carnatic_sep.metrics.melody import Melody, validate

    path = track.annotations["pitch"]
    try:
        times, f0 = read_pitch(path)
        melody = Melody(times, np.maximum(f0, 0.0))
        validate(melody, name=str(path))
    except (AudioReadError, ValueError) as error:
        notes.append(f"{error}; nothing is held against this melody")
        return {}
    return {VOCALS: melody}
