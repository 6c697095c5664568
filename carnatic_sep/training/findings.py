"""A look at the sounds that a run is to learn from: how much there is, and what spoils it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.audio.reader import probe
from carnatic_sep.audio.span import chunks_from
from carnatic_sep.datasets.bank import SAMPLE_RATE, select
from carnatic_sep.datasets.multitrack import LENGTH_TOLERANCE_SECONDS
from carnatic_sep.errors import AudioReadError
from carnatic_sep.training.multitracks import stem_feeds
from carnatic_sep.training.prepared import Findings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.bank import SoloBank, VoiceClip
    from carnatic_sep.datasets.config import DataConfig
    from carnatic_sep.datasets.multitrack import Multitrack

_QUIETEST_PEAK = 1e-3
_CLIPPED = 0.999
_CLIPPED_SHARE = 1e-3
_LEAST_VOICED = 0.1


def bank_findings(
    bank: SoloBank, taught: Sequence[VoiceClip], data: DataConfig, *, data_dir: Path
) -> Findings:
    """Look at solo recordings, which are in memory already.

    Told are recordings that are silent, clipped or hold numbers that are not finite, singing in
    which hardly any pitch was found, and patterns that nothing answers to.
    """
    kinds = {
        "voice clips": [(clip.path, clip.audio) for clip in bank.voices],
        "cleaned voices": [(clip.path, clip.audio) for clip in taught],
        "violin notes": [(note.path, note.audio) for note in bank.notes],
        "violin pieces": [(take.path, take.audio) for take in bank.pieces],
        "mridangam takes": [(take.path, take.audio) for take in bank.strokes],
        "rooms": [(take.path, take.audio) for take in bank.rooms],
    }
    used, problems = [], []
    for kind, recordings in kinds.items():
        if recordings:
            seconds = sum(len(audio) for _, audio in recordings) / SAMPLE_RATE
            used.append(f"{len(recordings)} {kind}, {seconds / 60:.1f} min")
        for path, audio in recordings:
            problems += [f"{path}: {fault}" for fault in _faults(audio)]
    for clip in bank.voices:
        if np.mean(clip.contour.voiced) < _LEAST_VOICED:
            problems.append(f"{clip.path}: hardly any pitch was found; no violin can follow it")
    problems += [
        f"{pattern}: no recording in {data_dir} matches this pattern"
        for pattern in _patterns(data)
        if not select(data_dir, [pattern])
    ]
    return Findings(tuple(used), tuple(problems))


def track_findings(tracks: Sequence[Multitrack], stems: Sequence[str]) -> Findings:
    """Look at multitracks: every file that a stem is made of is decoded once, block by block.

    Told are files that cannot be read, are silent or clipped, microphones of one track that differ
    in length, and tracks that have none of the stems.
    """
    held: dict[str, float] = dict.fromkeys(stems, 0.0)
    problems: list[str] = []
    for track in tracks:
        feeds = stem_feeds(track, stems)
        if not any(feeds.values()):
            problems.append(f"{track.id}: no stem; only its mixdown is used")
        try:
            rate, frames = track.info()
            problems += [f"{track.id}: {fault}" for fault in _files(track.files)]
        except AudioReadError as error:
            problems.append(f"{track.id}: {error}")
            continue
        for stem, names in feeds.items():
            held[stem] += frames / rate if names else 0.0
    used = [f"{stem} in {seconds / 60:.1f} min" for stem, seconds in held.items()]
    return Findings(
        (f"{len(tracks)} track{'' if len(tracks) == 1 else 's'}", *used), tuple(problems)
    )


def _files(paths: Iterable[Path]) -> Iterator[str]:
    """Decode files once, a block at a time."""
    lengths: dict[str, float] = {}
    for path in paths:
        heard = _Heard()
        try:
            rate = probe(path).sample_rate
            for block in chunks_from(path):
                heard.add(block)
        except AudioReadError as error:
            yield str(error)
            continue
        yield from (f"{path.name}: {fault}" for fault in heard.faults())
        lengths[path.name] = heard.frames / rate
    if lengths and max(lengths.values()) - min(lengths.values()) > LENGTH_TOLERANCE_SECONDS:
        told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in lengths.items())
        yield f"files differ in length: {told}"


@dataclass
class _Heard:
    """What blocks of one recording held."""

    frames: int = 0
    samples: int = 0
    clipped: int = 0
    peak: float = 0.0
    finite: bool = True

    def add(self, block: NDArray[np.float32]) -> None:
        """Take (..., frames)."""
        level = np.abs(block)
        self.frames += block.shape[-1]
        self.samples += block.size
        self.clipped += int(np.count_nonzero(level >= _CLIPPED))
        self.peak = max(self.peak, float(level.max(initial=0.0)))
        self.finite = self.finite and bool(np.all(np.isfinite(block)))

    def faults(self) -> Iterator[str]:
        """Say what is wrong, if anything is."""
        if not self.finite:
            yield "holds numbers that are not finite"
        elif self.peak < _QUIETEST_PEAK:
            yield "silent"
        elif self.clipped > _CLIPPED_SHARE * self.samples:
            yield f"clipped: {100 * self.clipped / self.samples:.1f} % at full scale"


def _faults(audio: NDArray[np.float32]) -> Iterator[str]:
    heard = _Heard()
    heard.add(audio)
    return heard.faults()


def _patterns(data: DataConfig) -> Iterator[str]:
    groups = (data.voice, data.violin_notes, data.violin_pieces, data.strokes, data.rooms)
    for group in (*groups, data.teacher_voice, data.synthesised_voice, data.test):
        yield from group
