"""Train one model on random mixes, coherent mixes and full renderings; score all on what is real.

Run from the repository root: ``python recipes/ensemble_worth/run.py --data ../shared/data``.
Every arm's checkpoint and scores are kept under `--out`, and a command that was stopped goes on
where it was. ``table.py`` prints the tables.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.orders import make_ensemble
from carnatic_sep.ensemble.score import Score
from carnatic_sep.evaluation.cases import Case, kept_out_mixtures, real_excerpt
from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.metrics.confusion import voice_violin_confusion
from carnatic_sep.metrics.melody import Melody
from carnatic_sep.metrics.pitch import track_melody
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.separation.separator import Separator
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, VIOLIN, VOCALS
from carnatic_sep.training.config import load_config
from carnatic_sep.training.run import train

HERE = Path(__file__).parent
TARGETS = (VOCALS, VIOLIN, MRIDANGAM)
RIVALS = {VOCALS: VIOLIN, VIOLIN: VOCALS}
PIECES = 10
SECONDS = 12.0
FIRST_SEED = 88_000_000
HALLS_SEED = 88
EVALUATION = Path("configs/evaluation.yaml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of solo recordings")
    parser.add_argument("--out", type=Path, default=Path("runs/ensemble_worth"))
    parser.add_argument("--cache", type=Path, help="keeps pitch contours; OUT/cache by default")
    parser.add_argument("--arms", nargs="*", help="of arms.yaml; all by default")
    parser.add_argument("--seeds", nargs="*", type=int, default=[1])
    parser.add_argument("--set", nargs="*", default=[], help="changes of base.yaml, KEY=VALUE")
    options = parser.parse_args()
    arms = yaml.safe_load((HERE / "arms.yaml").read_text(encoding="utf-8"))
    cases: list[tuple[str, Case, dict[str, Melody]]] = []
    for seed in options.seeds:
        for arm in options.arms or list(arms):
            place = options.out / f"{arm.replace(' ', '-').replace(',', '')}-{seed}"
            scores = place / "scores.json"
            if scores.is_file():
                print(f"{scores}: done", flush=True)
                continue
            checkpoint = train_arm(arms[arm], place, seed, options)
            cases = cases or list(test_cases(options.data, options.cache or options.out / "cache"))
            rows = list(score(Separator(checkpoint), cases))
            scores.write_text(json.dumps({"arm": arm, "seed": seed, "scores": rows}, indent=1))
            print(f"{scores}: written", flush=True)


def train_arm(arm: dict, place: Path, seed: int, options: argparse.Namespace) -> Path:
    """Train, or go on training, the model of one arm; return its checkpoint."""
    base = load_config(HERE / "base.yaml", overrides=[*options.set, f"name={place.name}"])
    ensemble = {key: value for key, value in arm.items() if key != "data"}
    config = base.model_copy(
        update={
            "ensemble": EnsembleConfig(**ensemble),
            "data": base.data.model_copy(update=arm.get("data", {})),
            "seed": seed,
        }
    )
    if options.cache:
        place.parent.mkdir(parents=True, exist_ok=True)
        link = place.parent / "cache"
        if not link.exists():
            link.symlink_to(options.cache.resolve())
    return train(
        config,
        data_dir=options.data,
        out_dir=options.out,
        report=lambda line: print(line, flush=True),
    )


def test_cases(data: Path, cache: Path) -> Iterator[tuple[str, Case, dict[str, Melody]]]:
    """Yield set, case and melodies: real music, kept-out takes mixed, kept-out takes rendered."""
    config = load_evaluation_config(EVALUATION)
    for name, excerpt in config.excerpts.items():
        yield name, real_excerpt(name, excerpt, data), {}
    for case in kept_out_mixtures(config, data, cache=cache):
        rate = case.sample_rate
        tracked = {stem: track_melody(case.references[stem], sample_rate=rate) for stem in RIVALS}
        yield "mixtures of kept-out takes", case, tracked
    yield from rendered_cases(config.data, data, cache)


def rendered_cases(
    takes: DataConfig, data: Path, cache: Path
) -> Iterator[tuple[str, Case, dict[str, Melody]]]:
    """Yield full renderings of kept-out takes in halls that no arm heard."""
    settings = EnsembleConfig(bleed_db=(-25.0, -10.0), seed=HALLS_SEED)
    ensemble = make_ensemble(bank=data, data=takes, test=True, cache=cache, config=settings)
    for number in range(PIECES):
        rendering = ensemble.render(seconds=SECONDS, seed=FIRST_SEED + number)
        stems = {name: rendering.stems[name].mean(axis=0) for name in DEFAULT_STEMS}
        melodies = {
            VOCALS: written_melody(rendering.score, "voice"),
            VIOLIN: written_melody(rendering.score, "violin"),
        }
        case = Case(f"rendered {number + 1}", SAMPLE_RATE, stems)
        yield "rendered ensembles of kept-out takes", case, melodies


def written_melody(score: Score, part: str) -> Melody:
    """Return the line of a part as it stands in the score."""
    line = score.voice if part == "voice" else score.violin
    times = np.linspace(0.0, score.seconds, line.cents.size, endpoint=False)
    f0 = np.where(line.level > 0.02, score.tonic_hz * 2.0 ** (line.cents / 1200.0), 0.0)
    return Melody(times, f0.astype(np.float64))


def score(
    separator: Separator, cases: list[tuple[str, Case, dict[str, Melody]]]
) -> Iterator[dict[str, object]]:
    """Yield a row for each case and stem: global SDR, and confusion where melodies are known."""
    for group, case, melodies in cases:
        estimates = separator.separate(case.mixture, case.sample_rate)
        for stem in TARGETS:
            if not np.any(case.references[stem]):
                continue
            row: dict[str, object] = {"set": group, "case": case.name, "stem": stem}
            row["sdr"] = sdr(case.references[stem], estimates[stem])
            row["mixture"] = sdr(case.references[stem], case.mixture)
            rival = RIVALS.get(stem)
            if melodies and rival:
                row["confusion"] = voice_violin_confusion(
                    estimates[stem],
                    melodies[stem],
                    melodies[rival],
                    sample_rate=case.sample_rate,
                )
            yield row


if __name__ == "__main__":
    main()
