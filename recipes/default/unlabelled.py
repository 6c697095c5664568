"""Can concerts without stems teach the bundled model more? Mean teacher, MixIT and RemixIT.

    python recipes/default/unlabelled.py --data ../shared/data --out runs/unlabelled

Renders pieces from the takes that the bundled model learnt from, lays the real concert and the
vocal microphones of other concerts beside them as recordings of which nobody knows the stems, and
fine-tunes the bundled model on both, once for each arm of unlabelled.yaml. Prints what every arm
scores on the development sets and, with `--reported`, on the real multitrack. A command that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import soundfile
import yaml
from bar_sets import concert_file
from development import TARGETS, means, mixtures, print_row, renderings

from carnatic_sep.audio.info import AUDIO_SUFFIXES
from carnatic_sep.ensemble.orders import make_ensemble
from carnatic_sep.ensemble.renders import write_rendering
from carnatic_sep.evaluation.cases import Case, real_excerpt
from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.files import below
from carnatic_sep.separation.separator import Separator
from carnatic_sep.training.config import TrainConfig, load_config
from carnatic_sep.training.finetune import finetune
from carnatic_sep.training.finetune_config import FinetuneConfig

ARMS = Path(__file__).with_name("unlabelled.yaml")
LEARNT = Path("configs/eighth.yaml")
PIECE_SECONDS = 12.0
FIRST_SEED = 44_000_000
SHORTEST = 4.0
"""Seconds of a recording that is learnt from: those of an excerpt."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--out", type=Path, default=Path("runs/unlabelled"))
    parser.add_argument("--cache", type=Path, default=Path("runs/bars/cache"))
    parser.add_argument("--pieces", type=int, default=80, help="of 12 s, rendered to learn from")
    parser.add_argument("--arms", nargs="*", help="of unlabelled.yaml; all by default")
    parser.add_argument("--reported", action="store_true", help="score the real multitrack too")
    options = parser.parse_args()
    known = yaml.safe_load(ARMS.read_text(encoding="utf-8"))
    render(options.out / "set", options.data, options.cache, pieces=options.pieces)
    lay_beside(options.out / "set", options.data)
    models = {"bundled": "default"}
    for arm in options.arms or known["arms"]:
        config = arm_config(known["base"], known["arms"][arm], name=arm, tracks=options.out / "set")
        models[arm] = str(finetune(config, out_dir=options.out, report=tell))
    sets = cases(options.data, options.cache, reported=options.reported)
    print(f"| set | taught by | {' | '.join(TARGETS)} | mean |\n|---|---|{'---:|' * 4}", flush=True)
    for name, within in sets.items():
        for arm, model in models.items():
            separator = Separator(model)
            estimates = (separator.separate(case.mixture, case.sample_rate) for case in within)
            print_row(name, arm, scores=means(within, estimates))


def render(out: Path, data: Path, cache: Path, *, pieces: int) -> None:
    """Render what the model is still told the truth about, from the takes that it learnt from."""
    learnt: TrainConfig = load_config(LEARNT, overrides=[])
    ensemble = make_ensemble(bank=data, data=learnt.data, cache=cache, config=learnt.ensemble)
    for number in range(pieces):
        folder = out / f"rendered-{number:03d}"
        if not folder.is_dir():
            rendering = ensemble.render(seconds=PIECE_SECONDS, seed=FIRST_SEED + number)
            write_rendering(rendering, folder)
            tell(f"rendered {number + 1} of {pieces}")


def lay_beside(out: Path, data: Path) -> None:
    """Link recordings of concerts into the set, as mixtures without stems."""
    microphones = [
        path
        for path in sorted(below(data / "voice_bleeding"))
        if path.suffix.lower() in AUDIO_SUFFIXES and soundfile.info(path).duration >= SHORTEST
    ]
    for path in [concert_file(data), *microphones]:
        link = out / f"heard-{path.stem}" / f"mixture{path.suffix.lower()}"
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(path.resolve())


def arm_config(
    base: Mapping[str, Any],
    arm: Mapping[str, Mapping[str, Any]],
    *,
    name: str,
    tracks: Path,
) -> FinetuneConfig:
    """Return the base's configuration with what the arm changes in its sections."""
    sections = {key: {**base[key], **changes} for key, changes in arm.items()}
    of_this_arm = {"name": name.replace(" ", "-"), "dataset": str(tracks)}
    return FinetuneConfig.model_validate({**base, **sections, **of_this_arm})


def cases(data: Path, cache: Path, *, reported: bool) -> dict[str, list[Case]]:
    """Return the development sets, and the real multitrack if it is `reported`."""
    config = load_evaluation_config("configs/evaluation.yaml")
    sets: dict[str, Iterable[Case]] = {
        "development mixtures": mixtures(config, data, cache),
        "development renderings": renderings(config, data, cache),
    }
    if reported:
        for name, excerpt in config.excerpts.items():
            sets[name] = [real_excerpt(name, excerpt, data)]
    return {name: list(within) for name, within in sets.items()}


def tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
