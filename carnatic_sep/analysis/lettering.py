"""Which fonts can write a title: the picture's own has Latin and Greek, but no Telugu."""

from __future__ import annotations

import unicodedata

OWN = "DejaVu Sans"
"""Matplotlib brings it along, and draws with it."""

_UNKNOWN = "\N{WHITE VERTICAL RECTANGLE}"


def lettered(text: str) -> tuple[str, list[str]]:
    """Return a line of text as it can be drawn, and the fonts to draw it with.

    Letters that matplotlib's own font lacks are looked for in the fonts that are installed; those
    that are in none become empty boxes, and what does not print becomes a space.

    >>> lettered("Śaṅkarābharaṇam")
    ('Śaṅkarābharaṇam', ['DejaVu Sans'])
    """
    line = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter
        for letter in text
    )
    missing = {ord(letter) for letter in line if not letter.isascii()}
    fonts = [OWN]
    for family, path in _installed() if missing else []:
        found = missing & _letters_of(path)
        if found and family != OWN:
            fonts.append(family)
        missing -= found
    return "".join(_UNKNOWN if ord(letter) in missing else letter for letter in line), fonts


def _installed() -> list[tuple[str, str]]:
    """Return families and their files, our own first."""
    from matplotlib import font_manager

    files = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    # the last resort draws a box with a number for every letter there is
    others = sorted(name for name in files if not name.startswith(("Last Resort", OWN)))
    return [(OWN, font_manager.findfont(OWN)), *((name, files[name]) for name in others)]


def _letters_of(path: str) -> set[int]:
    from matplotlib import font_manager

    try:
        return set(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):  # a font that was removed, or is damaged
        return set()
