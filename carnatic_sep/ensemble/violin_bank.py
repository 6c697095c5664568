"""A violin from recorded notes, bent along a pitch line by time-varying resampling."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.datasets.bank import SAMPLE_RATE
from carnatic_sep.ensemble.bow_noise import bow_noise
from carnatic_sep.ensemble.contour import CONTROL_RATE, Contour
from carnatic_sep.ensemble.flatten import OVERSAMPLING, flatten
from carnatic_sep.ensemble.legato import sustained_notes, violin_of
from carnatic_sep.ensemble.score import spans
from carnatic_sep.ensemble.violin_tone import ViolinCasting, body_curve, draw_tone, other_body
from carnatic_sep.errors import ConfigError
from carnatic_sep.files import growing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.datasets.bank import Note, Take

    Row = NDArray[np.float32]

_CACHE_VERSION = 2
_NOTE_RATE = OVERSAMPLING * SAMPLE_RATE
_HAND_SECONDS = 0.25
_SHORTEST_NOTE_SECONDS = 0.35
_CROSSING_SECONDS = 0.03
_HIGHEST_HZ = 1200.0
_FEWEST_NOTES = 6


@dataclass(frozen=True)
class FlatNote:
    """A recorded note of unwavering pitch.

    Attributes
    ----------
    f0 : Hz
    audio : (frames,) at 88.2 kHz
    noise : what of it lies between the harmonics, (frames,)
    """

    f0: float
    audio: Row
    noise: Row


@dataclass(frozen=True)
class Violin:
    """Notes of one violin in order of pitch."""

    notes: tuple[FlatNote, ...]

    @cached_property
    def body(self) -> NDArray[np.float64]:
        """Its body; see :func:`~.violin_tone.body_curve`."""
        return body_curve([(n.f0, n.audio) for n in self.notes], sample_rate=_NOTE_RATE)


@dataclass(frozen=True)
class ViolinBank:
    """One or more violins, ready to be bent.

    Example
    -------
    ``bank = ViolinBank.prepare(load_bank(root, data).notes, cache=folder)``, then
    ``bank.play(score.violin, tonic_hz=..., frames=..., sample_rate=44100, rng=...)``.
    """

    violins: tuple[Violin, ...]

    @staticmethod
    def prepare(
        notes: Sequence[Note], *, pieces: Sequence[Take] = (), cache: Path | None = None
    ) -> ViolinBank:
        """Flatten recorded notes, once: with `cache`, a folder, later runs read them back.

        Notes above 1.2 kHz are left out: no accompanist shadows up there. The `notes` of each
        folder are one violin, folders in order of name; each player of `pieces` gives another one,
        if six or more notes are held long enough to be bent (:func:`~.legato.sustained_notes`).

        Raises
        ------
        ConfigError
            No note is left.
        """
        usable = sorted((n for n in notes if n.f0 <= _HIGHEST_HZ), key=lambda note: note.f0)
        if not usable:
            raise ConfigError(
                "violin bank: no note below 1200 Hz; give sustained notes named like A4.wav"
            )
        violins = [
            _violin([note for note in usable if note.violin == name], cache)
            for name in sorted({note.violin for note in usable})
        ]
        held = sustained_notes(pieces, cache=cache)
        for name in sorted({violin_of(note.path) for note in held}):
            theirs = [note for note in held if violin_of(note.path) == name]
            if len(theirs) >= _FEWEST_NOTES:
                violins.append(_violin(sorted(theirs, key=lambda note: note.f0), cache))
        return ViolinBank(tuple(violins))

    def cast(self, rng: np.random.Generator, *, variety: float) -> ViolinCasting:
        """Draw a violin: the first as it was recorded if `variety` is 0, else any, changed.

        `variety` is how far they differ; see :func:`~.violin_tone.draw_tone`.
        """
        if not variety:
            return ViolinCasting()
        return ViolinCasting(int(rng.integers(len(self.violins))), draw_tone(rng, variety))

    def play(
        self,
        contour: Contour,
        *,
        tonic_hz: float,
        frames: int,
        sample_rate: int,
        rng: np.random.Generator,
        casting: ViolinCasting | None = None,
    ) -> Row:
        """Play `contour` (cents over `tonic_hz`) with the noise and the body of the recordings.

        The note nearest to the hand's place on the string is read at the speed that gives the
        line's pitch; where the hand moves on, the next note takes over within 30 ms.

        Parameters
        ----------
        casting : which violin, and what is changed about it; see :meth:`cast`

        Returns
        -------
        (frames,), mono, dry, RMS about 1 where the level is 1
        """
        if sample_rate != SAMPLE_RATE:
            import soxr

            count = round(frames * SAMPLE_RATE / sample_rate)
            full = self.play(
                contour,
                tonic_hz=tonic_hz,
                frames=count,
                sample_rate=SAMPLE_RATE,
                rng=rng,
                casting=casting,
            )
            slow = soxr.resample(full, SAMPLE_RATE, sample_rate)[:frames]
            return np.pad(slow, (0, frames - slow.size))
        casting = casting or ViolinCasting()
        violin = self.violins[casting.number]
        noise_gain = 10.0 ** (casting.tone.noise_db / 20.0) - 1.0
        at = np.arange(frames) * (CONTROL_RATE / sample_rate)
        control = np.arange(contour.cents.size)
        hz = tonic_hz * 2.0 ** (contour.cents / 1200.0)
        cycles = line_cycles(contour, tonic_hz=tonic_hz, frames=frames, sample_rate=sample_rate)
        out = np.zeros(frames, dtype=np.float32)
        colour = int(rng.integers(-1, 2)) if len(violin.notes) > 2 else 0
        for start, end in spans(contour.level, rate=CONTROL_RATE, threshold=1e-3):
            for first, last, note in _hand(violin, hz, start, end, colour):
                _read(out, cycles, note, (first, last), rng, noise_gain=noise_gain)
        if casting.tone.filters:
            out = other_body(out, casting.tone, violin.body, sample_rate=sample_rate)
        gain = contour.level * bow_changes(contour, rng=rng)
        out *= np.interp(at, control, gain).astype(np.float32)
        return out


def line_cycles(
    contour: Contour, *, tonic_hz: float, frames: int, sample_rate: int
) -> NDArray[np.float64]:
    """Return how many cycles of a line have passed at each sample, (frames,).

    It is the position at which notes are read, in cycles of theirs: its slope is the pitch played.
    """
    at = np.arange(frames) * (CONTROL_RATE / sample_rate)
    hz = tonic_hz * 2.0 ** (contour.cents / 1200.0)
    return np.cumsum(np.interp(at, np.arange(hz.size), hz)) / sample_rate


def _hand(
    violin: Violin, hz: NDArray[np.float64], start: float, end: float, colour: int
) -> list[tuple[float, float, FlatNote]]:
    """Cut a stretch into spans of one note each: start and end in seconds, and the note."""
    from scipy.ndimage import gaussian_filter1d

    first, last = int(start * CONTROL_RATE), int(np.ceil(end * CONTROL_RATE)) + 1
    height = gaussian_filter1d(np.log2(hz[first:last]), _HAND_SECONDS * CONTROL_RATE)
    pitches = np.log2([note.f0 for note in violin.notes])
    nearest = np.argmin(np.abs(height[:, None] - pitches), axis=1) + colour
    nearest = np.clip(nearest, 0, len(violin.notes) - 1)
    edges = [0, *(np.flatnonzero(np.diff(nearest)) + 1)]
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] >= _SHORTEST_NOTE_SECONDS * CONTROL_RATE:
            kept.append(int(edge))
    bounds = [start + edge / CONTROL_RATE for edge in kept] + [end]
    bounds[0] = start
    return [
        (one, other, violin.notes[int(nearest[edge])])
        for edge, one, other in zip(kept, bounds, bounds[1:], strict=False)
    ]


def _read(
    out: Row,
    cycles: NDArray[np.float64],
    note: FlatNote,
    span: tuple[float, float],
    rng: np.random.Generator,
    *,
    noise_gain: float,
) -> None:
    """Add a note, read at the speed that `cycles` asks for, from span start to span end.

    It starts on a whole cycle, so that neighbours are in step while they cross.
    """
    fade = int(_CROSSING_SECONDS * SAMPLE_RATE)
    first = max(0, int(span[0] * SAMPLE_RATE) - fade // 2)
    last = min(out.size, int(span[1] * SAMPLE_RATE) + fade // 2)
    if last - first < 2 * fade:
        return
    wanted = cycles[first:last] - np.floor(cycles[first])
    room = note.audio.size / _NOTE_RATE * note.f0 - wanted[-1] - 2.0
    skipped = np.floor(rng.uniform(0.0, room)) if room > 1.0 else 0.0
    place = (wanted + skipped) * (_NOTE_RATE / note.f0)
    longest = note.audio.size - 2
    place = longest - np.abs(np.mod(place, 2 * longest) - longest)
    whole = place.astype(np.int64)
    share = (place - whole).astype(np.float32)
    tone = note.audio[whole] * (1.0 - share) + note.audio[whole + 1] * share
    if noise_gain:
        noise = note.noise[whole] * (1.0 - share) + note.noise[whole + 1] * share
        tone += np.float32(noise_gain) * noise
    ramp = (np.arange(fade, dtype=np.float32) + 0.5) / fade
    tone[:fade] *= ramp
    tone[-fade:] *= ramp[::-1]
    out[first:last] += tone


def bow_changes(contour: Contour, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the dips in level where the bow turns, every 0.4 to 1.6 s, (values,)."""
    gain = np.ones(contour.level.size)
    now = float(rng.uniform(0.2, 1.2))
    while now < gain.size / CONTROL_RATE:
        width = rng.uniform(0.010, 0.022)
        first = max(0, int((now - 5 * width) * CONTROL_RATE))
        last = int((now + 5 * width) * CONTROL_RATE) + 1
        away = (np.arange(first, min(last, gain.size)) / CONTROL_RATE - now) / width
        gain[first:last] *= 1.0 - rng.uniform(0.3, 0.85) * np.exp(-0.5 * away**2)
        now += rng.uniform(0.4, 1.6)
    return gain


def _violin(notes: Sequence[Note], cache: Path | None) -> Violin:
    return Violin(tuple(_flat(note, cache) for note in notes))


def _flat(note: Note, cache: Path | None) -> FlatNote:
    """Flatten a note and take its noise out, or read both from `cache`."""
    key = hashlib.sha256(note.audio.tobytes() + f"{note.f0} {_CACHE_VERSION}".encode()).hexdigest()

    def flat() -> Row:
        return flatten(note.audio, f0=note.f0, sample_rate=SAMPLE_RATE)

    audio = _kept(cache, f"violin-{key[:24]}", flat)
    noise = _kept(
        cache,
        f"violin-noise-{key[:24]}",
        lambda: bow_noise(audio, f0=note.f0, sample_rate=_NOTE_RATE),
    )
    return FlatNote(note.f0, audio, noise)


def _kept(cache: Path | None, name: str, make: Callable[[], Row]) -> Row:
    """Read an array from `cache`, or make and keep it."""
    if cache is None:
        return make()
    place = cache / f"{name}.npy"
    if not place.is_file():
        with growing(place, shared=True) as begun, begun.open("wb") as file:
            np.save(file, make())
    kept: Row = np.load(place, mmap_mode="r")
    return kept
