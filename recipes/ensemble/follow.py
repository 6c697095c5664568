"""Measure how closely rendered violins follow the voice, at the stated delay, with YIN.

Run from the repository root:

    python recipes/ensemble/follow.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE, load_bank
from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.ensemble.accompany import accompany
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.score import Frame, ViolinPart, generator
from carnatic_sep.ensemble.violin import bow
from carnatic_sep.ensemble.violin_bank import ViolinBank
from carnatic_sep.ensemble.voice_bank import VoiceBank

SECONDS, HOP, WINDOW = 20.0, 441, 2048
BAR_CENTS = 5.0
FIRST_SEED = 1900


def main() -> int:
    options = _options()
    solos = load_bank(options.data, _config(options.voices), cache=options.cache)
    voices = VoiceBank.prepare(solos.voices, cache=options.cache)
    violins = ViolinBank.prepare(solos.notes, cache=options.cache)
    errors: dict[str, list[np.ndarray]] = {}
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
        errors.setdefault("bank violin, bank voice", []).append(
            _errors(played, sung.contour, line, parts, frame)
        )
        melody = write_melody(frame)
        made = _play(violins, frame, melody.violin)
        ruled = bow(
            melody.violin,
            tonic_hz=frame.tonic_hz,
            frames=round(SECONDS * SAMPLE_RATE),
            sample_rate=SAMPLE_RATE,
            rng=generator(seed, "violin"),
        )
        for name, sound in (("bank violin, written line", made), ("bowed string", ruled)):
            errors.setdefault(name, []).append(
                _errors(sound, melody.voice, melody.violin, melody.violin_parts, frame)
            )
    print("| violin | frames | median (cents) | 90 % within (cents) | within 5 cents |")
    print("|---|---|---|---|---|")
    met = True
    for name, found in errors.items():
        off = np.abs(np.concatenate(found))
        median, most = np.percentile(off, [50, 90])
        met &= bool(median < BAR_CENTS)
        share = 100.0 * np.mean(off < BAR_CENTS)
        print(f"| {name} | {off.size} | {median:.1f} | {most:.1f} | {share:.0f} % |")
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


def _errors(
    sound: np.ndarray,
    voice: Contour,
    line: Contour,
    parts: tuple[ViolinPart, ...],
    frame: Frame,
) -> np.ndarray:
    """Return cents between what YIN hears and the voice's line `delay` before, in shadows."""
    import librosa

    hz = librosa.yin(
        np.asarray(sound, dtype=np.float64),
        fmin=60.0,
        fmax=1600.0,
        sr=SAMPLE_RATE,
        frame_length=WINDOW,
        hop_length=HOP,
    )
    seconds = np.arange(hz.size) * HOP / SAMPLE_RATE
    heard = 1200.0 * np.log2(hz / frame.tonic_hz)
    width = WINDOW / SAMPLE_RATE
    found = []
    for part in parts:
        inside = (seconds > part.start + 0.1) & (seconds < part.end - 0.1)
        inside &= np.interp(seconds, line.times, line.level) > 0.3
        if part.role == "shadow" and inside.any():
            at = seconds[inside] - part.delay_seconds
            sung = _mean(voice.cents, at, width) + 1200.0 * part.octave
            off = heard[inside] - sung
            found.append(off - 1200.0 * np.round(off / 1200.0))
    return np.concatenate(found) if found else np.zeros(0)


def _mean(cents: np.ndarray, at: np.ndarray, width: float) -> np.ndarray:
    """Return the mean of a line over YIN's window."""
    total = np.concatenate([[0.0], np.cumsum(cents)])
    first = np.clip(((at - width / 2) * CONTROL_RATE).astype(int), 0, cents.size - 1)
    last = np.clip(((at + width / 2) * CONTROL_RATE).astype(int), first + 1, cents.size)
    return (total[last] - total[first]) / (last - first)


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
