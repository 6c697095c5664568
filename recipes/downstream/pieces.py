"""What is analysed: an annotated concert, a multitrack, and renders whose truth is exact."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from carnatic_sep.analysis.pitch import track_pitch
from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.pitch_annotation import read_pitch
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.ensemble.orders import make_ensemble
from carnatic_sep.ensemble.renders import Order, render_pieces
from carnatic_sep.ensemble.score import Score
from carnatic_sep.leakage.clean import clean
from carnatic_sep.metrics.melody import Melody

FIRST_SEED = 880000

SOURCES = {
    "vocal": "vocals",
    "violin": "violin",
    "mridangam-left": "mridangam",
    "mridangam-right": "mridangam",
    "ghatam": "ghatam",
}
MULTITRACK_TONIC_HZ = 201.74
"""Saraga's annotation of "Bhuvini Dasudane"."""
AGREE_CENTS = 25.0
_STEP = 5


@dataclass(frozen=True)
class Piece:
    """A mixture and what is known about it; unknown things are None or empty.

    `known` says at which times of `voice` its pitch is known; at all if None.
    """

    kind: str
    name: str
    mixture: Path
    voice: Melody
    tonic_hz: float
    violin: Melody | None = None
    strokes: np.ndarray | None = None
    stems: dict[str, Path] = field(default_factory=dict)
    known: np.ndarray | None = None

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
    return [
        Piece(
            kind="concert",
            name="sri-raghuvara",
            mixture=path,
            voice=Melody(*read_pitch(path.with_suffix(".pitch.txt"))),
            tonic_hz=float(path.with_suffix(".ctonic.txt").read_text().split()[0]),
        )
    ]


def multitrack_piece(data: Path, cache: Path) -> list[Piece]:
    """Return the real multitrack, with the pitch that its vocal microphone heard."""
    folder = data / "real_multitrack"
    if not folder.is_dir():
        print(f"no multitrack below {data}: that part is left out")
        return []
    heard = {name: read_audio(folder / f"{name}.flac") for name in SOURCES}
    rate = heard["vocal"][1]
    mixture = cache / "multitrack" / "mixture.wav"
    reference = mixture.with_name("reference.npz")
    if not reference.is_file():
        mixture.parent.mkdir(parents=True, exist_ok=True)
        total = np.sum([audio for audio, _ in heard.values()], axis=0)
        soundfile.write(mixture, total.T, rate, subtype="FLOAT")
        close = {name: audio.mean(axis=0) for name, (audio, _) in heard.items()}
        np.savez(reference, **_close_pitch(close, rate))
    found = np.load(reference)
    return [
        Piece(
            kind="multitrack",
            name="bhuvini",
            mixture=mixture,
            voice=Melody(found["times"], found["f0"]),
            known=found["known"],
            tonic_hz=MULTITRACK_TONIC_HZ,
        )
    ]


def _close_pitch(close: dict[str, np.ndarray], rate: int) -> dict[str, np.ndarray]:
    """Track the vocal microphone, cleaned of the others, twice; what both say is known.

    Melodia's contour is kept whole: gamakas would be cut up where pYIN differs.
    """
    voice = clean(close, sample_rate=rate, sources=SOURCES).stems["vocal"]
    one, other = (
        track_pitch(voice, rate, tracker=name, alone=True) for name in ("melodia", "pyin")
    )
    count = min(len(one.f0), len(other.f0))
    a, b = one.f0[:count], other.f0[:count]
    both = (a > 0.0) & (b > 0.0)
    near = np.abs(1200.0 * np.log2(np.maximum(a, 1e-3) / np.maximum(b, 1e-3))) < AGREE_CENTS
    known = (both & near) | ((a == 0.0) & (b == 0.0))
    return {"times": one.times[:count], "f0": a, "known": known}


def rendered_pieces(
    cache: Path, count: int, seconds: float, *, seed: int = FIRST_SEED
) -> list[Piece]:
    """Render pieces by rule, with seeds that nothing was trained on, and read them back."""
    order = Order(count, seconds, seed)
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
