"""Spoken drum phrases and what is built from them: sarvalaghu, korvais, mohras.

A line is a tuple of strokes and rests, one for each unit of time; every builder fills exactly the
units it is asked for, so that whatever follows falls on sama.

The forms are simplified from D. P. Nelson, "Mrdangam Mind: The Tani Avartanam in Karnatak Music",
doctoral thesis, Wesleyan University, 1991; the phrases are the common stock of every drummer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

REST = "-"
Line = tuple[str, ...]

_HANDS = {
    "ta": "ta",
    "ka": "ki",
    "ki": "ki",
    "di": "dhi",
    "mi": "na",
    "jo": "thom",
    "nu": "na",
    "din": "dhin",
    "gi": "ka",
    "na": "na",
    "tom": "tham",
    "dom": "gumki",
    "tan": "chapu",
    "nam": "nam",
    REST: REST,
}
"""Which stroke a spoken syllable stands for. One hand's choice; schools differ."""


def spoken(words: str) -> Line:
    """Return the strokes of a spoken phrase, ``-`` for a rest.

    >>> spoken("ta - din gi")
    ('ta', '-', 'dhin', 'ka')
    """
    return tuple(_HANDS[word] for word in words.split())


def _lines(*phrases: str) -> tuple[Line, ...]:
    return tuple(spoken(phrase) for phrase in phrases)


# What keeps time under a song, by length in pulses. The open strokes ring, the closed ones tick.
_SARVALAGHU = {
    4: _lines(
        "tom - din na",
        "nam din din na",
        "tom ka din na",
        "nam - din -",
        "tom - dom na",
        "nam ka din na",
        "tan - din na",
    ),
    6: _lines(
        "tom - din - din na",
        "nam ka din na din na",
        "tom - ka ta din na",
        "tan - din na din na",
    ),
}
_FILLERS = {
    2: _lines("ta ka"),
    3: _lines("ta ki ta"),
    4: _lines("ta ka di mi", "ta ka jo nu"),
    5: _lines("ta ka ta ki ta", "ta - ta ki ta"),
    6: _lines("ta ka di mi ta ka", "ta ki ta ta ki ta"),
    7: _lines("ta ki ta ta ka di mi", "ta - ki ta ta ki ta"),
    8: _lines("ta ka di mi ta ka jo nu", "ta ka jo nu ta ka di mi"),
    9: _lines("ta ka di mi ta ka ta ki ta"),
}
_CLOSINGS = {
    5: _lines("ta di gi na tom"),
    6: _lines("ta di - gi na tom"),
    7: _lines("ta - di - gi na tom"),
    8: _lines("ta di - gi - na - tom"),
    9: _lines("ta - di - gi - na - tom"),
}
SHORTEST_KORVAI = 21


def _pick(lines: tuple[Line, ...], rng: np.random.Generator) -> Line:
    return lines[int(rng.integers(len(lines)))]


def sarvalaghu(groups: tuple[int, ...], *, rng: np.random.Generator) -> Line:
    """Keep time through `groups` of 4 or 6 pulses; the first opens with both hands."""
    first, *rest = groups
    opening = tuple(line for line in _SARVALAGHU[first] if line[0] == "tham")
    line = _pick(opening, rng)
    for group in rest:
        line += _pick(_SARVALAGHU[group], rng)
    return line


def fill(units: int, *, rng: np.random.Generator) -> Line:
    """Fill `units` (2 or more) with running phrases, of even lengths where there is a choice."""
    return tuple(stroke for length in _split(units) for stroke in _pick(_FILLERS[length], rng))


def _split(units: int) -> list[int]:
    """Cut `units` into lengths of 2 to 9 that differ by one at most, the longer ones first."""
    parts = max(1, round(units / 6), -(-units // 9))
    short, longer = divmod(units, parts)
    return [short + 1] * longer + [short] * (parts - longer)


def korvai(units: int, *, rng: np.random.Generator) -> Line:
    """Build a closing figure: phrases that shrink or grow, then one phrase said three times.

    Parameters
    ----------
    units : at least :data:`SHORTEST_KORVAI`

    Returns
    -------
    (units,); its last stroke ends where sama follows
    """
    choices = [
        (length, gap)
        for length in _CLOSINGS
        for gap in range(5)
        if units - 3 * length - 2 * gap >= (6 if units > SHORTEST_KORVAI + 5 else 2)
        and 3 * length + 2 * gap >= min(units // 4, 27)
    ]
    length, gap = choices[int(rng.integers(len(choices)))]
    lengths = _split(units - 3 * length - 2 * gap)
    if rng.random() < 0.3:
        lengths.reverse()
    body = tuple(stroke for each in lengths for stroke in _pick(_FILLERS[each], rng))
    closing, rest = _pick(_CLOSINGS[length], rng), (REST,) * gap
    return body + closing + rest + closing + rest + closing


def mohra(units: int, *, rng: np.random.Generator) -> Line:
    """Build the figure that announces a korvai: a phrase and its cadence, three times over.

    Three quarters are ``phrase + cadence``; the last quarter says the cadence's end three times.

    Parameters
    ----------
    units : a multiple of 8, at least 32

    Returns
    -------
    (units,)
    """
    leg = units // 4
    phrase = fill(leg // 2, rng=rng)
    ending = spoken("ta di gi na tom")[: leg // 2]
    cadence = fill(leg // 2 - len(ending), rng=rng) if leg // 2 - len(ending) >= 2 else ()
    cadence += ending + (REST,) * (leg // 2 - len(cadence) - len(ending))
    word = spoken("din na tom") if leg >= 9 else spoken("na tom")
    gap = (leg - 3 * len(word)) // 3
    last = (word + (REST,) * gap) * 3
    return (phrase + cadence) * 3 + (REST,) * (leg - len(last)) + last
