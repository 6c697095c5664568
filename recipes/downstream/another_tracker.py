"""The same question put to a tracker of another kind: pYIN, on the mix and on the stems.

    python recipes/downstream/another_tracker.py --data DATA --out runs/downstream

listens to the real pieces, whose separation run.py has kept; one JSON file a piece and contender.
pYIN looks for the period of the sound where Melodia sums partials, and the concert's annotation is
none of its output.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pieces import Piece, concert_piece, multitrack_piece
from run import Stems, contenders, write_json
from scores import gated, melody_measures

from carnatic_sep.analysis.pitch import track_pitch

TRACKER = "pyin"
ROWS = {
    "overall_accuracy": ("overall accuracy, 50 cents", 100.0, "{:.1f} %"),
    "raw_pitch": ("raw pitch, 50 cents", 100.0, "{:.1f} %"),
    "raw_chroma": ("raw chroma, 50 cents", 100.0, "{:.1f} %"),
    "octave_errors": ("octave errors", 100.0, "{:.1f} %"),
    "voicing_recall": ("voicing recall", 100.0, "{:.1f} %"),
    "voicing_false_alarm": ("voicing false alarm", 100.0, "{:.1f} %"),
    "gamaka_correlation": ("gamaka correlation", 1.0, "{:.3f}"),
    "gamaka_rms_cents": ("gamaka error, cents", 1.0, "{:.1f}"),
}


def main() -> None:
    """Track what is not there yet, then print a table a piece."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/downstream"))
    parser.add_argument("--models", default="default", help="names or files, commas between")
    given = parser.parse_args()
    audio = given.out / "audio"
    for piece in concert_piece(given.data, audio) + multitrack_piece(given.data, audio):
        found = {}
        for name, (key, separate) in contenders(given.models.split(",")).items():
            if name in ("HPSS", "true stems"):
                continue
            path = given.out / TRACKER / piece.name / f"{key}.json"
            if not path.exists():
                print(f"{piece.name}: {name}", flush=True)
                stems = separate(piece, given.out / "stems" / piece.kind / piece.name / key)
                write_json(path, measures(piece, stems))
            found[name] = json.loads(path.read_text(encoding="utf-8"))
        print(f"\n| {piece.kind}, by {TRACKER} | " + " | ".join(found) + " |")
        print("|---|" + "---:|" * len(found))
        for row, (title, factor, form) in ROWS.items():
            cells = [form.format(factor * each[row]) for each in found.values()]
            print(f"| {title} | " + " | ".join(cells) + " |")


def measures(piece: Piece, stems: Stems) -> dict[str, float]:
    """Track the stem of the voice, or the mixture where there are no stems, and score it."""
    mixture, rate = piece.read_mixture()
    found = track_pitch(stems.get("vocals", mixture), rate, tracker=TRACKER, alone=bool(stems))
    return melody_measures(piece, gated(found, stems, rate))


if __name__ == "__main__":
    main()
