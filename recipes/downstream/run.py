"""Does separation help? The same analysis of the mix and of each contender's stems.

    python recipes/downstream/run.py --data DATA --out runs/downstream

writes one JSON file a piece and contender, keeps what is there, and prints the tables.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile
from pieces import FIRST_SEED, Piece, concert_piece, multitrack_piece, rendered_pieces
from scores import score_piece
from table import print_tables

from carnatic_sep.models.classic.separators import separate_classic
from carnatic_sep.separation.separator import Separator

Stems = dict[str, np.ndarray]


def main() -> None:
    """Run what is not there yet, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/downstream"))
    parser.add_argument("--pieces", type=int, default=6, help="how many rendered pieces")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first of them")
    parser.add_argument("--models", default="default", help="names or files, commas between")
    parser.add_argument("--only", choices=["concert", "multitrack", "rendered"])
    given = parser.parse_args()
    pieces: list[Piece] = []
    if given.only in (None, "concert"):
        pieces += concert_piece(given.data, given.out / "audio")
    if given.only in (None, "multitrack"):
        pieces += multitrack_piece(given.data, given.out / "audio")
    if given.only in (None, "rendered"):
        pieces += rendered_pieces(given.out / "audio", given.pieces, given.seconds, seed=given.seed)
    rivals = contenders(given.models.split(","))
    for piece in pieces:
        for name, (key, separate) in rivals.items():
            if name == "true stems" and not piece.stems:
                continue
            path = given.out / "scores" / piece.kind / piece.name / f"{key}.json"
            if path.exists():
                continue
            print(f"{piece.name}: {name}", flush=True)
            stems = separate(piece, given.out / "stems" / piece.kind / piece.name / key)
            facts = {"contender": name, "kind": piece.kind, "piece": piece.name}
            write_json(path, {**facts, **score_piece(piece, stems)})
    keys = [key for key, _ in rivals.values()]
    names = {piece.name for piece in pieces}
    print_tables(
        [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((given.out / "scores").rglob("*.json"))
            if path.stem in keys and path.parent.name in names
        ]
    )


def contenders(models: list[str]) -> dict[str, tuple[str, Callable[[Piece, Path], Stems]]]:
    """Return contenders by name: the name of their files, and how they separate."""
    found: dict[str, tuple[str, Callable[[Piece, Path], Stems]]] = {
        "mix": ("mix", lambda piece, folder: {}),
        "HPSS": ("hpss", _hpss),
    }
    for model in models:
        separator = Separator(model)
        sha = (separator.checkpoint_sha256() or "none")[:12]
        found[separator.model_name] = (
            f"{separator.model_name}-{sha}",
            lambda piece, folder, separator=separator: _separated(separator, piece, folder),
        )
    found["true stems"] = ("truth", lambda piece, folder: piece.read_stems())
    return found


def _hpss(piece: Piece, folder: Path) -> Stems:
    audio, rate = piece.read_mixture()
    return separate_classic("HPSS", audio, sample_rate=rate)


def _separated(separator: Separator, piece: Piece, folder: Path) -> Stems:
    """Separate, and keep the stems: it is the slow part."""
    if not (folder / "done").exists():
        audio, rate = piece.read_mixture()
        folder.mkdir(parents=True, exist_ok=True)
        for name, stem in separator.separate(audio, rate).items():
            soundfile.write(folder / f"{name}.flac", stem.T, rate, subtype="PCM_24")
        (folder / "done").touch()
    return {
        path.stem: soundfile.read(path, dtype="float32", always_2d=True)[0].T
        for path in folder.glob("*.flac")
    }


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_suffix(".partial")
    growing.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(growing, path)


if __name__ == "__main__":
    main()
