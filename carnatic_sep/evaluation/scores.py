"""The table: global SDR per stem, for baselines and models, on mixtures and real excerpts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.bank import require_folder
from carnatic_sep.errors import UsageError
from carnatic_sep.evaluation.baselines import median_hpss, oracle_ratio_mask, untouched
from carnatic_sep.evaluation.cases import Case, kept_out_mixtures, real_excerpt
from carnatic_sep.evaluation.config import EvaluationConfig
from carnatic_sep.evaluation.contenders import named
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.stems import MRIDANGAM, VIOLIN, VOCALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    System = Callable[[Case], dict[str, NDArray[np.float32]]]

SCORED = (VOCALS, VIOLIN, MRIDANGAM)


@dataclass(frozen=True)
class Row:
    """Mean SDR in dB of one system on one set.

    Attributes
    ----------
    cases : name of the set
    system : a baseline or a model
    stems : mean over cases, per scored stem; NaN where a stem is silent in all of them
    count : number of cases
    """

    cases: str
    system: str
    stems: dict[str, float]
    count: int

    @property
    def mean(self) -> float:
        """Mean over the scored stems."""
        return float(np.mean(list(self.stems.values())))


def systems(models: Iterable[str], *, views: int = 1) -> dict[str, System]:
    """Return the baselines and one separator per model, by name.

    Raises
    ------
    UsageError
        A model lacks a scored stem.
    """
    from carnatic_sep.separation.separator import Separator

    found: dict[str, System] = {
        "mixture": lambda case: untouched(case.mixture, case.references),
        "median HPSS": lambda case: median_hpss(case.mixture, case.references),
        "oracle ratio mask": lambda case: oracle_ratio_mask(case.mixture, case.references),
    }
    for model in models:
        separator = Separator(model, views=views)

        missing = [stem for stem in SCORED if stem not in separator.stems]
        if missing:
            raise UsageError(
                f"{model}: has no stem {', '.join(missing)}, so it cannot be scored here; "
                f"it has {', '.join(separator.stems)}"
            )

        def separate(
            case: Case, separator: Separator = separator
        ) -> dict[str, NDArray[np.float32]]:
            return separator.separate(case.mixture, case.sample_rate)

        found[named(str(model), views)] = separate
    return found


def score_sets(
    config: EvaluationConfig,
    data_dir: Path,
    *,
    models: Iterable[str] = ("default",),
    views: int = 1,
    cache: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[Row]:
    """Score baselines and `models` on the kept-out mixtures and on every real excerpt.

    SDR is global per case (:func:`carnatic_sep.metrics.sdr.sdr`), averaged over the cases in
    which the stem sounds.

    Parameters
    ----------
    data_dir : recordings, laid out as `config.data` expects
    models : names or checkpoint files
    views : how many times each of them looks; see :class:`carnatic_sep.Separator`
    cache : folder that keeps pitch contours between runs
    report : takes the name of each case before it is scored

    Raises
    ------
    ConfigError
        `data_dir` is missing or does not hold what `config` names.
    UsageError
        A model lacks a scored stem.
    """
    require_folder(data_dir)
    contenders = systems(models, views=views)
    rows = []
    sets: dict[str, Iterable[Case]] = {
        f"{config.mixtures} kept-out mixtures": kept_out_mixtures(config, data_dir, cache=cache)
    }
    for name, excerpt in config.excerpts.items():
        sets[name] = [real_excerpt(name, excerpt, data_dir)]
    for name, cases in sets.items():
        scores: dict[str, list[dict[str, float]]] = {system: [] for system in contenders}
        for case in cases:
            report(case.name)
            for system, separate in contenders.items():
                estimates = separate(case)
                scores[system].append(
                    {
                        stem: sdr(case.references[stem], estimates[stem])
                        for stem in SCORED
                        if stem in case.references and case.references[stem].any()
                    }
                )
        for system, found in scores.items():
            stems = {stem: _mean(each[stem] for each in found if stem in each) for stem in SCORED}
            rows.append(Row(name, system, stems, len(found)))
    return rows


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else float("nan")
