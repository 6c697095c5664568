"""Measure how closely rendered violins follow the voice, at the stated delay, in three ways.

Run from the repository root:

    python recipes/ensemble/follow.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from pitch_check import Follower, demodulated, heard, pure, written

from carnatic_sep.datasets.bank import SAMPLE_RATE, load_bank
from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.ensemble.accompany import accompany
from carnatic_sep.ensemble.contour import Contour
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.score import Frame, generator
from carnatic_sep.ensemble.violin import bow
from carnatic_sep.ensemble.violin_bank import ViolinBank, line_cycles
from carnatic_sep.ensemble.voice_bank import VoiceBank

SECONDS = 20.0
BAR_CENTS = 5.0
FIRST_SEED = 1900


def main() -> int:
    options = _options()
    solos = load_bank(options.data, _config(options.voices), cache=options.cache)
    voices = VoiceBank.prepare(solos.voices, cache=options.cache)
    violins = ViolinBank.prepare(solos.notes, cache=options.cache)
    errors: dict[tuple[str, str], list[np.ndarray]] = {}
    cost = {"voice bank": 0.0, "violin line": 0.0, "violin bank": 0.0}
    for seed in range(FIRST_SEED, FIRST_SEED + options.pieces):
        cast = voices.cast(generator(seed, "cast"))
        frame = draw_frame(
            seconds=SECONDS, seed=seed, raga=cast.raga, tonic_hz=cast.tonic_hz, form="kriti"
        )
        clock = time.process_time()
        sung = voices.perform(
            frame,
            singer=cast.singer,
            sample_rate=SAMPLE_RATE,
            rng=generator(seed, "vocals"),
        )
        clock, cost["voice bank"] = _lap(clock, cost["voice bank"])
        line, parts = accompany(frame, sung.contour)
        clock, cost["violin line"] = _lap(clock, cost["violin line"])
        played = _play(violins, frame, line)
        clock, cost["violin bank"] = _lap(clock, cost["violin bank"])
        melody = write_melody(frame)
        sounds = {
            "bank violin, bank voice": played,
            "bank violin, written line": _play(violins, frame, melody.violin),
            "bowed string, written line": bow(
                melody.violin,
                tonic_hz=frame.tonic_hz,
                frames=round(SECONDS * SAMPLE_RATE),
                sample_rate=SAMPLE_RATE,
                rng=generator(seed, "violin"),
            ),
        }
        recorded = Follower(sung.contour, line, parts, frame.tonic_hz)
        composed = Follower(melody.voice, melody.violin, melody.violin_parts, frame.tonic_hz)
        for name, audio in sounds.items():
            follower = recorded if name == "bank violin, bank voice" else composed
            errors.setdefault((name, "YIN"), []).append(heard(audio, follower))
            errors.setdefault((name, "demodulated"), []).append(demodulated(audio, follower))
        for name, follower in (("bank voice", recorded), ("written line", composed)):
            cycles = line_cycles(
                follower.line,
                tonic_hz=frame.tonic_hz,
                frames=round(SECONDS * SAMPLE_RATE),
                sample_rate=SAMPLE_RATE,
            )
            tone = pure(cycles, follower.line)
            label = f"pure tone, {name}"
            errors.setdefault((label, "YIN"), []).append(heard(tone, follower))
            errors.setdefault((label, "demodulated"), []).append(demodulated(tone, follower))
            label = f"bank violin, {name}"
            errors.setdefault((label, "read position"), []).append(written(cycles, follower))
    print("| sound | measured by | frames | median | 95 % within | within 5 cents |")
    print("|---|---|---:|---:|---:|---:|")
    met = True
    for (name, tool), found in sorted(errors.items()):
        off = np.abs(np.concatenate(found))
        median, most = np.percentile(off, [50, 95])
        met &= bool(median < BAR_CENTS)
        share = 100.0 * np.mean(off < BAR_CENTS)
        print(f"| {name} | {tool} | {off.size} | {median:.2f} | {most:.1f} | {share:.1f} % |")
    print()
    for name, seconds in cost.items():
        total = SECONDS * options.pieces
        print(f"{name}: {1000 * seconds / total:.1f} ms of processor time a second of sound")
    return 0 if met else 1


def _lap(clock: float, spent: float) -> tuple[float, float]:
    now = time.process_time()
    return now, spent + now - clock


def _play(violins: ViolinBank, frame: Frame, line: Contour) -> np.ndarray:
    return violins.play(
        line,
        tonic_hz=frame.tonic_hz,
        frames=round(SECONDS * SAMPLE_RATE),
        sample_rate=SAMPLE_RATE,
        rng=generator(frame.seed, "violin"),
    )


def _config(voices: str) -> DataConfig:
    """Name the voices; of what is not played here, a little."""
    return DataConfig(
        voice=[voices],
        violin_pieces=["violin/bach/*_mov3*"],
        strokes=["mridangam/strokes/ta/*"],
        test=["none/*"],
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of solo recordings")
    parser.add_argument("--cache", type=Path, default=Path("runs/ensemble"), help="prepared banks")
    parser.add_argument("--voices", default="voice/alapana/*", help="which recordings sing")
    parser.add_argument("--pieces", type=int, default=12, help="pieces of 20 s")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
