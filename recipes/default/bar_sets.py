"""What the bars are measured on: kept-out takes mixed and rendered, a multitrack, a concert."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.orders import make_ensemble
from carnatic_sep.ensemble.score import Score
from carnatic_sep.evaluation.bleed import rests_of, silent_spans
from carnatic_sep.evaluation.cases import Case, kept_out_mixtures, real_excerpt
from carnatic_sep.evaluation.config import EvaluationConfig
from carnatic_sep.metrics.melody import Melody
from carnatic_sep.metrics.rhythm import detect_onsets
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, VIOLIN, VOCALS

PIECES = 10
SECONDS = 12.0
FIRST_SEED = 88_000_000
HALLS_SEED = 88
"""As in recipes/ensemble_worth: full renderings in halls that nothing was trained in."""


@dataclass(frozen=True)
class Heard:
    """A case and what else is known of it.

    Attributes
    ----------
    onsets : of the mridangam's strokes, seconds
    rests : of the singer, (start, end) in seconds
    melodies : what voice and violin play, where it is written down
    """

    case: Case
    onsets: np.ndarray
    rests: list[tuple[float, float]] = field(default_factory=list)
    melodies: Mapping[str, Melody] = field(default_factory=dict)


def kept_out(config: EvaluationConfig, data: Path, cache: Path) -> Iterator[Heard]:
    """Yield the mixtures of kept-out takes."""
    for case in kept_out_mixtures(config, data, cache=cache):
        yield Heard(case, _strokes(case))


def multitrack(config: EvaluationConfig, data: Path, cache: Path) -> Iterator[Heard]:
    """Yield the real multitrack; who rests, and what is struck, is told from its microphones."""
    for name, excerpt in config.excerpts.items():
        case = real_excerpt(name, excerpt, data)
        microphones = {stem: audio[None] for stem, audio in case.references.items()}
        rests = silent_spans(microphones, sample_rate=case.sample_rate)
        yield Heard(case, _strokes(case), list(rests.get(VOCALS, ())))


def rendered(config: EvaluationConfig, data: Path, cache: Path) -> Iterator[Heard]:
    """Yield full renderings of kept-out takes, in which a violin shadows the voice."""
    settings = EnsembleConfig(bleed_db=(-25.0, -10.0), seed=HALLS_SEED)
    ensemble = make_ensemble(bank=data, data=config.data, test=True, cache=cache, config=settings)
    for number in range(PIECES):
        rendering = ensemble.render(seconds=SECONDS, seed=FIRST_SEED + number)
        stems = {name: rendering.stems[name].mean(axis=0) for name in DEFAULT_STEMS}
        score = rendering.score
        melodies = {VOCALS: _written(score, "voice"), VIOLIN: _written(score, "violin")}
        struck = sorted(s.seconds for s in score.strokes if s.instrument == "mridangam")
        yield Heard(
            Case(f"rendered {number + 1}", SAMPLE_RATE, stems),
            np.array(struck),
            rests_of(melodies[VOCALS], seconds=SECONDS),
            melodies,
        )


SETS: Mapping[str, Callable[[EvaluationConfig, Path, Path], Iterator[Heard]]] = {
    "mixtures of kept-out takes": kept_out,
    "real multitrack": multitrack,
    "rendered ensembles of kept-out takes": rendered,
}


def concert_file(data: Path) -> Path:
    """Return the annotated concert; beside it lies its pitch.

    Raises
    ------
    SystemExit
        It is not there.
    """
    found = sorted((data / "saraga1.5_carnatic").glob("Live at Vani Mahal*/*/*.mp3"))
    if not found:
        raise SystemExit(f"{data}: no concert of Saraga below saraga1.5_carnatic")
    return found[0]


def _strokes(case: Case) -> np.ndarray:
    return detect_onsets(case.references[MRIDANGAM], sample_rate=case.sample_rate)


def _written(score: Score, part: str) -> Melody:
    """Return the line of a part as it stands in the score."""
    line = score.voice if part == "voice" else score.violin
    times = np.linspace(0.0, score.seconds, line.cents.size, endpoint=False)
    f0 = np.where(line.level > 0.02, score.tonic_hz * 2.0 ** (line.cents / 1200.0), 0.0)
    return Melody(times, f0.astype(np.float64))
