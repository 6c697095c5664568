"""Solo recordings in memory: the bank that mixtures are drawn from."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.info import AUDIO_SUFFIXES
from carnatic_sep.audio.reader import read_audio
from carnatic_sep.datasets.config import DataConfig
from carnatic_sep.datasets.pitch import Contour, track_pitch
from carnatic_sep.errors import ConfigError
from carnatic_sep.files import below, growing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.float32]

SAMPLE_RATE = 44100
_NOTE = re.compile(r"^([A-G])(#?)(\d)$")
_STEPS = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}


@dataclass(frozen=True)
class VoiceClip:
    """A stretch of solo singing with its contour.

    Attributes
    ----------
    path : relative to the data folder
    performance : clips of one performance may be joined
    tonic : Hz, None where nobody wrote it down
    audio : (frames,)
    """

    path: str
    performance: str
    tonic: float | None
    audio: Audio
    contour: Contour


@dataclass(frozen=True)
class Note:
    """A sustained violin note, (frames,), of known pitch in Hz."""

    path: str
    f0: float
    audio: Audio

    @property
    def violin(self) -> str:
        """The folder: the notes of one are of one violin."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class Take:
    """Any other solo recording, (frames,); `kind` is its folder (a stroke's class)."""

    path: str
    kind: str
    audio: Audio


GROUPS = ("voice", "violin_notes", "violin_pieces", "strokes", "rooms")
"""Kinds of recordings in a bank, as :class:`~.config.DataConfig` names them."""


@dataclass(frozen=True)
class SoloBank:
    """All recordings of one side of the split, at :data:`SAMPLE_RATE`, mono."""

    voices: list[VoiceClip] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    pieces: list[Take] = field(default_factory=list)
    strokes: list[Take] = field(default_factory=list)
    rooms: list[Take] = field(default_factory=list)


def select(root: Path, patterns: Iterable[str]) -> list[str]:
    """Return the audio files below `root` that match any of `patterns`, sorted; no hidden ones.

    Names are relative to `root`, with forward slashes; a ``*`` stands for anything.
    """
    patterns = list(patterns)
    names = (
        path.relative_to(root).as_posix()
        for pattern in {pattern.split("/")[0] for pattern in patterns}
        for top in root.glob(pattern)
        for path in below(top)
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")
    )
    return sorted(name for name in set(names) if any(fnmatch(name, each) for each in patterns))


def select_training(root: Path, patterns: Iterable[str], data: DataConfig) -> list[str]:
    """Return what :func:`select` does, without the files that `data.test` keeps out."""
    return [
        name
        for name in select(root, patterns)
        if not any(fnmatch(name, pattern) for pattern in data.test)
    ]


def load_bank(
    root: Path,
    data: DataConfig,
    *,
    test: bool = False,
    cache: Path | None = None,
    needs: Collection[str] = GROUPS,
) -> SoloBank:
    """Load the training side of the split (or the test side) from `root`.

    Parameters
    ----------
    root : folder laid out as the configuration's patterns expect
    data : patterns; `data.test` decides the side
    cache : folder that keeps pitch contours between runs
    needs : groups of `data` without which there is no bank; the others may be empty

    Raises
    ------
    ConfigError
        The folder is missing, a group that is needed matches nothing on this side, or a violin
        note cannot be used.
    """
    require_folder(root)

    def side(group: str, *, both: bool = False) -> list[str]:
        patterns: list[str] = getattr(data, group)
        names = select(root, patterns)
        held = [n for n in names if any(fnmatch(n, t) for t in data.test)]
        chosen = names if both else held if test else [n for n in names if n not in held]
        if not chosen and group in needs:
            raise ConfigError(
                f"{root}: nothing matches {', '.join(patterns)} for "
                f"{'testing' if test else 'training'}; check the data folder and `data.test`"
            )
        return chosen

    tonics = voice_tonics(root)
    voices = [load_voice(root, name, tonics=tonics, cache=cache) for name in side("voice")]
    return SoloBank(
        voices=voices,
        notes=[_note(root, name) for name in side("violin_notes")],
        pieces=[_take(root, name) for name in side("violin_pieces")],
        strokes=[_take(root, name) for name in side("strokes")],
        rooms=[_take(root, name) for name in side("rooms", both=True)],
    )


def require_folder(root: Path) -> None:
    """Check that there is a data folder.

    Raises
    ------
    ConfigError
        `root` is no folder.
    """
    if not root.is_dir():
        raise ConfigError(
            f"{root}: no such folder; name the folder of solo recordings with --data "
            "or in the environment variable CARNATIC_SEP_DATA"
        )


def voice_tonics(root: Path) -> dict[str, float]:
    """Read tonics in Hz by performance from ``root/voice/*_metadata.csv``.

    Rows without one are left out.
    """
    tonics = {}
    for path in sorted((root / "voice").glob("*_metadata.csv")):
        with path.open(encoding="utf-8", errors="replace", newline="") as handle:
            for row in csv.DictReader(handle):
                try:
                    tonics[row["display_name"].strip()] = float(row["Tonic"])
                except (KeyError, TypeError, ValueError, AttributeError):
                    continue
    return tonics


def load_voice(
    root: Path, name: str, *, tonics: dict[str, float] | None = None, cache: Path | None = None
) -> VoiceClip:
    """Load one clip of singing and its contour (tracked once, then read from `cache`)."""
    audio = _mono(root / name)
    performance = re.split(r"_+\d+\.\d+", Path(name).stem)[0]
    tonic = (tonics or {}).get(performance)
    return VoiceClip(name, performance, tonic, audio, _cached_contour(audio, cache))


def note_frequency(name: str) -> float:
    """Return the frequency in Hz of a note name in twelve-tone equal temperament, A4 = 440 Hz.

    Raises
    ------
    ConfigError
        The name is no letter, sharp and octave.

    >>> round(note_frequency("C4"), 2)
    261.63
    """
    found = _NOTE.match(name)
    if not found:
        raise ConfigError(f"violin note {name!r}: expected a file named like A4 or C#5")
    letter, sharp, octave = found.groups()
    semitones = _STEPS[letter] + len(sharp) + 12 * (int(octave) - 4)
    return float(440.0 * 2 ** (semitones / 12))


def _mono(path: Path) -> Audio:
    """Read `path` at :data:`SAMPLE_RATE`, channels averaged: (frames,)."""
    import soxr

    audio, rate = read_audio(path)
    mono = audio.mean(axis=0)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    return np.ascontiguousarray(mono, dtype=np.float32)


def _take(root: Path, name: str) -> Take:
    return Take(name, Path(name).parent.name, _mono(root / name))


def _note(root: Path, name: str) -> Note:
    audio = _sustained(_mono(root / name))
    if not len(audio):
        raise ConfigError(f"{root / name}: silent or shorter than 50 ms; remove it")
    return Note(name, note_frequency(Path(name).stem), audio)


def _sustained(audio: Audio) -> Audio:
    """Cut a note to the part within 20 dB of its loudest 50 ms; empty where nothing sounds."""
    hop = SAMPLE_RATE // 20
    rms = np.sqrt(np.square(audio[: len(audio) // hop * hop].reshape(-1, hop)).mean(axis=1))
    loud = np.flatnonzero(rms > rms.max(initial=0.0) / 10)
    if not len(loud):
        return audio[:0]
    return audio[loud[0] * hop : (loud[-1] + 1) * hop]


def _cached_contour(audio: Audio, cache: Path | None) -> Contour:
    """Read the contour of `audio` from `cache`, by its contents, or track and keep it."""
    if cache is None:
        return track_pitch(audio, SAMPLE_RATE)
    place = cache / f"{hashlib.sha256(audio.tobytes()).hexdigest()[:24]}.npz"
    if place.is_file():
        with np.load(place) as stored:
            return Contour(stored["f0"], stored["voiced"], stored["level"])
    contour = track_pitch(audio, SAMPLE_RATE)
    with growing(place, shared=True) as begun, begun.open("wb") as file:
        np.savez(file, f0=contour.f0, voiced=contour.voiced, level=contour.level)
    return contour
