"""Ragas as the renderer knows them: svaras in just intonation, each with its gamaka."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Svara:
    """One note of a raga.

    Attributes
    ----------
    name : sargam name with its variety, such as ``"R1"``
    cents : height above the tonic, just intonation
    kampita_cents : how far its oscillation swings (negative: downwards); 0 where it is held plain
    nyasa : whether a phrase may come to rest on it
    """

    name: str
    cents: float
    kampita_cents: float = 0.0
    nyasa: bool = False


@dataclass(frozen=True)
class Raga:
    """A scale whose ascent and descent are alike; its degrees continue into every octave."""

    name: str
    svaras: tuple[Svara, ...]

    def svara(self, degree: int) -> Svara:
        """Return the svara of `degree`, where 0 is the middle Sa and -1 the Ni below it."""
        return self.svaras[degree % len(self.svaras)]

    def cents(self, degree: int) -> float:
        """Return the height of `degree` above the tonic in cents.

        >>> MAYAMALAVAGOWLA.cents(7), MAYAMALAVAGOWLA.cents(-3)
        (1200.0, -498.0)
        """
        return 1200.0 * (degree // len(self.svaras)) + self.svara(degree).cents


_S = Svara("S", 0.0, nyasa=True)
_P = Svara("P", 702.0, nyasa=True)

MAYAMALAVAGOWLA = Raga(
    "Mayamalavagowla",
    (
        _S,
        Svara("R1", 112.0, -85.0),
        Svara("G3", 386.0, nyasa=True),
        Svara("M1", 498.0, 90.0),
        _P,
        Svara("D1", 814.0, -85.0),
        Svara("N3", 1088.0, 70.0),
    ),
)
KALYANI = Raga(
    "Kalyani",
    (
        _S,
        Svara("R2", 204.0, 140.0),
        Svara("G3", 386.0, 90.0, nyasa=True),
        Svara("M2", 590.0, 112.0),
        _P,
        Svara("D2", 906.0, 140.0),
        Svara("N3", 1088.0, 112.0),
    ),
)
KHARAHARAPRIYA = Raga(
    "Kharaharapriya",
    (
        _S,
        Svara("R2", 204.0, 90.0, nyasa=True),
        Svara("G2", 316.0, 160.0),
        Svara("M1", 498.0, 100.0),
        _P,
        Svara("D2", 906.0, 90.0),
        Svara("N2", 1018.0, 160.0),
    ),
)
SHANKARABHARANAM = Raga(
    "Shankarabharanam",
    (
        _S,
        Svara("R2", 204.0, 120.0),
        Svara("G3", 386.0, 60.0, nyasa=True),
        Svara("M1", 498.0, 150.0),
        _P,
        Svara("D2", 906.0, 120.0),
        Svara("N3", 1088.0, 80.0),
    ),
)

RAGAS = (MAYAMALAVAGOWLA, KALYANI, KHARAHARAPRIYA, SHANKARABHARANAM)
