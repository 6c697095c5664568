"""Is the octave of the concert's pitch annotation right? What lies between its partials says so.

    python recipes/downstream/between.py --data DATA

A voice has partials at multiples of its pitch and nothing of its own between them. Where a pitch is
told an octave too high, the voice's odd partials lie halfway between the told ones, and move as the
told pitch moves, which no drone does. Run run.py first: it keeps the stems and the renders.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from pieces import Piece, concert_piece, rendered_pieces

FRAME, FFT = 8192, 32768
PARTIALS = 3
STEP = 0.05
MOVING_CENTS = 30.0
MOVING_SECONDS = 0.1
CLEAR_DB = 6.0


def main() -> None:
    """Print one table: the annotation, and as controls the true pitch of renders and twice that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/downstream"))
    given = parser.parse_args()
    print("| pitch | heard in | frames | between over valleys | more than 6 dB |")
    print("|---|---|---:|---:|---:|")
    for piece in concert_piece(given.data, given.out / "audio"):
        _row("the annotation", "the mix", [_contrasts(piece, *piece.read_mixture())])
        stems = given.out.glob(f"stems/concert/{piece.name}/default-*/vocals.flac")
        for stem in sorted(stems, key=lambda path: path.stat().st_mtime)[-1:]:
            audio, rate = soundfile.read(stem, dtype="float32", always_2d=True)
            _row("the annotation", "the vocal stem", [_contrasts(piece, audio.T, rate)])
    renders = rendered_pieces(given.out / "audio", 6, 30.0)
    for times, name in ((1.0, "the truth"), (2.0, "twice the truth")):
        _row(
            f"{name} of renders",
            "the mix",
            [_contrasts(piece, *piece.read_mixture(), times=times) for piece in renders],
        )


def _row(pitch: str, sound: str, found: list[np.ndarray]) -> None:
    contrast = np.concatenate(found)
    print(
        f"| {pitch} | {sound} | {len(contrast)} | {np.median(contrast):+.1f} dB | "
        f"{np.mean(contrast > CLEAR_DB):.1%} |",
        flush=True,
    )


def _contrasts(piece: Piece, audio: np.ndarray, rate: int, *, times: float = 1.0) -> np.ndarray:
    """Return, where the pitch moves, the level halfway between partials over that beside it, dB."""
    mono = np.pad(audio.mean(axis=0), FRAME)
    at = np.arange(MOVING_SECONDS, piece.voice.times[-1] - MOVING_SECONDS, STEP)
    f0, ahead = piece.voice.at(at), piece.voice.at(at + MOVING_SECONDS)
    voiced = (f0 > 0.0) & (ahead > 0.0)
    glide = np.abs(1200.0 * np.log2(np.maximum(ahead, 1e-3) / np.maximum(f0, 1e-3)))
    moving = voiced & (glide > MOVING_CENTS) & (glide < 6.0 * MOVING_CENTS)
    taper = np.hanning(FRAME)
    found = []
    for seconds, hertz in zip(at[moving], times * f0[moving], strict=True):
        start = round(seconds * rate) + FRAME // 2
        level = np.abs(np.fft.rfft(mono[start : start + FRAME] * taper, FFT))
        decibels = 20.0 * np.log10(level + 1e-9)
        halves = np.arange(PARTIALS) + 0.5
        between = _peaks(decibels, hertz * halves, rate)
        valleys = _peaks(decibels, hertz * np.stack([halves - 0.25, halves + 0.25]), rate)
        found.append(np.mean(between - valleys.mean(axis=0)))
    return np.array(found)


def _peaks(decibels: np.ndarray, hertz: np.ndarray, rate: int) -> np.ndarray:
    """Return the highest level within 8 Hz of each frequency."""
    near = np.arange(-6, 7)
    return decibels[np.round(hertz * FFT / rate).astype(np.int64)[..., None] + near].max(axis=-1)


if __name__ == "__main__":
    main()
