"""A piece before it is played: one score for all, or some players with pieces of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.ensemble.accompany import accompany
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.drumming import SECOND_DRUMS, compose_drumming
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.players import Players
from carnatic_sep.ensemble.score import Frame, Score, ViolinPart, generator
from carnatic_sep.ensemble.tala import Stroke
from carnatic_sep.ensemble.violin_tone import with_vibrato
from carnatic_sep.errors import UsageError
from carnatic_sep.stems import MRIDANGAM, OTHER, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SECOND_DRUM = 0.5
_CLAPS = 0.15


@dataclass(frozen=True)
class Piece:
    """What is about to be played.

    Attributes
    ----------
    score : the truth about all players
    sung : the singing that the score was taken from where that is recorded, (frames,)
    by_rule : whether voice and violin are made by rule though there are recordings
    own : scores of those stems that do not play from `score`
    """

    score: Score
    sung: NDArray[np.float32] | None = None
    by_rule: bool = False
    own: Mapping[str, Score] = field(default_factory=dict)

    def part(self, stem: str) -> Score:
        """Return the score that a stem is played from."""
        return self.own.get(stem, self.score)


def compose_piece(
    players: Players,
    config: EnsembleConfig,
    *,
    seconds: float,
    seed: int,
    sample_rate: int,
    form: str | None = None,
    tonic_hz: float | None = None,
) -> Piece:
    """Write a piece, and sing it where the singing comes first; see :meth:`.Ensemble.render`.

    Raises
    ------
    UsageError, UnknownNameError
        A length, seed or form that cannot be.
    """
    if not seconds >= 1.0 or not np.isfinite(seconds):
        raise UsageError(f"seconds must be at least 1, not {seconds}")
    if seed < 0:
        raise UsageError(f"the seed must be 0 or above, not {seed}")
    rng = generator(seed, "company")
    by_rule = rng.random() < config.rule_share
    singers = None if by_rule else players.singers
    if singers is None:
        frame = draw_frame(seconds=seconds, seed=seed, form=form, tonic_hz=tonic_hz)
        score, sung = _written(frame, rng), None
    else:
        cast = singers.cast(rng)
        frame = draw_frame(
            seconds=seconds,
            seed=seed,
            form=form,
            raga=cast.raga,
            tonic_hz=tonic_hz or cast.tonic_hz,
        )
        performed = singers.perform(
            frame, singer=cast.singer, sample_rate=sample_rate, rng=generator(seed, VOCALS)
        )
        violin, parts = accompany(frame, performed.contour)
        score = Score(frame, performed.contour, violin, parts, _drumming(frame, rng))
        sung = performed.audio
    variety = config.violin_variety
    score = with_vibrato(score, variety=variety, rng=generator(seed, "vibrato"))
    own: dict[str, Score] = {}
    for stem in config.apart:
        theirs = _elsewhere(
            players, seconds=seconds, seed=seed, stem=stem, form=form, by_rule=by_rule
        )
        own[stem] = with_vibrato(theirs, variety=variety, rng=generator(seed, "vibrato"))
    return Piece(_merged(score, own), sung, by_rule, own)


def _written(frame: Frame, rng: np.random.Generator) -> Score:
    melody = write_melody(frame)
    return Score(frame, melody.voice, melody.violin, melody.violin_parts, _drumming(frame, rng))


def _elsewhere(
    players: Players, *, seconds: float, seed: int, stem: str, form: str | None, by_rule: bool
) -> Score:
    """Write the piece that a player has in mind who does not listen: nobody sings it."""
    seed = int(generator(seed, f"{stem} apart").integers(2**31))
    rng = generator(seed, "company")
    if by_rule or players.singers is None:
        return _written(draw_frame(seconds=seconds, seed=seed, form=form), rng)
    cast = players.singers.cast(rng)
    frame = draw_frame(
        seconds=seconds, seed=seed, form=form, raga=cast.raga, tonic_hz=cast.tonic_hz
    )
    line = players.singers.write(frame, singer=cast.singer, rng=generator(seed, VOCALS))
    violin, parts = accompany(frame, line)
    return Score(frame, line, violin, parts, _drumming(frame, rng))


def _merged(score: Score, own: Mapping[str, Score]) -> Score:
    """Put into the score what those play who do not play from it."""
    if not own:
        return score
    violin, parts = score.violin, score.violin_parts
    if VIOLIN in own:
        theirs = own[VIOLIN]
        away = 1200.0 * np.log2(theirs.tonic_hz / score.tonic_hz)
        notes = tuple(replace(note, cents=note.cents + away) for note in theirs.violin.notes)
        violin = replace(theirs.violin, cents=theirs.violin.cents + away, notes=notes)
        parts = tuple(
            ViolinPart(p.start, p.end, "rest" if p.role == "rest" else "solo")
            for p in theirs.violin_parts
        )
    drums = own.get(MRIDANGAM, score).strokes
    beside = own.get(OTHER, score).strokes
    strokes = [stroke for stroke in drums if stroke.instrument == MRIDANGAM]
    strokes += [stroke for stroke in beside if stroke.instrument != MRIDANGAM]
    strokes.sort(key=lambda stroke: stroke.seconds)
    return replace(score, violin=violin, violin_parts=parts, strokes=tuple(strokes))


def _drumming(frame: Frame, rng: np.random.Generator) -> tuple[Stroke, ...]:
    """Write the strokes; who sits beside the mridangam is drawn."""
    drawn = str(SECOND_DRUMS[int(rng.integers(len(SECOND_DRUMS)))])
    second = drawn if rng.random() < _SECOND_DRUM else None
    return compose_drumming(frame, second_drum=second, claps=bool(rng.random() < _CLAPS))
