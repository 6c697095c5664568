"""Render small kutcheris, clean and with bleed, to fine-tune on and to score with.

    python recipes/spleeter_finetune/make_set.py runs/spleeter_set

Writes three folders of tracks that `carnatic-sep finetune` and `evaluate` read:

    clean/NAME/      the players alone, dry: what a stand-in for Spleeter is trained on
    bleeding/NAME/   what close microphones in a computed hall record of the same pieces
    test/NAME/       other pieces and halls: each player alone at the own microphone, and as
                     mixture the sum of what all microphones record

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
from carnatic_sep.leakage.simulate import draw_room, room_responses, simulate
from carnatic_sep.stems import DEFAULT_STEMS

RATE = 44100
PIECES_A_HALL = 3
FIRST_TEST_SEED = 9000


def write(folder: Path, stems: dict[str, np.ndarray], *, concert: str, mixture=None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, audio in stems.items():
        soundfile.write(folder / f"{name}.wav", audio, RATE, subtype="FLOAT")
    if mixture is not None:
        soundfile.write(folder / "mixture.wav", mixture, RATE, subtype="FLOAT")
    about = {"concert": concert, "mixture_is_sum_of_stems": mixture is None}
    (folder / "metadata.json").write_text(json.dumps(about), encoding="utf-8")  # last: all is there


def piece(out: Path, number: int, *, seconds: float, bleed_db: float, test: bool) -> None:
    seed = number + (FIRST_TEST_SEED if test else 0)
    hall = seed // PIECES_A_HALL
    name = f"piece-{seed:04d}"
    done = out / ("test" if test else "bleeding") / name
    if (done / "metadata.json").is_file():
        return
    ensemble = Ensemble(config=EnsembleConfig(staged=False, mastered=False), sample_rate=RATE)
    dry = ensemble.render(seconds=seconds, seed=seed, form="kriti").stems
    mono = {stem: dry[stem].mean(axis=0).astype(np.float32) for stem in DEFAULT_STEMS}
    responses = room_responses(draw_room(hall), sample_rate=RATE, names=DEFAULT_STEMS)
    scene = simulate(mono, sample_rate=RATE, room=responses, bleed_db=bleed_db, seed=seed)
    peak = float(np.abs(scene.mixture).max()) / 0.7
    close = {stem: audio / peak for stem, audio in scene.close.items()}
    if test:
        write(done, close, concert=f"hall {hall}", mixture=scene.mixture / peak)
        return
    write(out / "clean" / name, mono, concert="dry")
    bled = {stem: audio / peak for stem, audio in scene.bled.items()}
    write(done, bled, concert=f"hall {hall}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=9, help="pieces to train on")
    parser.add_argument("--test", type=int, default=3, help="pieces to score")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of a piece")
    parser.add_argument("--bleed-db", type=float, default=-10.0, help="bleed against the player")
    given = parser.parse_args()
    for test, count in ((True, given.test), (False, given.train)):
        for number in range(count):
            piece(given.out, number, seconds=given.seconds, bleed_db=given.bleed_db, test=test)
            print(f"{'test' if test else 'train'} {number + 1} of {count}", flush=True)


if __name__ == "__main__":
    main()
