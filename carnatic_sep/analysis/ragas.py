"""Ragas near a distribution: which of the renderer's table it could be, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.analysis.distribution import STEP_CENTS, Distribution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.raga import Raga, Svara

    Row = NDArray[np.float64]

_BINS = round(1200.0 / STEP_CENTS)
_PLAIN_CENTS = 28.0
_FLOOR = 0.12
_ANCHOR, _NYASA, _JIVA = 1.6, 1.4, 1.2


@dataclass(frozen=True)
class NearRaga:
    """A raga of the table and how near it is.

    Attributes
    ----------
    name : as in ``ensemble/ragas.yaml``
    distance : 0 to 1, Hellinger's, from the distribution that its svaras and gamakas let expect
    """

    name: str
    distance: float


@dataclass(frozen=True)
class RagaGuess:
    """Which raga a melody could be in.

    Attributes
    ----------
    nearest : ragas, the nearest first
    confidence : 0 to 1: by how much the nearest beats the next, relative to the spread of all.
        Ragas that share their svaras (allied ragas, or a janya and its parent) cannot be told
        apart by a distribution, and come out near 0
    """

    nearest: tuple[NearRaga, ...]
    confidence: float


def nearest_ragas(found: Distribution, *, count: int = 5) -> RagaGuess:
    """Compare a folded distribution with what each raga of the table lets expect.

    Parameters
    ----------
    found : folded
    count : how many to return

    Raises
    ------
    ValueError
        The distribution is not folded, or of another grid.

    Source: this project; expectations follow ``ensemble/ragas.yaml``: svaras in just intonation, a
    kampita spread over its swing, Sa, nyasa and jiva svaras weighted up.
    """
    if not found.folded or len(found.density) != _BINS:
        raise ValueError(f"give a folded distribution of {_BINS} bins, not {len(found.density)}")
    names, expected = expectations()
    overlap = np.sqrt(expected) @ np.sqrt(found.density)
    apart = np.sqrt(np.maximum(0.0, 1.0 - overlap))
    order = np.argsort(apart, kind="stable")
    spread = float(np.median(apart) - apart[order[0]])
    margin = float(apart[order[1]] - apart[order[0]])
    return RagaGuess(
        tuple(NearRaga(names[index], float(apart[index])) for index in order[:count]),
        min(1.0, margin / spread) if spread > 0.0 else 0.0,
    )


@cache
def expectations() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the names of all ragas and what they let expect, (ragas, 120), each summing to 1."""
    from carnatic_sep.ensemble.raga import ragas

    table = ragas()
    rows = np.stack([_expected(raga) for raga in table])
    return tuple(raga.name for raga in table), rows


def _expected(raga: Raga) -> Row:
    row = np.zeros(_BINS)
    for svara in raga.svaras:
        weight = _ANCHOR if svara.name in ("S", "P") else 1.0
        weight *= _NYASA if svara.nyasa else 1.0
        weight *= _JIVA if svara.jiva else 1.0
        row += weight * _spread(svara)
    # Slides pass through every height; without a floor a single one would rule a raga out.
    return np.asarray((1.0 - _FLOOR) * row / row.sum() + _FLOOR / _BINS)


def _spread(svara: Svara) -> Row:
    """Return where one svara is heard, summing to 1: a swing dwells at both its ends."""
    swing = svara.kampita_cents * 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, 24)))
    apart = (
        np.arange(_BINS)[:, None] * STEP_CENTS - (svara.cents + swing) + 600.0
    ) % 1200.0 - 600.0
    row = np.exp(-0.5 * (apart / _PLAIN_CENTS) ** 2).sum(axis=1)
    return np.asarray(row / row.sum())
