"""The vocabulary of stems: their names, their order, and what people also call them."""

from __future__ import annotations

from collections.abc import Iterable

from carnatic_sep.errors import UnknownNameError

VOCALS = "vocals"
VIOLIN = "violin"
MRIDANGAM = "mridangam"
OTHER = "other"

DEFAULT_STEMS = (VOCALS, VIOLIN, MRIDANGAM, OTHER)

ALIASES = {
    "vocal": VOCALS,
    "vocal-s": VOCALS,
    "voice": VOCALS,
    "singer": VOCALS,
    "fiddle": VIOLIN,
    "mridangam-left": MRIDANGAM,
    "mridangam-right": MRIDANGAM,
    "mridanga": MRIDANGAM,
    "mrudangam": MRIDANGAM,
    "rest": OTHER,
    "others": OTHER,
    "residual": OTHER,
}


def canonical(name: str, known: Iterable[str] = DEFAULT_STEMS) -> str:
    """Return the stem that `name` means among `known`.

    Raises
    ------
    UnknownNameError
        Nothing answers to `name`; the nearest names are suggested.

    >>> canonical("Mridangam-Left")
    'mridangam'
    """
    stems = list(known)
    wanted = name.strip().lower()
    for candidate in (wanted, ALIASES.get(wanted, wanted)):
        if candidate in stems:
            return candidate
    raise UnknownNameError("stem", name, stems)
