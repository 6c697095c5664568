"""The hand that writes notes: svaras of a raga with their gamakas, phrase by phrase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from carnatic_sep.ensemble.contour import Note
from carnatic_sep.ensemble.gamaka import KAMPITA_HZ, SHORTEST_KAMPITA_SECONDS
from carnatic_sep.ensemble.phrase import starts, wander

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.raga import Raga

_SHORTEST_PLAIN_SECONDS = 0.6
_LONGEST_GRACE_CENTS = 220.0
_GRACES = ("nokku", "orikkai")


class Pen:
    """Write phrases of one raga into :attr:`notes`, in order of time."""

    def __init__(self, raga: Raga, rng: np.random.Generator) -> None:
        self.raga, self.rng = raga, rng
        self.notes: list[Note] = []
        self._last = 0

    def walk(self, count: int, *, low_cents: float, high_cents: float) -> list[int]:
        """Return a phrase of at least `count` degrees that starts near where the last ended."""
        places = starts(self.raga, low_cents=low_cents, high_cents=high_cents)
        near = sorted(places, key=lambda degree: abs(degree - self._last))[:4]
        start = near[int(self.rng.integers(len(near)))]
        return wander(
            self.raga,
            start=start,
            count=count,
            low_cents=low_cents,
            high_cents=high_cents,
            rng=self.rng,
        )

    def walk_from(self, degree: int, count: int) -> list[int]:
        """Return a phrase of at least `count` degrees that starts on `degree`."""
        return wander(self.raga, start=degree, count=count, rng=self.rng)

    def to_rest(self, degrees: Sequence[int]) -> list[int]:
        """Cut a phrase after the last svara that it may rest on, if there is one."""
        for index in range(len(degrees) - 1, 0, -1):
            if self.raga.svara(degrees[index]).nyasa:
                return list(degrees[: index + 1])
        return list(degrees)

    def phrase(
        self,
        degrees: Sequence[int],
        seconds: Sequence[float] | NDArray[np.float64],
        *,
        start: float,
        end: float,
        speed: int,
    ) -> float:
        """Write a phrase; notes that would run past `end` are left out.

        Parameters
        ----------
        degrees, seconds : what to sing, and how long each
        start, end : seconds; `end` bounds the last note
        speed : 1, 2 or 3

        Returns
        -------
        seconds at which the phrase ends
        """
        now, count = start, 0
        for length in seconds:
            if now + float(length) > end:
                break
            now, count = now + float(length), count + 1
        if count == 0 and end - start > 0.3:
            seconds, count, now = [end - start], 1, end
        at = start
        for index in range(count):
            following = degrees[index + 1] if index + 1 < count else None
            self._note(
                degrees[index],
                at,
                float(seconds[index]),
                opens=index == 0,
                following=following,
                speed=speed,
            )
            at += float(seconds[index])
        return now

    def _note(
        self,
        degree: int,
        start: float,
        seconds: float,
        *,
        opens: bool,
        following: int | None,
        speed: int,
    ) -> None:
        svara, rng = self.raga.svara(degree), self.rng
        closes = following is None
        shaken = svara.gamaka == "kampita" and not closes and seconds >= SHORTEST_KAMPITA_SECONDS
        plain = (closes or not svara.gamaka) and seconds >= _SHORTEST_PLAIN_SECONDS
        gamaka = "" if closes and svara.gamaka != "jaru" else svara.gamaka
        reach = self.raga.cents(degree + 1) - self.raga.cents(degree)
        if gamaka == "orikkai" and (following is None or following >= degree):
            gamaka = ""
        low, high = KAMPITA_HZ[speed]
        self._last = degree
        self.notes.append(
            Note(
                start=start,
                seconds=seconds,
                cents=self.raga.cents(degree),
                kampita_cents=svara.kampita_cents * rng.uniform(0.7, 1.15) if shaken else 0.0,
                kampita_rate=rng.uniform(4.8, 6.2) if plain else rng.uniform(low, high),
                opens_phrase=opens,
                closes_phrase=closes,
                gamaka="" if gamaka == "kampita" else gamaka,
                gamaka_cents=min(reach, _LONGEST_GRACE_CENTS) if gamaka in _GRACES else 0.0,
                vibrato_cents=rng.uniform(4.0, 18.0) if plain else 0.0,
                speed=speed,
                svara=svara.name,
            )
        )
