"""Splits of a dataset: read from a file, made with a seed, and checked for people on both sides."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from carnatic_sep.datasets.layout import LAYOUTS
from carnatic_sep.datasets.multitrack import Multitrack
from carnatic_sep.datasets.yaml_file import fit, read_mapping
from carnatic_sep.errors import DatasetError, UnknownNameError, UsageError
from carnatic_sep.files import growing

By = Literal["concert", "lead", "accompanist"]
BY: tuple[By, ...] = ("concert", "lead", "accompanist")
SPLITS = LAYOUTS / "splits"
_TRIES = 50


class SplitFile(BaseModel):
    """Which tracks of a dataset belong to which part.

    Attributes
    ----------
    dataset, about : for people
    match : whether `parts` list ids of tracks, or acts: the lead artists of concerts
    by, seed : how it was made, where a seed made it
    parts : name of a part to ids or acts
    accompanists : act to who is known to accompany it
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    about: str = ""
    match: Literal["id", "act"] = "id"
    by: By | None = None
    seed: int | None = None
    parts: dict[str, tuple[str, ...]]
    accompanists: dict[str, tuple[str, ...]] = {}


def read_split(name: str | Path) -> SplitFile:
    """Read a split that comes with the package by its name, or a YAML file.

    Raises
    ------
    ConfigError
        The file is missing or describes no split.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = SPLITS / f"{name}.yaml"
    return fit(SplitFile, read_mapping(path), path=path)


def apply_split(split: SplitFile, tracks: Iterable[Multitrack]) -> dict[str, list[Multitrack]]:
    """Sort `tracks` into the parts of `split`; tracks that it does not name are in none.

    Raises
    ------
    DatasetError
        A track belongs to two parts.
    """
    parts: dict[str, list[Multitrack]] = {name: [] for name in split.parts}
    for track in tracks:
        names = [name for name, members in split.parts.items() if _named(split, track, members)]
        if len(names) > 1:
            raise DatasetError(
                f"the split of {split.dataset} puts {track.id} into {' and '.join(names)}; "
                "correct the file so that each track is named once"
            )
        for name in names:
            parts[name].append(track)
    return parts


def make_split(
    tracks: Sequence[Multitrack],
    *,
    dataset: str,
    seed: int,
    fractions: Mapping[str, float],
    by: By = "accompanist",
    weights: Mapping[str, float] | None = None,
) -> SplitFile:
    """Divide tracks into parts that share no concert, no lead artist, or no player at all.

    Parameters
    ----------
    seed : the same seed gives the same split of the same tracks
    fractions : name of a part to its share of the whole; shares are taken relative to their sum
    by : what two parts must not have in common: a concert, a concert or lead artist, or anybody
        who is named on either stage
    weights : id of a track to what it counts, such as its seconds; 1 each if None

    Raises
    ------
    DatasetError
        Fewer groups without common people than parts.
    """
    weigh = weights or {}
    groups = [
        ([track.id for track in group], sum(weigh.get(track.id, 1.0) for track in group))
        for group in linked_groups(tracks, by=by)
    ]
    if len(groups) < len(fractions):
        remedy = (
            "all these tracks stay together; make fewer parts"
            if by == "concert"
            else "try --by concert, or make fewer parts"
        )
        raise DatasetError(
            f"{dataset}: there are {len(groups)} groups of tracks without a common {by}, too few "
            f"for {len(fractions)} parts; {remedy}"
        )
    chance = random.Random(seed)
    total = sum(weight for _, weight in groups) or 1.0
    wanted = {name: total * share / sum(fractions.values()) for name, share in fractions.items()}
    tries = [_deal(groups, wanted, chance) for _ in range(_TRIES)]
    best = min(tries, key=lambda dealt: _misfit(groups, dealt, wanted))
    parts = {
        name: tuple(sorted(i for number in best[name] for i in groups[number][0]))
        for name in fractions
    }
    return SplitFile(dataset=dataset, by=by, seed=seed, parts=parts)


def linked_groups(tracks: Sequence[Multitrack], *, by: By) -> list[list[Multitrack]]:
    """Gather tracks that must stay together, in the order of their first ids."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    ordered = sorted(tracks, key=lambda track: track.id)
    for track in ordered:
        own = root(f"track {track.id}")
        for person in [f"concert {plain_name(track.concert)}", *sorted(people(track, by=by))]:
            parent[root(person)] = own
    groups: dict[str, list[Multitrack]] = {}
    for track in ordered:
        groups.setdefault(root(f"track {track.id}"), []).append(track)
    return list(groups.values())


def people(track: Multitrack, *, by: By) -> set[str]:
    """Return who counts as the same person in two parts, as plain names."""
    if by == "concert":
        return set()
    return {
        plain_name(artist.name)
        for artist in track.artists
        if by == "accompanist" or artist.role == "lead"
    }


def shared_people(
    parts: Mapping[str, Sequence[Multitrack]], *, by: By = "accompanist"
) -> list[str]:
    """Say which concerts and people appear in more than one part; empty for an honest split."""
    found: list[str] = []
    for one, other in itertools.combinations(parts, 2):
        for kind, of in (("concert", _concerts), ("artist", lambda t: _names(t, by))):
            common = {n for t in parts[one] for n in of(t)} & {
                n for t in parts[other] for n in of(t)
            }
            found += [f"{kind} {name} is in both {one} and {other}" for name in sorted(common)]
    return found


def plain_name(name: str) -> str:
    """Reduce a name to its letters, without marks, dots or spaces.

    >>> plain_name("B.U. Ganesh Prasād")
    'buganeshprasad'
    """
    letters = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[\W_]+", "", "".join(c for c in letters if not unicodedata.combining(c)))


def write_split(split: SplitFile, path: Path, *, overwrite: bool = False) -> None:
    """Write a split as YAML, whole or not at all.

    Raises
    ------
    DatasetError
        The folder cannot be written.
    UsageError
        The file is there and `overwrite` is not given.
    """
    import yaml

    if path.exists() and not overwrite:
        raise UsageError(f"{path}: there already; give --overwrite to replace it, or another --out")
    values = split.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)
    try:
        with growing(path) as place:
            place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be written ({error.strerror}); give another file with --out"
        ) from error


def part_of(parts: Mapping[str, list[Multitrack]], name: str, dataset: str) -> list[Multitrack]:
    """Return one part by its name.

    Raises
    ------
    UnknownNameError
        There is no such part.
    """
    if name not in parts:
        raise UnknownNameError(f"split of {dataset}", name, list(parts))
    return parts[name]


def _concerts(track: Multitrack) -> set[str]:
    return {track.concert}


def _names(track: Multitrack, by: By) -> set[str]:
    wanted = people(track, by=by)
    return {artist.name for artist in track.artists if plain_name(artist.name) in wanted}


def _named(split: SplitFile, track: Multitrack, members: tuple[str, ...]) -> bool:
    if split.match == "id":
        return track.id in members
    leads = [artist.name for artist in track.artists if artist.role == "lead"]
    names = {plain_name(name) for name in (*leads, track.concert.rpartition(" by ")[2])}
    concert = plain_name(track.concert)
    return any(
        plain_name(member) in names or concert.startswith(f"{plain_name(member)}at")
        for member in members
    )


def _deal(
    groups: list[tuple[list[str], float]], wanted: Mapping[str, float], chance: random.Random
) -> dict[str, list[int]]:
    """Give out the groups in random order, each to the part that lacks most."""
    order = list(range(len(groups)))
    chance.shuffle(order)
    dealt: dict[str, list[int]] = {name: [] for name in wanted}
    lacking = dict(wanted)
    for position, number in enumerate(order):
        empty = [name for name in dealt if not dealt[name]]
        open_to = empty if len(empty) == len(order) - position else list(dealt)
        name = max(open_to, key=lambda part: lacking[part])
        dealt[name].append(number)
        lacking[name] -= groups[number][1]
    return dealt


def _misfit(
    groups: list[tuple[list[str], float]],
    dealt: Mapping[str, list[int]],
    wanted: Mapping[str, float],
) -> float:
    return max(
        abs(sum(groups[number][1] for number in dealt[name]) - wanted[name]) for name in wanted
    )
