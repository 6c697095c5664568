"""Phrases that a raga allows: walks along its two lines, its own turns woven in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from carnatic_sep.ensemble.raga import Raga

_TURN = 0.16
_OWN_PHRASE = 0.35
_REPEAT = 0.06


def wander(
    raga: Raga,
    *,
    start: int,
    count: int,
    low_cents: float = -520.0,
    high_cents: float = 1620.0,
    rng: np.random.Generator,
) -> list[int]:
    """Walk from `start` over some `count` svaras to one that a phrase may rest on.

    Every step is one that the ascent, the descent or a phrase of the raga takes, or repeats a
    svara; see :meth:`~carnatic_sep.ensemble.raga.Raga.allows`.

    Parameters
    ----------
    start : degree
    count : svaras to sing at least; the walk goes on to the next nyasa svara
    low_cents, high_cents : range, in cents over the tonic; lines turn round there

    Returns
    -------
    degrees, `start` first
    """
    walk = _Walk(raga, start, rng)
    while len(walk.degrees) < count or not raga.svara(walk.degrees[-1]).nyasa:
        height = raga.cents(walk.degrees[-1])
        if height >= high_cents:
            walk.head(up=False)
        elif height <= low_cents:
            walk.head(up=True)
        elif rng.random() < _TURN:
            walk.head(up=not walk.up)
        if rng.random() < _OWN_PHRASE and walk.weave(low_cents, high_cents):
            continue
        if rng.random() < _REPEAT:
            walk.degrees.append(walk.degrees[-1])
        else:
            walk.step()
    return walk.degrees


class _Walk:
    """Where a line stands: the degrees so far, the direction, the place on its line."""

    def __init__(self, raga: Raga, start: int, rng: np.random.Generator) -> None:
        self.raga, self.rng = raga, rng
        self.degrees = [start]
        self.up = bool(rng.random() < 0.5)
        self.place = 0
        self._enter()

    def head(self, *, up: bool) -> None:
        """Turn, where the other line has this svara too."""
        if up != self.up and self.raga.places(self.degrees[-1], up=up):
            self.up = up
            self._enter()

    def step(self) -> None:
        """Go one place on."""
        self.place += 1
        self.degrees.append(self.raga.line(up=self.up, index=self.place))

    def weave(self, low_cents: float, high_cents: float) -> bool:
        """Sing one of the raga's own phrases from here, if one begins here within the range."""
        here, size = self.degrees[-1], len(self.raga.svaras)
        found = []
        for phrase in self.raga.phrases:
            if (here - phrase[0]) % size == 0:
                moved = [degree + here - phrase[0] for degree in phrase[1:]]
                if all(low_cents <= self.raga.cents(each) <= high_cents for each in moved):
                    found.append(moved)
        if not found:
            return False
        self.degrees += found[int(self.rng.integers(len(found)))]
        self.up = self.degrees[-1] > self.degrees[-2]
        self._enter()
        return True

    def _enter(self) -> None:
        """Take a place at which the line has this svara, or the other line's."""
        places = self.raga.places(self.degrees[-1], up=self.up)
        if not places:
            self.up = not self.up
            places = self.raga.places(self.degrees[-1], up=self.up)
        self.place = places[int(self.rng.integers(len(places)))]


def starts(raga: Raga, *, low_cents: float, high_cents: float) -> list[int]:
    """Return the degrees within a range on which a phrase may begin: its nyasa svaras."""
    size = len(raga.svaras)
    return [
        degree
        for degree in range(-2 * size, 3 * size)
        if raga.svara(degree).nyasa and low_cents <= raga.cents(degree) <= high_cents
    ]
