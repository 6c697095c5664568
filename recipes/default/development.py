"""Where levers are tried before anything that is reported: other mixtures, other renderings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.orders import make_ensemble
from carnatic_sep.evaluation.cases import Case, kept_out_mixtures
from carnatic_sep.evaluation.config import EvaluationConfig
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, VIOLIN, VOCALS

MIXTURES, MIXTURES_SEED = 10, 99
PIECES, SECONDS, FIRST_SEED, HALLS_SEED = 8, 10.0, 77_000_000, 55
TARGETS = (VOCALS, VIOLIN, MRIDANGAM)

Estimates = Mapping[str, np.ndarray]


def mixtures(config: EvaluationConfig, data: Path, cache: Path) -> Iterator[Case]:
    """Yield mixtures of the kept-out takes, drawn with another seed than those reported."""
    changed = config.model_copy(update={"mixtures": MIXTURES, "seed": MIXTURES_SEED})
    return kept_out_mixtures(changed, data, cache=cache)


def renderings(config: EvaluationConfig, data: Path, cache: Path) -> Iterator[Case]:
    """Yield stereo renderings of the kept-out takes, in other halls than those reported."""
    settings = EnsembleConfig(bleed_db=(-25.0, -10.0), seed=HALLS_SEED)
    ensemble = make_ensemble(bank=data, data=config.data, test=True, cache=cache, config=settings)
    for number in range(PIECES):
        rendering = ensemble.render(seconds=SECONDS, seed=FIRST_SEED + number)
        stems = {name: rendering.stems[name] for name in DEFAULT_STEMS}
        yield Case(f"development {number + 1}", SAMPLE_RATE, stems)


def means(cases: Iterable[Case], estimates: Iterable[Estimates]) -> dict[str, float]:
    """Return the mean over cases of each stem's SDR, and under ``mean`` that of the stems."""
    found: dict[str, list[float]] = {stem: [] for stem in TARGETS}
    for case, estimate in zip(cases, estimates, strict=True):
        for stem in TARGETS:
            if np.any(case.references[stem]):
                found[stem].append(sdr(case.references[stem], estimate[stem]))
    by_stem = {stem: float(np.mean(values)) for stem, values in found.items()}
    return {**by_stem, "mean": float(np.mean(list(by_stem.values())))}


def print_row(*cells: object, scores: Mapping[str, float]) -> None:
    """Print a row of a table."""
    print("| " + " | ".join([*map(str, cells), *(f"{x:.2f}" for x in scores.values())]) + " |")
