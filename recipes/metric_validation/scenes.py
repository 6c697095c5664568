"""Scenes with known truth: kept-out takes on a stage, and what microphones that bleed record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from carnatic_sep.datasets.bank import SAMPLE_RATE, load_bank
from carnatic_sep.datasets.mixer import MIXED_STEMS, Mixer
from carnatic_sep.evaluation.config import load_evaluation_config
from carnatic_sep.leakage.simulate import draw_room, room_responses, simulate
from carnatic_sep.stems import MRIDANGAM, VIOLIN, VOCALS

Stems = dict[str, NDArray[np.float32]]
Spans = list[tuple[float, float]]

RATE = 16000
SECONDS = 10.0
TARGETS = (VOCALS, VIOLIN, MRIDANGAM)
FADE_SECONDS = 0.03
DEVELOPMENT_SEED = 501
"""Of development pieces, and of the first room that they sound in."""


@dataclass(frozen=True)
class Piece:
    """Dry sources, each (frames,) at RATE, and when the three targets rest."""

    sources: Stems
    rests: dict[str, Spans]


@dataclass(frozen=True)
class Scene:
    """What the microphones record, what they should, and what annotation says."""

    close: Stems
    bled: Stems
    mixture: NDArray[np.float32]
    rests: dict[str, Spans]


def pieces(
    config: Path, data_dir: Path, *, count: int, cache: Path | None, development: bool = False
) -> list[Piece]:
    """Draw pieces from the takes that `config` keeps out of training; the same ones every time.

    Development pieces are drawn, with another seed, from the takes that it does not keep out.
    """
    wanted = load_evaluation_config(config)
    mix = wanted.mix.model_copy(update={"seconds": SECONDS, "room": 0.0, "percussion": 1.0})
    seed = DEVELOPMENT_SEED if development else wanted.seed
    bank = load_bank(data_dir, wanted.data, test=not development, cache=cache)
    mixer = Mixer(bank, mix, seed=seed)
    found = []
    for number in range(count):
        rng = np.random.default_rng([seed, 77, number])
        stems = soxr.resample(mixer.draw(rng).T, SAMPLE_RATE, RATE).T.astype(np.float32)
        sources = dict(zip(MIXED_STEMS, stems, strict=True))
        rests = {stem: _draw_rest(rng) for stem in TARGETS}
        for stem, spans in rests.items():
            sources[stem] = _rested(sources[stem], spans)
        found.append(Piece(sources, rests))
    return found


def scenes(piece: Piece, levels: tuple[float, ...], *, seed: int) -> Mapping[float, Scene]:
    """Place a piece in a room of its own and record it at every level of bleed (dB)."""
    room = room_responses(draw_room(seed), sample_rate=RATE, names=tuple(piece.sources))
    found = {}
    for level in levels:
        heard = simulate(piece.sources, sample_rate=RATE, room=room, bleed_db=level, seed=seed)
        found[level] = Scene(heard.close, heard.bled, heard.mixture, piece.rests)
    return found


def _draw_rest(rng: np.random.Generator) -> Spans:
    """One rest of 2 to 3 seconds somewhere: nobody plays all the time."""
    length = float(rng.uniform(2.0, 3.0))
    start = float(rng.uniform(0.3, SECONDS - length - 0.3))
    return [(start, start + length)]


def _rested(audio: NDArray[np.float32], spans: Spans) -> NDArray[np.float32]:
    gain = np.ones(len(audio), dtype=np.float32)
    fade = round(FADE_SECONDS * RATE)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    for start, end in spans:
        first, last = round(start * RATE), round(end * RATE)
        gain[first:last] = 0.0
        gain[first - fade : first] = ramp[::-1]
        gain[last : last + fade] = ramp
    return audio * gain
