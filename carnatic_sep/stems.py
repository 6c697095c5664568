"""The vocabulary of stems: their names, their order, and what people also call them."""

from __future__ import annotations

import re
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

WITHIN_OTHER = (
    *("tanpura", "tambura", "tamboura", "tampura", "drone", "sruti", "shruti"),
    *("ghatam", "kanjira", "khanjira", "ganjira", "morsing", "moorsing", "thavil", "tavil"),
    *("veena", "vina", "flute", "venu", "konnakol"),
)
"""What else is on a Carnatic stage: recorded alone at times, part of the stem ``other``."""


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


def stem_of(name: str) -> str | None:
    """Return the stem that a microphone or file called `name` feeds; None if nobody can tell.

    Numbers, sides and separators do not matter, and instruments without a stem of their own are
    part of ``other``.

    >>> stem_of("Mridangam_Left 2"), stem_of("ghatam-01"), stem_of("take 5")
    ('mridangam', 'other', None)
    """
    plain = re.sub(r"[\W_]+", "-", name.strip().lower()).strip("-")
    bare = re.sub(r"-?\d+$", "", plain)
    for candidate in (plain, bare, re.sub(r"-(left|right|l|r|s)$", "", bare)):
        if candidate in DEFAULT_STEMS:
            return candidate
        if candidate in ALIASES:
            return ALIASES[candidate]
        if candidate in WITHIN_OTHER:
            return OTHER
    return None
