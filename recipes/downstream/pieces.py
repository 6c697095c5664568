"""What is analysed: an annotated concert, and rendered ensembles whose truth is exact."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.orders import make_ensemble
from carnatic_sep.ensemble.renders import Order, render_pieces
from carnatic_sep.ensemble.score import Score
from carnatic_sep.metrics.melody import Melody

FIRST_SEED = 880000
ANNOTATION_DELAY_SECONDS = 1105 / 44100
"""Saraga's pitch was annotated on samples from which a decoder had not cut the 1105 frames (576 of
the encoder and 529 of the decoder) that MP3 puts before the music; ours cuts them. Without this
shift gamakas are compared with themselves 25 ms later."""

_STEP = 5


@dataclass(frozen=True)
class Piece:
    """A mixture and what is known about it; unknown things are None or empty."""

    kind: str
    name: str
    mixture: Path
    voice: Melody
    tonic_hz: float
    violin: Melody | None = None
    strokes: np.ndarray | None = None
    stems: dict[str, Path] = field(default_factory=dict)

    def read_mixture(self) -> tuple[np.ndarray, int]:
        """Return (channels, frames) and the rate."""
        return read_audio(self.mixture)

    def read_stems(self) -> dict[str, np.ndarray]:
        """Return the true stems."""
        return {name: read_audio(path)[0] for name, path in self.stems.items()}


def concert_piece(data: Path, cache: Path) -> list[Piece]:
    """Return the annotated concert; none where the data are not there."""
    paths = sorted((data / "saraga1.5_carnatic").glob("Live at Vani Mahal*/*/*.mp3"))
    if not paths:
        print(f"no concert below {data}: that half is left out")
        return []
    path = paths[0]
    rows = np.loadtxt(path.with_suffix(".pitch.txt"))
    times = rows[:, 0] - ANNOTATION_DELAY_SECONDS
    later = times >= 0.0
    return [
        Piece(
            kind="concert",
            name="sri-raghuvara",
            mixture=path,
            voice=Melody(times[later], rows[later, 1]),
            tonic_hz=float(path.with_suffix(".ctonic.txt").read_text().split()[0]),
        )
    ]


def rendered_pieces(cache: Path, count: int, seconds: float) -> list[Piece]:
    """Render pieces by rule, with seeds that nothing was trained on, and read them back."""
    order = Order(count, seconds, FIRST_SEED)
    folder = cache / f"rendered-{seconds:g}s"

    def make() -> object:
        return make_ensemble(
            bank=None, cache=cache, config=EnsembleConfig(rule_share=1.0), sample_rate=44100
        )

    return [_read(written.folder) for written in render_pieces(make, order, folder)]


def _read(folder: Path) -> Piece:
    text = (folder / "score.json").read_text(encoding="utf-8")
    score = Score.from_json(text)
    gain = json.loads(text)["gain"]
    assert gain > 0.0
    return Piece(
        kind="rendered",
        name=folder.name,
        mixture=folder / "mixture.wav",
        voice=_melody(score, "voice"),
        tonic_hz=score.tonic_hz,
        violin=_melody(score, "violin"),
        strokes=np.array(sorted(s.seconds for s in score.strokes if s.instrument == "mridangam")),
        stems={name: folder / f"{name}.wav" for name in ("vocals", "violin", "mridangam", "other")},
    )


def _melody(score: Score, part: str) -> Melody:
    line = getattr(score, part)
    f0 = np.where(line.level > 0.02, score.tonic_hz * 2.0 ** (line.cents / 1200.0), 0.0)[::_STEP]
    return Melody(np.arange(len(f0)) * (_STEP / CONTROL_RATE), f0.astype(np.float64))
