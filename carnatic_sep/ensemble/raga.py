"""Ragas as the renderer knows them: two lines, gamakas, jiva phrases, in just intonation.

The data are in ``ragas.yaml`` beside this file, with their sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from carnatic_sep.errors import ConfigError, UnknownNameError

CENTS = {
    "S": 0.0,
    "R1": 112.0,
    "R2": 204.0,
    "R3": 316.0,
    "G1": 204.0,
    "G2": 316.0,
    "G3": 386.0,
    "M1": 498.0,
    "M2": 590.0,
    "P": 702.0,
    "D1": 814.0,
    "D2": 906.0,
    "D3": 1018.0,
    "N1": 906.0,
    "N2": 1018.0,
    "N3": 1088.0,
}
"""Heights of the sixteen svaras over the tonic, just intonation."""

GAMAKAS = ("", "kampita", "nokku", "orikkai", "jaru")
DATA = Path(__file__).with_name("ragas.yaml")


@dataclass(frozen=True)
class Svara:
    """One note of a raga.

    Attributes
    ----------
    name : sargam name with its variety, such as ``"R1"``
    cents : height above the tonic, just intonation
    kampita_cents : how far its oscillation swings (negative: downwards); 0 where it has none
    nyasa : whether a phrase may come to rest on it
    gamaka : one of :data:`GAMAKAS`; empty where it is held plain
    jiva : whether it carries the raga
    """

    name: str
    cents: float
    kampita_cents: float = 0.0
    nyasa: bool = False
    gamaka: str = ""
    jiva: bool = False


@dataclass(frozen=True)
class Raga:
    """Svaras, and the lines on which melody climbs and falls.

    Degrees number the raga's svaras from below, 0 being the middle Sa, and go on into every
    octave; where two varieties of a svara occur, both are counted.

    Attributes
    ----------
    svaras : of one octave, from below
    arohana : degrees of the ascent, from Sa to the upper Sa; crooked (vakra) where it turns back
    avarohana : degrees of the descent, from the upper Sa to Sa
    phrases : degrees of turns that are the raga's own
    melakarta : number of the parent scale, 1 to 72
    source : where the two lines can be looked up
    """

    name: str
    svaras: tuple[Svara, ...]
    arohana: tuple[int, ...]
    avarohana: tuple[int, ...]
    phrases: tuple[tuple[int, ...], ...] = ()
    melakarta: int = 0
    source: str = ""

    def svara(self, degree: int) -> Svara:
        """Return the svara of `degree`, where 0 is the middle Sa and -1 the svara below it."""
        return self.svaras[degree % len(self.svaras)]

    def cents(self, degree: int) -> float:
        """Return the height of `degree` above the tonic in cents.

        >>> raga("Mayamalavagowla").cents(7), raga("Mayamalavagowla").cents(-3)
        (1200.0, -498.0)
        """
        return 1200.0 * (degree // len(self.svaras)) + self.svara(degree).cents

    def degree(self, text: str) -> int:
        """Return the degree of a svara such as ``"G3"``, ``"S'"`` (octave up), ``"N3,"`` (down).

        Raises
        ------
        ConfigError
            The raga has no such svara.
        """
        name = text.rstrip("',")
        octave = text.count("'") - text.count(",")
        for index, svara in enumerate(self.svaras):
            if svara.name == name:
                return index + octave * len(self.svaras)
        raise ConfigError(
            f"raga {self.name}: it has no {text}; its svaras are "
            f"{', '.join(svara.name for svara in self.svaras)}"
        )

    def line(self, *, up: bool, index: int) -> int:
        """Return the degree at place `index` of the ascent (or descent), over all octaves.

        >>> mohanam = raga("Mohanam")
        >>> " ".join(mohanam.svara(mohanam.line(up=True, index=i)).name for i in (-1, 0, 1, 5))
        'D2 S R2 S'
        """
        degrees = self.arohana if up else self.avarohana
        octave, place = divmod(index, len(degrees) - 1)
        return degrees[place] + (octave if up else -octave) * len(self.svaras)

    def places(self, degree: int, *, up: bool) -> list[int]:
        """Return the places of the ascent (or descent) at which `degree` stands."""
        degrees, size = (self.arohana if up else self.avarohana)[:-1], len(self.svaras)
        return [
            (degree - each) // size * (1 if up else -1) * len(degrees) + place
            for place, each in enumerate(degrees)
            if (degree - each) % size == 0
        ]

    def allows(self, first: int, second: int) -> bool:
        """Tell whether `second` may follow `first` in a phrase.

        It may where the ascent, the descent or one of the raga's own phrases goes so, in any
        octave, and where a svara is repeated.
        """
        size = len(self.svaras)
        runs = (self.arohana, self.avarohana, *self.phrases)
        return first == second or any(
            (first - one) % size == 0 and second - first == other - one
            for run in runs
            for one, other in pairwise(run)
        )


def read_raga(values: Mapping[str, Any]) -> Raga:
    """Build a raga from one entry of ``ragas.yaml``.

    Raises
    ------
    ConfigError
        A key is missing, a svara or gamaka unknown, or a line does not run from Sa to Sa.
    """
    name = str(values.get("name", "?"))
    try:
        up, down = values["arohana"].split(), values["avarohana"].split()
        svaras = tuple(
            _svara(name, each, values)
            for each in sorted(
                {text.rstrip("',") for text in up + down}, key=lambda s: _key(name, s)
            )
        )
        bare = Raga(name, svaras, (), ())
        arohana, avarohana = _degrees(bare, up), _degrees(bare, down)
        phrases = tuple(_degrees(bare, phrase.split()) for phrase in values["phrases"])
        melakarta, source = int(values["melakarta"]), str(values["source"])
    except (KeyError, AttributeError, TypeError) as error:
        raise ConfigError(f"raga {name}: missing or misshapen entry {error}") from error
    top = len(svaras)
    if (arohana[0], arohana[-1], avarohana[0], avarohana[-1]) != (0, top, top, 0):
        raise ConfigError(f"raga {name}: its lines must run from S to S' and from S' to S")
    return Raga(name, svaras, arohana, avarohana, phrases, melakarta, source)


def _degrees(bare: Raga, texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(bare.degree(text) for text in texts)


def _key(raga_name: str, svara_name: str) -> tuple[float, str]:
    if svara_name not in CENTS:
        raise ConfigError(f"raga {raga_name}: no svara is called {svara_name}")
    return CENTS[svara_name], svara_name


def _svara(raga_name: str, name: str, values: Mapping[str, Any]) -> Svara:
    gamaka, _, extent = str(values["gamakas"].get(name, "")).partition(" ")
    if gamaka not in GAMAKAS or (gamaka == "kampita") != bool(extent):
        raise ConfigError(
            f"raga {raga_name}, {name}: gamaka {gamaka!r} {extent}; write kampita and its cents, "
            "or nokku, orikkai or jaru"
        )
    return Svara(
        name=name,
        cents=CENTS[name],
        kampita_cents=float(extent or 0.0),
        nyasa=name in values["nyasa"],
        gamaka=gamaka,
        jiva=name in values["jiva"],
    )


@cache
def ragas() -> tuple[Raga, ...]:
    """Return all ragas of ``ragas.yaml``, in its order.

    Raises
    ------
    ConfigError
        The file is damaged.
    """
    import yaml

    entries = yaml.safe_load(DATA.read_text(encoding="utf-8"))["ragas"]
    return tuple(read_raga(entry) for entry in entries)


def raga(name: str) -> Raga:
    """Return the raga called `name`; capitals and spaces do not matter.

    Raises
    ------
    UnknownNameError
        There is none.
    """
    wanted = name.replace(" ", "").lower()
    for each in ragas():
        if each.name.replace(" ", "").lower() == wanted:
            return each
    raise UnknownNameError("raga", name, [each.name for each in ragas()])
