"""The sets that the bundled model is evaluated on, written as plain folders of tracks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.pitch_annotation import read_pitch
from carnatic_sep.evaluation.cases import Case, kept_out_mixtures, real_excerpt
from carnatic_sep.evaluation.config import load_evaluation_config

CONFIG = Path("configs/evaluation.yaml")
BLEED_DB = (-20.0, -15.0, -10.0, -6.0)
CONCERT_SECONDS = (60.0, 100.0)


def write_sets(data: Path, folder: Path, *, mixtures: int, cache: Path) -> None:
    """Write ``kept-out``, ``bleeding``, ``bleeding-truth``, ``multitrack`` and ``concert``."""
    config = load_evaluation_config(CONFIG).model_copy(update={"mixtures": mixtures})
    for number, case in enumerate(kept_out_mixtures(config, data, cache=cache)):
        name = f"mixture-{number + 1:02}"
        _write(folder / "kept-out" / name, case.references, case.sample_rate)
        _bleed(case, number, folder, name)
    for name, excerpt in config.excerpts.items():
        case = real_excerpt(name, excerpt, data)
        _write(folder / "multitrack" / "bhuvini", case.references, case.sample_rate)
    _concert(data, folder / "concert" / "sri-raghuvara")


def _bleed(case: Case, number: int, folder: Path, name: str) -> None:
    """Put the players of a mixture on a stage; write what microphones record, and the truth."""
    from carnatic_sep.leakage.room import draw_room
    from carnatic_sep.leakage.simulate import simulate

    bleed_db = BLEED_DB[number % len(BLEED_DB)]
    scene = simulate(
        {stem: audio for stem, audio in case.references.items() if audio.any()},
        sample_rate=case.sample_rate,
        room=draw_room(number),
        bleed_db=bleed_db,
        seed=number,
    )
    name = f"{name} at {bleed_db:g} dB"
    _write(folder / "bleeding" / name, scene.bled, case.sample_rate)
    truth = {**scene.close, "mixture": scene.mixture}
    _write(folder / "bleeding-truth" / name, truth, case.sample_rate)


def _concert(data: Path, folder: Path) -> None:
    """Cut the real concert, with the part of its pitch annotation that belongs to it."""
    path = next((data / "saraga1.5_carnatic").glob("Live at Vani Mahal*/*/*.mp3"))
    audio, rate = read_audio(path)
    start, end = CONCERT_SECONDS
    _write(folder, {"mixture": audio[:, int(start * rate) : int(end * rate)].T}, rate)
    times, f0 = read_pitch(path.with_suffix(".pitch.txt"))
    inside = (times >= start) & (times < end)
    rows = zip(times[inside] - start, f0[inside], strict=True)
    lines = "".join(f"{time:.5f}\t{hz:.3f}\n" for time, hz in rows)
    (folder / "pitch.txt").write_text(lines, encoding="utf-8")
    tonic = float(path.with_suffix(".ctonic.txt").read_text().split()[0])
    (folder / "metadata.json").write_text(json.dumps({"tonic_hz": tonic}), encoding="utf-8")


def _write(folder: Path, sounds: dict[str, np.ndarray], rate: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in sounds.items():
        path = folder / f"{name}.wav"
        if not path.exists():  # so that an evaluation that was interrupted goes on
            soundfile.write(path, sound, rate, subtype="FLOAT")
