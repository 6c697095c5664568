"""Render small kutcheris that bleed, with their truth, to learn from and to score with.

    python recipes/leakage_worth/make_set.py runs/bleeding_set

Writes folders of tracks that `carnatic-sep finetune` and `evaluate` read, one a piece in each:

    bleeding/   what close microphones in a computed hall record
    truth/      the same mixtures cut up by players: voice, violin and mridangam each alone at the
                own microphone, and all that is left, the bleed too, as `other`
    dev/, test/ other pieces and halls: each player alone at the own microphone, and as mixture
                the sum of what all microphones record

Pieces that are there are kept, so the command can be given again after an interrupt.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.kutcheri import Ensemble
from carnatic_sep.leakage.simulate import Simulated, draw_room, room_responses, simulate
from carnatic_sep.stems import DEFAULT_STEMS, OTHER

RATE = 44100
PIECES_A_HALL = 3
FORMS = ("kriti", "kalpanasvara", "neraval")  # everybody plays, and everybody rests
FIRST_SEED = {"train": 0, "dev": 6000, "test": 9000}


def write(folder: Path, sounds: dict[str, np.ndarray], *, concert: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, audio in sounds.items():
        soundfile.write(folder / f"{name}.wav", audio, RATE, subtype="FLOAT")
    about = {"concert": concert, "mixture_is_sum_of_stems": "mixture" not in sounds}
    (folder / "metadata.json").write_text(json.dumps(about), encoding="utf-8")  # last: all is there


def with_the_rest(scene: Simulated) -> dict[str, np.ndarray]:
    """Return the players alone, and as `other` whatever else there is in the mixture."""
    alone = {name: audio for name, audio in scene.close.items() if name != OTHER}
    return {**alone, OTHER: scene.mixture - sum(alone.values())}


def piece(out: Path, part: str, number: int, *, seconds: float, bleed_db: float) -> None:
    seed = number + FIRST_SEED[part]
    hall = seed // PIECES_A_HALL
    name = f"piece-{seed:04d}"
    last = out / ("bleeding" if part == "train" else part) / name
    if (last / "metadata.json").is_file():
        return
    ensemble = Ensemble(config=EnsembleConfig(staged=False, mastered=False), sample_rate=RATE)
    played = ensemble.render(seconds=seconds, seed=seed, form=FORMS[number % len(FORMS)])
    dry = {stem: played.stems[stem].mean(axis=0) for stem in DEFAULT_STEMS}
    responses = room_responses(draw_room(hall), sample_rate=RATE, names=DEFAULT_STEMS)
    scene = simulate(dry, sample_rate=RATE, room=responses, bleed_db=bleed_db, seed=seed)
    gain = 0.7 / float(np.abs(scene.mixture).max())
    scene = Simulated(
        close={stem: gain * audio for stem, audio in scene.close.items()},
        bled={stem: gain * audio for stem, audio in scene.bled.items()},
        mixture=gain * scene.mixture,
    )
    concert = f"hall {hall}"
    if part != "train":
        write(last, {**scene.close, "mixture": scene.mixture}, concert=concert)
        return
    write(out / "truth" / name, with_the_rest(scene), concert=concert)
    write(last, scene.bled, concert=concert)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=15, help="pieces to learn from")
    parser.add_argument("--dev", type=int, default=3, help="pieces to choose settings by")
    parser.add_argument("--test", type=int, default=6, help="pieces to score")
    parser.add_argument("--seconds", type=float, default=18.0, help="length of a piece")
    parser.add_argument("--bleed-db", type=float, default=-10.0, help="bleed against the player")
    given = parser.parse_args()
    for part, count in (("dev", given.dev), ("test", given.test), ("train", given.train)):
        for number in range(count):
            piece(given.out, part, number, seconds=given.seconds, bleed_db=given.bleed_db)
            print(f"{part} {number + 1} of {count}", flush=True)


if __name__ == "__main__":
    main()
