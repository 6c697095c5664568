"""The hand that writes notes: svaras of a raga with their gamakas, phrase by phrase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from carnatic_sep.ensemble.contour import Note
from carnatic_sep.ensemble.gamaka import KAMPITA_HZ, SHORTEST_KAMPITA_SECONDS
from carnatic_sep.ensemble.phrase import starts, wander

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.raga import Raga, Svara

_SHORTEST_PLAIN_SECONDS = 0.6
_LONGEST_GRACE_CENTS = 220.0
_AHATA_SECONDS, _AHATA = (0.1, 0.5), 0.85
_WIDENED = (1.15, 2.1)
_SHORTEST_SHAKEN_REST_SECONDS, _PLAIN_REST = 0.4, 0.25
_SHORTEST_OTHER_SHAKEN_SECONDS, _OTHER_SHAKEN = 0.25, 0.75


_SARGAM = {"S": "sa", "R": "ri", "G": "ga", "M": "ma", "P": "pa", "D": "da", "N": "ni"}
_TANAM = ("a", "na", "ta", "na", "to", "na")


def sargam(svara: Svara, index: int) -> str:
    """Sing a svara by its name."""
    return _SARGAM[svara.name[0]]


def tanam(svara: Svara, index: int) -> str:
    """Sing the syllables of tanam in turn."""
    return _TANAM[index % len(_TANAM)]


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
        syllables: Callable[[Svara, int], str] | None = None,
    ) -> float:
        """Write a phrase; notes that would run past `end` are left out.

        Parameters
        ----------
        degrees, seconds : what to sing, and how long each
        start, end : seconds; `end` bounds the last note
        speed : 1, 2 or 3
        syllables : gives what is sung on a svara, and the how manieth of the phrase it is

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
            svara = self.raga.svara(degrees[index])
            self._note(
                degrees[index],
                at,
                float(seconds[index]),
                opens=index == 0,
                following=following,
                speed=speed,
                syllable=syllables(svara, index) if syllables else "",
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
        syllable: str,
    ) -> None:
        svara, rng = self.raga.svara(degree), self.rng
        closes = following is None
        above = self.raga.cents(degree + 1) - self.raga.cents(degree)
        below = self.raga.cents(degree) - self.raga.cents(degree - 1)
        swing = self._swing(svara, seconds, above=above, closes=closes)
        gamaka, reach = self._grace(svara, degree, seconds, following, above=above, below=below)
        if swing and gamaka == "ahata":
            gamaka, reach = "", 0.0
        plain = not swing and not gamaka and seconds >= _SHORTEST_PLAIN_SECONDS
        low, high = KAMPITA_HZ[speed]
        self._last = degree
        self.notes.append(
            Note(
                start=start,
                seconds=seconds,
                cents=self.raga.cents(degree),
                kampita_cents=swing,
                kampita_rate=rng.uniform(4.8, 6.2) if plain else rng.uniform(low, high),
                opens_phrase=opens,
                closes_phrase=closes,
                gamaka=gamaka,
                gamaka_cents=reach,
                vibrato_cents=rng.uniform(4.0, 18.0) if plain else 0.0,
                speed=speed,
                svara=svara.name,
                syllable=syllable,
            )
        )

    def _swing(self, svara: Svara, seconds: float, *, above: float, closes: bool) -> float:
        """Return how far the svara's kampita goes this time; 0 where it is held or too short.

        Svaras with another gamaka are shaken too when they last, towards the svara above; Sa and
        Pa never are.
        """
        lasts = seconds >= (_SHORTEST_SHAKEN_REST_SECONDS if closes else SHORTEST_KAMPITA_SECONDS)
        if not lasts or svara.name in ("S", "P"):
            return 0.0
        if svara.gamaka == "kampita":
            if closes and self.rng.random() < _PLAIN_REST:
                return 0.0
            return float(svara.kampita_cents * self.rng.uniform(*_WIDENED))
        if seconds >= _SHORTEST_OTHER_SHAKEN_SECONDS and self.rng.random() < _OTHER_SHAKEN:
            return float(min(above, _LONGEST_GRACE_CENTS) * self.rng.uniform(0.6, 1.1))
        return 0.0

    def _grace(
        self,
        svara: Svara,
        degree: int,
        seconds: float,
        following: int | None,
        *,
        above: float,
        below: float,
    ) -> tuple[str, float]:
        """Return the note's other gamaka and how far it reaches."""
        falls = following is not None and following < degree
        if svara.gamaka == "jaru":
            return "jaru", 0.0
        if svara.gamaka == "nokku" and following is not None:
            return "nokku", min(above, _LONGEST_GRACE_CENTS)
        if svara.gamaka == "orikkai" and falls:
            return "orikkai", min(above, _LONGEST_GRACE_CENTS)
        quick = _AHATA_SECONDS[0] <= seconds <= _AHATA_SECONDS[1]
        if following is not None and quick and self.rng.random() < _AHATA:
            reach = min(above, _LONGEST_GRACE_CENTS) if falls else -min(below, _LONGEST_GRACE_CENTS)
            return "ahata", float(reach * self.rng.uniform(0.6, 1.0))
        return "", 0.0
