"""Score the bundled model and what it must beat on everything that a bar is set for; print each.

Run from the repository root:

    python recipes/default/bars.py --data ../shared/data --first first.safetensors

One JSON file is kept a contender and set, under the checksum of the weights, so that a command
that was stopped goes on where it was and new weights are scored beside old ones. README.md says
where `first.safetensors` and the two networks of `runs/architectures` come from.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from adapt import adapted
from bar_sets import SETS, Heard, concert_file
from bar_table import RENDERED, print_tables

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.pitch_annotation import read_pitch
from carnatic_sep.ensemble.renders import RENDERER
from carnatic_sep.evaluation.baselines import median_hpss, oracle_ratio_mask, untouched
from carnatic_sep.evaluation.bleed import rests_of
from carnatic_sep.evaluation.concert import raw_pitch_accuracy, track
from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.metrics.confusion import voice_violin_confusion
from carnatic_sep.metrics.leakage import slr
from carnatic_sep.metrics.melody import Melody
from carnatic_sep.metrics.rhythm import detect_onsets, loudest_band, onset_scores
from carnatic_sep.metrics.sdr import sdr
from carnatic_sep.models.base import SeparationModel
from carnatic_sep.models.checkpoint import load_checkpoint, read_metadata
from carnatic_sep.models.zoo import resolve
from carnatic_sep.separation.separator import Separator
from carnatic_sep.stems import DEFAULT_STEMS, MRIDANGAM, VIOLIN, VOCALS

EVALUATION = Path("configs/evaluation.yaml")
TARGETS = (VOCALS, VIOLIN, MRIDANGAM)
RIVALS = {VOCALS: VIOLIN, VIOLIN: VOCALS}
CONCERT = "real concert"

Audio = np.ndarray
Separate = Callable[[Audio, Mapping[str, Audio], int], Mapping[str, Audio]]


@dataclass(frozen=True)
class Contender:
    """Who is scored; `key` changes when its estimates may."""

    name: str
    key: str
    separate: Separate
    on_concert: bool = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--out", type=Path, default=Path("runs/bars"))
    parser.add_argument("--cache", type=Path, help="keeps pitch contours; OUT/cache by default")
    parser.add_argument("--first", type=Path, help="weights of the first default")
    parser.add_argument("--architectures", type=Path, default=Path("runs/architectures"))
    parser.add_argument("--model", default="default", help="what the bars are for")
    parser.add_argument(
        "--adapt", type=float, help="adds the model adapted by this share (adapt.py) to each set"
    )
    parser.add_argument("--views", type=int, default=1, help="also score so many views")
    parser.add_argument("--sets", nargs="*", choices=[*SETS, CONCERT], default=[*SETS, CONCERT])
    options = parser.parse_args()
    cache = options.cache or options.out / "cache"
    config = load_evaluation_config(EVALUATION)
    contenders = list(line_up(options))
    for name in options.sets:
        waiting = [each for each in contenders if not place(options.out, name, each).is_file()]
        if name == CONCERT:
            for contender in waiting:
                if contender.on_concert:
                    keep(options.out, name, contender, [concert_row(contender, options.data)])
        elif waiting:
            cases = list(SETS[name](config, options.data, cache))
            for contender in waiting:
                rows = [row for heard in cases for row in score(contender, heard)]
                keep(options.out, name, contender, rows)
    found: dict[str, dict[str, list[dict]]] = defaultdict(dict)
    for name in (*SETS, CONCERT):
        for contender in contenders:
            path = place(options.out, name, contender)
            if path.is_file():
                found[name][contender.name] = json.loads(path.read_text(encoding="utf-8"))
    print_tables(found)


def line_up(options: argparse.Namespace) -> Iterator[Contender]:
    """Yield floors, models and the bound; models that are not there are said and left out."""
    yield Contender(
        "mixture", "mixture", lambda mixture, references, _: untouched(mixture, references)
    )
    yield Contender("median HPSS", "hpss", _hpss)
    models = {
        "Spleeter's architecture": options.architectures / "unet" / "checkpoint.safetensors",
        "ours, same budget": options.architectures / "band_unet" / "checkpoint.safetensors",
        "first default": options.first,
        "default": resolve(options.model),
    }
    for name, path in models.items():
        if path is None or not path.is_file():
            print(f"{name}: {path or 'no file given'}: left out")
            continue
        yield Contender(name, read_metadata(path).sha256[:12], partial(_separate, path))
    if options.views > 1:
        path = resolve(options.model)
        key = f"{read_metadata(path).sha256[:12]}-views-{options.views}"
        separate = partial(_separate, path, views=options.views)
        yield Contender(f"default, {options.views} views", key, separate)
    if options.adapt:
        path = resolve(options.model)
        key = f"{read_metadata(path).sha256[:12]}-adapted-{options.adapt:g}"
        separate = partial(_adapted, load_checkpoint(path).eval(), options.adapt)
        yield Contender(f"default, adapted by {options.adapt:g}", key, separate, on_concert=False)
    yield Contender("oracle ratio mask", "oracle", _oracle, on_concert=False)


def _hpss(mixture: Audio, references: Mapping[str, Audio], rate: int) -> dict[str, Audio]:
    if mixture.ndim == 1:
        return median_hpss(mixture, references)
    found = [median_hpss(channel, references) for channel in mixture]
    return {stem: np.stack([each[stem] for each in found]) for stem in references}


def _oracle(mixture: Audio, references: Mapping[str, Audio], rate: int) -> dict[str, Audio]:
    return oracle_ratio_mask(mixture, references)


def _separate(
    path: Path, mixture: Audio, references: object, rate: int, views: int = 1
) -> dict[str, Audio]:
    return Separator(path, views=views).separate(mixture, rate)


def _adapted(
    model: SeparationModel, share: float, mixture: Audio, references: object, rate: int
) -> dict[str, Audio]:
    return Separator(adapted(model, mixture, share=share)).separate(mixture, rate)


def place(out: Path, name: str, contender: Contender) -> Path:
    """Return the file of a contender's scores on a set; another renderer renders another set."""
    folder = f"{name} {RENDERER}" if name == RENDERED else name
    return out / folder.replace(" ", "-") / f"{contender.key}.json"


def keep(out: Path, name: str, contender: Contender, rows: list[dict]) -> None:
    """Write the scores of a contender on a set, whole or not at all."""
    path = place(out, name, contender)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_path = path.with_suffix(".partial")
    partial_path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    partial_path.replace(path)
    print(f"{contender.name} on {name}: {path}", flush=True)


def score(contender: Contender, heard: Heard) -> Iterator[dict]:
    """Yield a row for each stem: global SDR, and what else is known of the case."""
    case, rate = heard.case, heard.case.sample_rate
    estimates = contender.separate(case.mixture, case.references, rate)
    for stem in TARGETS:
        reference, estimate = case.references[stem], estimates[stem]
        if not np.any(reference):
            continue
        row: dict[str, object] = {"case": case.name, "stem": stem}
        row["sdr"] = sdr(reference, estimate)
        if stem == MRIDANGAM:
            loudest = loudest_band(reference, sample_rate=rate)
            onsets = detect_onsets(estimate, sample_rate=rate, full_scale=loudest)
            row["onset_f"] = onset_scores(heard.onsets, onsets).f_measure
        if stem == VOCALS:
            row["slr"] = slr(case.mixture, estimate, heard.rests, sample_rate=rate)
        if stem in RIVALS and heard.melodies:
            own, rival = heard.melodies[stem], heard.melodies[RIVALS[stem]]
            row["confusion"] = voice_violin_confusion(estimate, own, rival, sample_rate=rate)
        yield row


def concert_row(contender: Contender, data: Path) -> dict[str, object]:
    """Return what can be said of the vocal stem of the concert: pitch, and leaks into rests.

    Pitch is tracked as ``carnatic-sep evaluate concert --pitch`` does; no strokes are annotated.
    """
    path = concert_file(data)
    mixture, rate = read_audio(path)
    truth = read_pitch(path.with_suffix(".pitch.txt"))
    rests = rests_of(Melody(*truth), seconds=mixture.shape[-1] / rate)
    vocals = contender.separate(mixture, dict.fromkeys(DEFAULT_STEMS, mixture), rate)[VOCALS]
    return {
        "case": path.stem,
        "stem": VOCALS,
        "raw_pitch": raw_pitch_accuracy(truth, track(vocals, rate)),
        "slr": slr(mixture, vocals, rests, sample_rate=rate),
        "rest_seconds": float(sum(end - start for start, end in rests)),
    }


if __name__ == "__main__":
    main()
