"""How loud each stem is over time, and where its player sounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.windows import RATE, mono_blocks
from carnatic_sep.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from carnatic_sep.analysis.windows import Mono

    Row = NDArray[np.float64]

HOP_SECONDS = 0.01
SILENCE_DB = -90.0
"""A stem below this does not sound at all."""

_LOUD_QUANTILE = 0.95
_LENGTHS_DIFFER_SECONDS = 0.1


@dataclass(frozen=True)
class Levels:
    """Levels of the stems of one recording.

    Attributes
    ----------
    db : stem to (hops,), RMS in dBFS, of the time from ``k * hop_seconds`` on
    hop_seconds : from hop to hop
    """

    db: Mapping[str, Row]
    hop_seconds: float = HOP_SECONDS

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return max((len(row) for row in self.db.values()), default=0) * self.hop_seconds

    def active(self, stem: str, *, below_loud_db: float = 30.0) -> NDArray[np.bool_]:
        """Tell where `stem` sounds: less than `below_loud_db` below its own loud passages."""
        db = self.db[stem]
        sounding = db[db > SILENCE_DB]
        if not len(sounding):
            return np.zeros(len(db), dtype=bool)
        return np.asarray(
            db > max(float(np.quantile(sounding, _LOUD_QUANTILE)) - below_loud_db, SILENCE_DB)
        )

    def smoothed(self, stem: str, seconds: float) -> Row:
        """Return the level of `stem`, its power averaged over `seconds`, dBFS."""
        from scipy.ndimage import uniform_filter1d

        power = uniform_filter1d(
            10.0 ** (self.db[stem] / 10.0), max(1, round(seconds / HOP_SECONDS))
        )
        return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (SILENCE_DB / 10.0))))


def stem_levels(
    stems: Mapping[str, Path], *, report: Callable[[str, float], None] = lambda stem, seconds: None
) -> Levels:
    """Measure the stems of a recording, a block in memory at a time.

    Parameters
    ----------
    stems : name to file
    report : takes a stem and the seconds of it that are done

    Raises
    ------
    AnalysisError
        Stems of different lengths; both are named.
    AudioReadError
        A file cannot be read.
    """
    rows: dict[str, Row] = {}
    for name, path in stems.items():

        def told(seconds: float, name: str = name) -> None:
            report(name, seconds)

        rows[name] = block_levels(mono_blocks(path), report=told)
    lengths = {name: len(row) * HOP_SECONDS for name, row in rows.items()}
    if lengths:
        longest, shortest = (
            max(lengths, key=lengths.__getitem__),
            min(lengths, key=lengths.__getitem__),
        )
        if lengths[longest] - lengths[shortest] > _LENGTHS_DIFFER_SECONDS:
            raise AnalysisError(
                f"{stems[shortest]} lasts {lengths[shortest]:.2f} s but {stems[longest]} "
                f"{lengths[longest]:.2f} s: stems of one recording must be equally long; separate "
                "it again"
            )
    most = max((len(row) for row in rows.values()), default=0)
    return Levels(
        {
            name: np.pad(row, (0, most - len(row)), constant_values=SILENCE_DB - 10.0)
            for name, row in rows.items()
        }
    )


def block_levels(
    blocks: Iterable[Mono], *, report: Callable[[float], None] = lambda seconds: None
) -> Row:
    """Return the RMS level of each 10 ms of blocks at 44.1 kHz, (hops,), dBFS."""
    hop = round(HOP_SECONDS * RATE)
    rest = np.zeros(0, dtype=np.float32)
    levels, done = [], 0
    for block in blocks:
        whole = np.concatenate([rest, block])
        count = len(whole) // hop
        levels.append(_db(whole[: count * hop].reshape(count, hop)))
        rest = whole[count * hop :]
        done += len(block)
        report(done / RATE)
    if len(rest):
        levels.append(_db(rest[None]))
    return np.concatenate(levels) if levels else np.zeros(0)


def _db(frames: NDArray[np.float32]) -> Row:
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-10)))
