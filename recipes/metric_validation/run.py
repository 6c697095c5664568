"""Score systems of known quality with every metric, on references that bleed.

    python recipes/metric_validation/run.py --data ../shared/data --out validation
    python recipes/metric_validation/run.py --data ../shared/data --out other --development

One CSV a piece and level; those that exist are not computed again, so that a run that was stopped
goes on where it was. `table.py` reads them. Cleaners are chosen on development pieces: other takes,
other rooms, another seed.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scenes import DEVELOPMENT_SEED, RATE, TARGETS, Scene, Stems, pieces, scenes
from systems import systems

from carnatic_sep.evaluation.bleed import MASKED, cleaner_version
from carnatic_sep.leakage.clean import clean
from carnatic_sep.leakage.rested import clean_rested
from carnatic_sep.metrics.bands import BandPowers, share_db
from carnatic_sep.metrics.filters import FilterProjection
from carnatic_sep.metrics.leakage import ceiling_db, lc_csdr, lc_sdr, slr
from carnatic_sep.metrics.projection import SubbandProjection
from carnatic_sep.metrics.sdr import usdr
from carnatic_sep.metrics.si_sdr import si_sdr
from carnatic_sep.metrics.trusted import lw_sdr_many

Audio = NDArray[np.float64]
LEVELS = (-20.0, -15.0, -10.0, -7.0, -5.0)
CLEANERS: dict[str, Callable[[Stems], Stems]] = {
    "rested": lambda bled: clean_rested(bled, sample_rate=RATE),
    "masked": lambda bled: clean(bled, sample_rate=RATE, config=MASKED).stems,
    "blind": lambda bled: clean(bled, sample_rate=RATE).stems,
}
"""The two that `carnatic-sep evaluate` uses, and what `carnatic-sep clean` does by itself."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--config", type=Path, default=Path("configs/evaluation.yaml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="keeps pitch contours of the takes")
    parser.add_argument("--pieces", type=int, default=6)
    parser.add_argument("--levels", type=float, nargs="*", default=LEVELS, help="dB of bleed")
    parser.add_argument("--development", action="store_true", help="pieces to choose cleaners on")
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    drawn = pieces(
        options.config,
        options.data,
        count=options.pieces,
        cache=options.cache,
        development=options.development,
    )
    first_room = DEVELOPMENT_SEED if options.development else 1
    for number, piece in enumerate(drawn):
        wanted = [x for x in options.levels if not _path(options.out, number, x).exists()]
        for level, scene in scenes(piece, tuple(wanted), seed=number + first_room).items():
            started = time.process_time()
            rows = score(scene, seed=number)
            write(_path(options.out, number, level), rows, piece=number, level=level)
            spent = time.process_time() - started
            print(
                f"piece {number + 1}, bleed {level:g} dB: {len(rows)} scores, {spent:.0f} CPU s",
                flush=True,
            )
    print(f"cleaner version {cleaner_version()}; now: python recipes/metric_validation/table.py")


def score(scene: Scene, *, seed: int) -> list[dict[str, str | float]]:
    """Return one row per target and system: truth, and what each metric says."""
    names = list(scene.bled)
    bled = _stack(scene.bled, names)
    cleaned = {key: _stack(clean_stems(scene.bled), names) for key, clean_stems in CLEANERS.items()}
    close = _stack(scene.close, names)
    made = {
        stem: systems(scene, stem, np.random.default_rng([seed, index]))
        for index, stem in enumerate(TARGETS)
    }
    estimates = np.stack([audio for found in made.values() for audio in found.values()])
    truth = FilterProjection(close).energies(estimates)
    by_bled = FilterProjection(bled).energies(estimates)
    by_cleaned = FilterProjection(cleaned["rested"]).energies(estimates)
    subbands = SubbandProjection(cleaned["rested"], sample_rate=RATE).energies(estimates)
    masked = SubbandProjection(cleaned["masked"], sample_rate=RATE).energies(estimates)
    powers = BandPowers(cleaned["rested"], sample_rate=RATE).shares(estimates)
    rows: list[dict[str, str | float]] = []
    for stem, found in made.items():
        index = names.index(stem)
        s, r = close[index], bled[index]
        c, w, b = (cleaned[key][index] for key in ("rested", "masked", "blind"))
        leakage_weighted = lw_sdr_many(r, c, np.stack(list(found.values())), sample_rate=RATE)
        about = {
            "ceiling": ceiling_db(r, scene.rests[stem], sample_rate=RATE, mixture=scene.mixture),
            "lc_ceiling": ceiling_db(c, scene.rests[stem], sample_rate=RATE, mixture=scene.mixture),
            "bleeding_reference": usdr(s, r),
            "cleaned_reference": usdr(s, c),
            "masked_reference": usdr(s, w),
            "blind_reference": usdr(s, b),
        }
        for offset, (system, e) in enumerate(found.items()):
            place = len(rows)
            rows.append(
                {
                    "stem": stem,
                    "system": system,
                    "true_sdr": usdr(s, e),
                    "true_sir": truth.sir_db(place, index),
                    "true_sar": truth.sar_db(place),
                    "sdr": usdr(r, e),
                    "csdr": lc_csdr(r, e, sample_rate=RATE),
                    "si_sdr": si_sdr(r, e),
                    "sir": by_bled.sir_db(place, index),
                    "sar": by_bled.sar_db(place),
                    "lc_sdr": lc_sdr(c, e),
                    "lc_sdr_masked": lc_sdr(w, e),
                    "lc_sdr_blind": lc_sdr(b, e),
                    "lc_csdr": lc_csdr(c, e, sample_rate=RATE),
                    "lc_si_sdr": si_sdr(c, e),
                    "lc_sir": subbands.sir_db(place, index),
                    "lc_sir_masked": masked.sir_db(place, index),
                    "lc_sir_taps": by_cleaned.sir_db(place, index),
                    "lc_sar": by_cleaned.sar_db(place),
                    "slr": slr(scene.mixture, e, scene.rests[stem], sample_rate=RATE),
                    "lw_sdr": float(leakage_weighted[offset]),
                    "psd_sir": share_db(powers[place], index),
                    **about,
                }
            )
    return rows


def write(path: Path, rows: list[dict[str, str | float]], *, piece: int, level: float) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["piece", "level", *rows[0]])
        writer.writeheader()
        writer.writerows({"piece": piece, "level": level, **row} for row in rows)
    os.replace(partial, path)


def _path(folder: Path, piece: int, level: float) -> Path:
    return folder / f"piece{piece}_{level:g}.csv"


def _stack(stems: dict[str, NDArray[np.float32]], names: list[str]) -> Audio:
    return np.stack([stems[name] for name in names]).astype(np.float64)


if __name__ == "__main__":
    main()
