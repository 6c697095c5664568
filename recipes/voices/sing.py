"""Sing Carnatic phrases with the diphones of many speakers, for training on more singers.

    python recipes/voices/sing.py --out recordings/voice/sung

Every MBROLA database is the voice of one person, cut from their speech. Each sings phrases that the
ensemble's composer wrote (raga, gamakas, tala), on vowels and consonants of their own language, at
a tonic near their own pitch, each in one raga. Above half the database's sampling rate there is
nothing, so what lies an octave lower is mirrored there, softer. 44.1 kHz mono, as
`OUT/<speaker>_<raga>_<second>.flac` and with tonics in `OUT_metadata.csv`: what
`carnatic_sep.ensemble` needs to cast them as singers.

Source: Dutoit et al., "The MBROLA project", ICSLP 1996. Programme and voices are Debian packages
(`mbrola` in contrib, `mbrola-*` in non-free; each voice has its own licence, not for commerce).
"""

from __future__ import annotations

import argparse
import csv
import struct
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from manifest import credit

from carnatic_sep.ensemble.contour import Contour
from carnatic_sep.ensemble.frame import draw_frame
from carnatic_sep.ensemble.melody import write_melody
from carnatic_sep.ensemble.raga import ragas

SAMPLE_RATE = 44100
# fmt: off
VOWELS = (
    "a", "a:", "A", "A:", "aa", "i", "i:", "ii", "I", "e", "e:", "E", "o",
    "o:", "O", "u", "u:", "uu", "@", "{", "V",
)
CONSONANTS = (
    "n", "m", "r", "l", "t", "d", "k", "g", "p", "b", "s", "v", "j", "D", "R", "4",
)
# fmt: on
FORMS = ("alapana", "alapana", "kriti", "tanam", "neraval", "kalpanasvara")
_SILENCE = "_ 60\n"
_PITCH_STEP_SECONDS = 0.015
_MOST_POINTS = 70
"""Of one phoneme; the programme refuses longer lines."""
_LONGEST_VOWEL_SECONDS = 1.6
_FIRST_SEED = 700_000


@dataclass(frozen=True)
class Speaker:
    """A database: its file, sampling rate and pitch in Hz, vowels, and the syllables it can say."""

    path: Path
    sample_rate: int
    pitch_hz: float
    vowels: tuple[str, ...]
    syllables: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.path.name


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the phrases")
    parser.add_argument("--voices", type=Path, default=Path("/usr/share/mbrola"))
    parser.add_argument("--phrases", type=int, default=5, help="of each speaker")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a phrase")
    options = parser.parse_args()
    files = sorted(path for path in options.voices.glob("*/*") if path.name == path.parent.name)
    if not files:
        parser.error(f"{options.voices}: no voices; apt install mbrola mbrola-in2 and others")
    options.out.mkdir(parents=True, exist_ok=True)
    tonics: dict[str, float] = {}
    with ThreadPoolExecutor() as pool:
        for index, speaker in enumerate(pool.map(listen, files)):
            if speaker is None:
                print(f"{files[index].name}: left out, it has not two vowels that we know")
                continue
            rng = np.random.default_rng([_FIRST_SEED, index])
            tonic_hz = speaker.pitch_hz * 2 ** rng.uniform(0.0, 0.5)
            raga = ragas()[index % len(ragas())].name
            singer = f"{speaker.name}_{raga.replace(' ', '')}"
            tonics[singer] = tonic_hz
            for number in range(options.phrases):
                audio = phrase(
                    speaker,
                    tonic_hz=tonic_hz,
                    raga=raga,
                    form=FORMS[number % len(FORMS)],
                    seconds=options.seconds,
                    seed=_FIRST_SEED + 100 * index + number,
                )
                name = f"{singer}_{number * options.seconds:.1f}.flac"
                soundfile.write(options.out / name, audio, SAMPLE_RATE, subtype="PCM_16")
            print(
                f"{speaker.name}: {raga}, Sa {tonic_hz:.0f} Hz, "
                f"{len(speaker.vowels)} vowels, {len(speaker.syllables)} syllables",
                flush=True,
            )
    with (options.out.parent / f"{options.out.name}_metadata.csv").open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["display_name", "Tonic"])
        rows.writerows([name, f"{tonic:.3f}"] for name, tonic in tonics.items())
    for name in tonics:
        credit(
            options.out,
            name=f"{name}_0.0.flac",
            source="MBROLA voices (Debian packages mbrola-*)",
            licence="each voice its own, not for sale",
            note=f"sung by recipes/voices with the diphones of {name.split('_')[0]}",
        )


def listen(path: Path) -> Speaker | None:
    """Find out what a database can say; None with fewer than two vowels."""
    head = path.read_bytes()[:32]
    diphones, old_size = struct.unpack("<hH", head[11:15])
    rate_at = 15 + (4 if old_size == 0 else 0) + 4
    (sample_rate,) = struct.unpack("<h", head[rate_at : rate_at + 2])
    pitch_hz = sample_rate / head[rate_at + 2]  # the period that all its diphones were set to
    if head[:6] != b"MBROLA" or diphones <= 0:
        raise SystemExit(f"{path}: no MBROLA database")
    vowels = tuple(
        vowel for vowel in VOWELS if speak(path, f"{_SILENCE}{vowel} 300\n{_SILENCE}") is not None
    )
    syllables = tuple(
        (consonant, vowel)
        for consonant in CONSONANTS
        for vowel in vowels
        if speak(
            path, f"{_SILENCE}{consonant} 70\n{vowel} 200\n{consonant} 70\n{vowel} 200\n{_SILENCE}"
        )
        is not None
    )
    return Speaker(path, sample_rate, pitch_hz, vowels, syllables) if len(vowels) > 1 else None


def speak(path: Path, phonemes: str) -> np.ndarray | None:
    """Let a database say `phonemes` (.pho): (frames,) at its own rate; None if it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.wav"
        done = subprocess.run(
            ["mbrola", str(path), "-", str(said)],
            input=phonemes,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode or "unknown" in done.stderr.lower() or not said.is_file():
            return None
        audio, _ = soundfile.read(said, dtype="float64")
    return audio if np.any(audio) else None


def phrase(
    speaker: Speaker, *, tonic_hz: float, raga: str, form: str, seconds: float, seed: int
) -> np.ndarray:
    """Sing one phrase: (frames,), float, peak 0.5."""
    rng = np.random.default_rng(seed)
    frame = draw_frame(seconds=seconds, seed=seed, tonic_hz=tonic_hz, raga=raga, form=form)
    line = write_melody(frame).voice
    said = speak(speaker.path, spell(speaker, line, tonic_hz=tonic_hz, seconds=seconds, rng=rng))
    if said is None:
        raise SystemExit(f"{speaker.path}: cannot sing its own syllables; seed {seed}")
    audio = soxr.resample(said, speaker.sample_rate, SAMPLE_RATE)
    audio = audio + 10 ** (rng.uniform(-20, -6) / 20) * mirrored(audio, speaker.sample_rate / 2)
    level = np.interp(np.arange(audio.size) / SAMPLE_RATE, line.times, line.level)
    sung = audio * (0.15 + 0.85 * level) * np.minimum(1.0, 20 * level)
    return 0.5 * sung / (np.abs(sung).max() + 1e-9)


def spell(
    speaker: Speaker, line: Contour, *, tonic_hz: float, seconds: float, rng: np.random.Generator
) -> str:
    """Write a contour as phonemes with durations in ms and pitch points in percent and Hz.

    A vowel is held until the next consonant: no database has a vowel after itself.
    """
    akara = rng.random() < 0.5  # alapana is mostly sung on one vowel
    held = str(rng.choice(speaker.vowels[:2] if akara else speaker.vowels))
    said: list[tuple[str, float]] = [("_", 0.0), (held, line.notes[0].start)]  # start in seconds
    for start, opens in moments(line):
        due = opens or start - said[-1][1] >= _LONGEST_VOWEL_SECONDS
        if start - said[-1][1] > 0.1 and (due or rng.random() < (0.12 if akara else 0.5)):
            after = {consonant for consonant, vowel in speaker.syllables if vowel == held}
            ways = [each for each in speaker.syllables if each[0] in after]
            if ways:
                consonant, vowel = ways[rng.integers(len(ways))]
                held = held if akara else vowel
                said += [(consonant, start), (held, start + 0.07)]
    rows = []
    ends = [start for _, start in said[1:]] + [seconds]
    for (phoneme, start), end in zip(said, ends, strict=True):
        length = max(end - start, 0.001)
        at = np.arange(0.0, length, max(_PITCH_STEP_SECONDS, length / _MOST_POINTS))
        cents = np.interp(start + at, line.times, line.cents)
        points = " ".join(
            f"{100 * where / length:.1f} {tonic_hz * 2 ** (height / 1200):.1f}"
            for where, height in zip(at, cents, strict=True)
        )
        rows.append(f"{phoneme} {max(1, round(1000 * length))} {points if phoneme != '_' else ''}")
    return "\n".join([*rows, _SILENCE])


def moments(line: Contour) -> list[tuple[float, bool]]:
    """When a syllable may begin, at notes and within long ones (s), and whether a phrase does."""
    found = []
    for note in line.notes[1:]:
        found.append((note.start, note.opens_phrase))
        inside = np.arange(note.start, note.end - 0.3, _LONGEST_VOWEL_SECONDS)[1:]
        found += [(float(start), False) for start in inside]
    return found


def mirrored(audio: np.ndarray, edge_hz: float) -> np.ndarray:
    """Move the octave below `edge_hz` to the one above: (frames,)."""
    spectrum = np.fft.rfft(audio)
    edge = int(edge_hz * audio.size / SAMPLE_RATE)
    width = min(edge // 2, spectrum.size - edge)
    above = np.zeros_like(spectrum)
    fade = np.linspace(1.0, 0.1, width)
    above[edge : edge + width] = spectrum[edge - width : edge][::-1].conj() * fade
    return np.fft.irfft(above, n=audio.size)


if __name__ == "__main__":
    main()
