"""Sustained notes of other bowed instruments, for training on more than one violin.

    python recipes/voices/bow.py --out recordings/violin

Plays every third semitone of a violin's range on the solo strings of SoundFonts (General MIDI
programmes violin and viola): `OUT/<font>-<programme>/<note>.flac`, 44.1 kHz mono, 4 s. Each folder
is an instrument of its own; a note's pitch is its name's.

FluidSynth and the SoundFonts are Debian packages (`fluidsynth`, `fluid-soundfont-gm`,
`musescore-general-soundfont`; MIT licence).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from manifest import credit

SAMPLE_RATE = 44100
FONTS = (
    Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3"),
)
PROGRAMMES = {"violin": (40, 112), "viola": (41, 64)}
"""Number in General MIDI, from 0, and how hard it is bowed, of 127."""
NOTES = range(55, 94, 3)
SECONDS = 4.0
_REST_SECONDS = 2.0
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the instruments")
    parser.add_argument("--fonts", type=Path, nargs="*", default=FONTS)
    options = parser.parse_args()
    for font in options.fonts:
        if not font.is_file():
            parser.error(f"{font}: no such SoundFont; apt install fluid-soundfont-gm")
        for name, (programme, velocity) in PROGRAMMES.items():
            folder = options.out / f"{font.stem.split('_')[0].lower()}-{name}"
            folder.mkdir(parents=True, exist_ok=True)
            for note, audio in play(font, programme=programme, velocity=velocity).items():
                place = folder / f"{_NAMES[note % 12]}{note // 12 - 1}.flac"
                soundfile.write(place, 0.5 * audio / np.abs(audio).max(), SAMPLE_RATE)
            credit(
                folder,
                name=f"{_NAMES[NOTES[0] % 12]}{NOTES[0] // 12 - 1}.flac",
                source=f"{font.name} (Debian package)",
                licence="MIT",
                note=f"General MIDI programme {programme}",
            )
            print(folder, flush=True)


def play(font: Path, *, programme: int, velocity: int) -> dict[int, np.ndarray]:
    """Hold each of `NOTES` for `SECONDS`: (frames,), channels averaged, without reverberation."""
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "notes.mid", Path(folder) / "notes.wav"
        score.write_bytes(midi(programme, velocity=velocity))
        how = f"-ni -q -R 0 -C 0 -r {SAMPLE_RATE} -T wav -O float -F".split()
        command = ["fluidsynth", *how, str(sound), str(font), str(score)]
        subprocess.run(command, check=True, capture_output=True)
        audio, _ = soundfile.read(sound, always_2d=True)
    step, length = round((SECONDS + _REST_SECONDS) * SAMPLE_RATE), round(SECONDS * SAMPLE_RATE)
    mono = audio.mean(axis=1)
    return {note: mono[i * step : i * step + length] for i, note in enumerate(NOTES)}


def midi(programme: int, *, velocity: int) -> bytes:
    """Write a Standard MIDI File of `NOTES` with rests between: 500 ticks a beat, 120 a minute."""
    events = bytes([0, 0xC0, programme])
    wait = b"\0"
    for note in NOTES:
        events += wait + bytes([0x90, note, velocity]) + _ticks(SECONDS) + bytes([0x80, note, 0])
        wait = _ticks(_REST_SECONDS)
    events += bytes([0, 0xFF, 0x2F, 0])
    head = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1, 500 >> 8, 500 & 0xFF])
    return head + b"MTrk" + len(events).to_bytes(4, "big") + events


def _ticks(seconds: float) -> bytes:
    """A delay of up to 16 s as the format writes it: seven bits a byte."""
    ticks = round(seconds * 1000)
    return bytes([ticks >> 7 | 0x80, ticks & 0x7F])


if __name__ == "__main__":
    main()
