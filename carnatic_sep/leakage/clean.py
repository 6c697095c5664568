"""Bleed out of stems: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan, log10, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.errors import UsageError
from carnatic_sep.leakage.config import CleanConfig, window_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.leakage.stream import Piece

    Audio = NDArray[np.float32]

__all__ = ["CLEANER_VERSION", "CleanConfig", "CleanReport", "Cleaned", "Tally", "clean"]

CLEANER_VERSION = "1"
"""Changes whenever the same input would come out otherwise."""

_DEFAULT = CleanConfig()


@dataclass(frozen=True)
class StemReport:
    """What happened to one microphone.

    Attributes
    ----------
    removed_db : energy taken out, relative to what was recorded; -inf where nothing was
    outcome : for each segment what it got: ``2 rounds``, ``1 round``, ``wiener``, ``mira``, or
        ``copy`` where another microphone records the same, of which it was not cleaned
    guarded : whether a segment got anything else than what was ordered
    solo_removed_db : the worst over segments of energy removed where it plays alone; NaN where it
        never does
    """

    removed_db: float
    outcome: tuple[str, ...]
    solo_removed_db: float
    guarded: bool


@dataclass(frozen=True)
class CleanReport:
    """What was done, enough to do it again.

    Attributes
    ----------
    version : :data:`CLEANER_VERSION`
    method, rounds : as configured
    sample_rate : Hz
    column_seconds : from column to column of the confidence
    band_edges_hz : of the confidence's bands
    stems : microphone to what happened to it
    """

    version: str
    method: str
    rounds: int
    sample_rate: int
    column_seconds: float
    band_edges_hz: tuple[float, ...]
    stems: Mapping[str, StemReport]

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; infinite and undefined numbers become None."""

        def number(value: float) -> float | None:
            return round(value, 3) if isfinite(value) else None

        return {
            "version": self.version,
            "method": self.method,
            "rounds": self.rounds,
            "sample_rate": self.sample_rate,
            "column_seconds": self.column_seconds,
            "band_edges_hz": [round(edge, 1) for edge in self.band_edges_hz],
            "stems": {
                name: {
                    "removed_db": number(stem.removed_db),
                    "guarded": stem.guarded,
                    "outcome": list(stem.outcome),
                    "solo_removed_db": number(stem.solo_removed_db),
                }
                for name, stem in self.stems.items()
            },
        }


@dataclass(frozen=True)
class Cleaned:
    """Stems without bleed.

    Attributes
    ----------
    stems : name to (frames,), as long as what came in
    confidence : name to (bands, columns) in 0..1: which share of what was recorded is the stem's
        own
    report : what was done
    """

    stems: dict[str, Audio]
    confidence: dict[str, Audio]
    report: CleanReport


@dataclass
class Tally:
    """Pieces as they come, summed up for a report."""

    names: list[str]
    recorded: NDArray[np.float64] = field(init=False)
    removed: NDArray[np.float64] = field(init=False)
    outcome: list[list[str]] = field(default_factory=list)
    solo: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recorded = np.zeros(len(self.names))
        self.removed = np.zeros(len(self.names))

    def add(self, piece: Piece) -> None:
        """Count one more piece."""
        self.recorded += piece.recorded
        self.removed += piece.removed
        self.outcome.append(piece.outcome)
        self.solo.append(piece.solo_removed_db)

    def report(self, *, config: CleanConfig, sample_rate: int) -> CleanReport:
        """Return what the pieces so far add up to."""
        from carnatic_sep.leakage.confidence import band_edges
        from carnatic_sep.leakage.segment import rounds_done
        from carnatic_sep.leakage.stream import hop_frames

        n_fft = window_frames(sample_rate)
        edges = band_edges(n_fft // 2 + 1, sample_rate=sample_rate)
        ordered = "mira" if config.method == "mira" else rounds_done(config.rounds)
        stems = {}
        for index, name in enumerate(self.names):
            outcome = tuple(outcome[index] for outcome in self.outcome)
            share = self.removed[index] / self.recorded[index] if self.recorded[index] else 0.0
            stems[name] = StemReport(
                removed_db=10.0 * log10(share) if share > 0.0 else float("-inf"),
                outcome=outcome,
                guarded=any(got != ordered for got in outcome),
                solo_removed_db=_worst([solo[index] for solo in self.solo]),
            )
        return CleanReport(
            version=CLEANER_VERSION,
            method=config.method,
            rounds=config.rounds,
            sample_rate=sample_rate,
            column_seconds=hop_frames(sample_rate) / sample_rate,
            band_edges_hz=tuple(edge * sample_rate / n_fft for edge in edges),
            stems=stems,
        )


def clean(
    stems: Mapping[str, NDArray[np.floating]],
    *,
    sample_rate: int,
    config: CleanConfig = _DEFAULT,
    sources: Mapping[str, str] | None = None,
) -> Cleaned:
    """Take out of each stem what leaked into its microphone from the others.

    Parameters
    ----------
    stems : name to (frames,), all of one length; recorded together, one clock
    sample_rate : Hz, 8000 or more
    config : how; see `CleanConfig`
    sources : stem to the instrument it records, where several record one; such microphones are
        not taken for each other's bleed. Each stem is an instrument of its own if None

    Returns
    -------
    Cleaned stems of the same length, confidence, report. The same input gives the same bytes.

    Raises
    ------
    UsageError
        Fewer than two stems, lengths that differ, sound that is not mono or not finite, or
        `sources` that name other stems.

    Notes
    -----
    Microphones must have stood still and run through no compressor for best results; where the
    fit goes wrong, the guard falls back to less. Works in two rounds: powers of the sources are
    estimated, weighted filters from every other microphone's purified spectrum are fitted in each
    frequency bin together with the target's own, and the others' part is subtracted.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).standard_normal((2, 16000)).astype(np.float32)
    >>> found = clean({"vocals": noise[0], "violin": noise[1] + 0.1 * noise[0]}, sample_rate=16000)
    >>> found.stems["violin"].shape
    (16000,)
    """
    from carnatic_sep.leakage.stream import clean_stream

    frames = check_stems(stems, sample_rate=sample_rate)
    names = list(stems)
    related = related_microphones(names, sources)

    def read(start: int, count: int) -> Audio:
        return np.stack([stems[name][start : start + count] for name in names]).astype(np.float32)

    tally, audio, confidence = Tally(names), [], []
    for piece in clean_stream(
        read, frames=frames, sample_rate=sample_rate, related=related, config=config
    ):
        tally.add(piece)
        audio.append(piece.audio)
        confidence.append(piece.confidence)
    whole, sure = np.concatenate(audio, axis=1), np.concatenate(confidence, axis=2)
    return Cleaned(
        stems=dict(zip(names, whole, strict=True)),
        confidence=dict(zip(names, sure, strict=True)),
        report=tally.report(config=config, sample_rate=sample_rate),
    )


def _worst(values: list[float]) -> float:
    """Return the highest that is a number; NaN if none is."""
    return max((value for value in values if not isnan(value)), default=nan)


def check_stems(stems: Mapping[str, NDArray[np.floating]], *, sample_rate: int) -> int:
    """Return the stems' common length in frames; raises as :func:`clean` does."""
    given: object = stems
    rate: object = sample_rate
    if not isinstance(given, Mapping) or not all(hasattr(x, "shape") for x in given.values()):
        raise UsageError(f"stems of {type(given).__name__}: give a dict of names and arrays")
    if not isinstance(rate, (int, np.integer)):
        raise UsageError(f"sample rate {sample_rate!r}: give whole Hz")
    if len(stems) < 2:
        raise UsageError(f"bleed needs two stems or more, not {len(stems)}")
    if sample_rate < 8000:
        raise UsageError(f"stems must be sampled at 8000 Hz or more, not {sample_rate}")
    shapes = {name: sound.shape for name, sound in stems.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise UsageError(f"stems must be mono and of one length, not {shapes}")
    broken = [name for name, sound in stems.items() if not np.all(np.isfinite(sound))]
    if broken:
        raise UsageError(f"stems hold NaN or infinite samples: {', '.join(broken)}")
    frames = len(next(iter(stems.values())))
    if frames < window_frames(sample_rate):
        raise UsageError(
            f"{frames} frames are too short to clean; give {window_frames(sample_rate)} or more"
        )
    return frames


def related_microphones(
    names: list[str], sources: Mapping[str, str] | None = None
) -> NDArray[np.bool_]:
    """Return (stems, stems), true where two record the same instrument.

    Raises
    ------
    UsageError
        `sources` names a stem that is not there.
    """
    unknown = sorted(set(sources or {}) - set(names))
    if unknown:
        raise UsageError(f"sources name {', '.join(unknown)}; stems are {', '.join(names)}")
    played = [(sources or {}).get(name, name) for name in names]
    return np.array([[a == b for b in played] for a in played])
