"""Players who use recordings: sung phrases, bent violin notes, strokes of a mridangam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.ensemble.drum_kit import DrumKit
from carnatic_sep.ensemble.players import Players
from carnatic_sep.ensemble.violin_bank import ViolinBank
from carnatic_sep.ensemble.voice_bank import VoiceBank
from carnatic_sep.stems import MRIDANGAM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.bank import SoloBank, Take, VoiceClip
    from carnatic_sep.ensemble.players import Part
    from carnatic_sep.ensemble.score import Score

    Audio = NDArray[np.float32]


def recorded_players(
    bank: SoloBank,
    *,
    sample_rate: int,
    synthesised: Sequence[VoiceClip] = (),
    cache: Path | None = None,
    several_violins: bool = False,
) -> Players:
    """Return players who use recordings: alapana phrases, bent violin notes, strokes.

    Parameters
    ----------
    bank : solo recordings, see :func:`carnatic_sep.datasets.bank.load_bank`
    synthesised : further singers; theirs is no drone or hum that a vocoder would have to leave out
    cache : folder that keeps what is prepared once
    several_violins : whether the violins of the bank's pieces play too, not that of its notes alone

    Raises
    ------
    ConfigError
        The bank has no phrase with a known tonic and raga, no usable note, or no stroke.
    UsageError
        The extra ``ensemble`` is not installed.
    """
    singers = VoiceBank.prepare(bank.voices, cache=cache)
    if synthesised:
        singers = VoiceBank(singers.clips + VoiceBank.prepare(synthesised, vocoder=False).clips)
    return Players(
        mridangam=recorded_mridangam(bank.strokes, sample_rate=sample_rate),
        singers=singers,
        violins=ViolinBank.prepare(
            bank.notes, pieces=bank.pieces if several_violins else (), cache=cache
        ),
    )


def recorded_mridangam(takes: Sequence[Take], *, sample_rate: int) -> Part:
    """Return a mridangam player who strikes recorded strokes; see :class:`DrumKit`."""
    if sample_rate != SAMPLE_RATE:
        import soxr

        takes = [
            replace(take, audio=soxr.resample(take.audio, SAMPLE_RATE, sample_rate))
            for take in takes
        ]
    kit = DrumKit(takes, sample_rate=sample_rate)

    def play(score: Score, frames: int, rate: int, rng: np.random.Generator) -> Audio:
        strokes = [stroke for stroke in score.strokes if stroke.instrument == MRIDANGAM]
        return kit.play(strokes, tonic_hz=score.tonic_hz, frames=frames, rng=rng)

    return play
