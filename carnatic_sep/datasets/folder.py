"""A folder read as its layout says: files matched to templates and gathered into tracks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from carnatic_sep.datasets.facts import gather, labels, read_document
from carnatic_sep.datasets.layout import DatasetLayout, compile_template
from carnatic_sep.datasets.multitrack import Microphone, Multitrack
from carnatic_sep.errors import DatasetError
from carnatic_sep.files import below
from carnatic_sep.stems import DEFAULT_STEMS

_KEYS = ("split", "concert", "track")
_Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FoundTrack:
    """A track as a folder holds it.

    Attributes
    ----------
    track : the recording
    split : the part of the dataset it lies in, where folders say so
    unused : audio files whose names nobody knows, and mixtures besides the first
    problems : metadata that could not be read, in words
    """

    track: Multitrack
    split: str | None = None
    unused: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Shared:
    """A file about one track, about a concert, or about everything."""

    rank: int
    part: str
    path: Path


@dataclass
class _Gathered:
    """The files of one track, by the part they play."""

    stems: list[tuple[str, str, Path]] = field(default_factory=list)  # name, microphone, file
    mixture: list[Path] = field(default_factory=list)
    metadata: list[Path] = field(default_factory=list)
    annotations: dict[str, Path] = field(default_factory=dict)


def read_folder(root: Path, layout: DatasetLayout) -> list[FoundTrack]:
    """Find the tracks below `root`, sorted by id; no audio is opened.

    Raises
    ------
    DatasetError
        There is no such folder.
    """
    base = dataset_folder(root, layout)
    groups: dict[tuple[str, ...], _Gathered] = {}
    shared: dict[_Key, list[_Shared]] = {}
    rules = list(_rules(layout))
    for relative, path in _walk(base):
        matched = _match(rules, relative, layout)
        if matched is None:
            continue
        rank, part, groupdict = matched
        if part == "beside":
            continue
        if part in ("stems", "mixture"):
            identity = tuple(groupdict.get(name, "") for name in _KEYS)
            gathered = groups.setdefault(identity, _Gathered())
            if part == "mixture":
                gathered.mixture.append(path)
            else:
                stem, microphone = groupdict.get("stem", ""), groupdict.get("microphone", "")
                gathered.stems.append((stem or microphone, microphone, path))
        else:
            key = tuple((name, groupdict[name]) for name in _KEYS if name in groupdict)
            shared.setdefault(key, []).append(_Shared(rank, part, path))
    for identity, gathered in groups.items():
        _add_shared(gathered, identity, shared)
    tracks = [
        found
        for identity, gathered in groups.items()
        if (found := _track(base, identity, gathered, layout)) is not None
    ]
    return sorted(_told_apart(tracks), key=lambda found: found.track.id)


def _told_apart(tracks: list[FoundTrack]) -> list[FoundTrack]:
    """Give tracks of one name in several splits the split's name before theirs."""
    often = Counter(found.track.id for found in tracks)
    return [
        replace(found, track=replace(found.track, id=f"{found.split}/{found.track.id}"))
        if often[found.track.id] > 1 and found.split
        else found
        for found in tracks
    ]


def dataset_folder(root: Path, layout: DatasetLayout) -> Path:
    """Return the folder that `layout` speaks of: `root`, or the one an unpacked download made.

    Raises
    ------
    DatasetError
        There is no such folder.
    """
    if not root.is_dir():
        known = layout.download or layout.how_to_get or layout.loader == "saraga"
        get = f"; `carnatic-sep datasets download {layout.name}` gets it, or says how"
        raise DatasetError(
            f"{root}: there is no such folder; name the one that holds {layout.title}"
            + (get if known else "")
        )
    inside = root / layout.folder
    return inside if layout.folder and inside.is_dir() else root


def _rules(layout: DatasetLayout) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield part and pattern in the order in which they are tried."""
    named = [template for template in layout.mixture if "{mixture}" in template]
    parts: list[tuple[str, Iterable[str]]] = [
        ("beside", layout.beside),
        ("mixture", named),
        ("stems", layout.stems),
        ("mixture", [template for template in layout.mixture if template not in named]),
        ("metadata", layout.metadata.files),
        *((f"annotations.{kind}", templates) for kind, templates in layout.annotations.items()),
    ]
    for part, templates in parts:
        for template in templates:
            yield part, compile_template(template)


def _walk(base: Path) -> Iterator[tuple[str, Path]]:
    for path in below(base):
        relative = path.relative_to(base)
        if not any(part.startswith(".") for part in relative.parts) and not path.is_dir():
            yield relative.as_posix(), path


def _match(
    rules: list[tuple[str, re.Pattern[str]]], relative: str, layout: DatasetLayout
) -> tuple[int, str, dict[str, str]] | None:
    """Return rank, part and names by the first rule that fits.

    A stem with a name nobody knows counts only if no later rule fits, such as that of a mixture
    which is called like its track.
    """
    unknown = None
    for rank, (part, pattern) in enumerate(rules):
        match = pattern.fullmatch(relative)
        if not match:
            continue
        found = rank, part, match.groupdict()
        name = found[2].get("stem")
        if part != "stems" or not name or layout.metadata.labels or layout.stem_of(name):
            return found
        unknown = unknown or found
    return unknown


def _add_shared(
    gathered: _Gathered, identity: tuple[str, ...], shared: Mapping[_Key, list[_Shared]]
) -> None:
    """Give a track the files that name it, then those of its concert and of the whole dataset."""
    named = list(zip(_KEYS, identity, strict=True))
    for size in range(len(_KEYS), -1, -1):
        mine = [file for key in combinations(named, size) for file in shared.get(key, ())]
        for file in sorted(mine, key=lambda file: (file.rank, file.path)):
            if file.part == "metadata":
                gathered.metadata.append(file.path)
            else:
                gathered.annotations.setdefault(file.part.removeprefix("annotations."), file.path)


def _track(
    base: Path, identity: tuple[str, ...], gathered: _Gathered, layout: DatasetLayout
) -> FoundTrack | None:
    documents, problems = _documents(gathered.metadata)
    facts = gather(layout.metadata, documents, tonic=gathered.annotations.get("tonic"))
    stems, unused = _stems(gathered, labels(layout.metadata, documents), layout)
    if not stems and not gathered.mixture:
        return None
    split, concert, name = identity
    path = "/".join(part for part in (concert, name) if part)
    sums = layout.mixture_is_sum_of_stems if facts.sum_of_stems is None else facts.sum_of_stems
    track = Multitrack(
        id=path or base.resolve().name,
        concert=concert or facts.concert or path or base.resolve().name,
        artists=facts.artists,
        mixture=gathered.mixture[0] if gathered.mixture else None,
        stems=stems,
        tonic_hz=facts.tonic_hz,
        raga=facts.raga,
        tala=facts.tala,
        annotations=gathered.annotations,
        licence=layout.licence,
        mixture_is_sum_of_stems=bool(stems) and (sums or not gathered.mixture),
    )
    return FoundTrack(track, split or None, (*unused, *gathered.mixture[1:]), tuple(problems))


def _documents(paths: list[Path]) -> tuple[list[Any], list[str]]:
    documents, problems = [], []
    for path in paths:
        try:
            documents.append(read_document(path))
        except DatasetError as error:
            problems.append(str(error))
    return documents, problems


def _stems(
    gathered: _Gathered, named: Mapping[str, str], layout: DatasetLayout
) -> tuple[dict[str, tuple[Microphone, ...]], list[Path]]:
    """Sort microphones into stems, in the order of the vocabulary; return those of no stem too."""
    feeds: dict[str, list[Microphone]] = {stem: [] for stem in DEFAULT_STEMS}
    unused: list[Path] = []
    taken: set[str] = set()
    for name, microphone, path in gathered.stems:
        label = named.get(name.lower()) or named.get(path.name.lower()) or name
        stem = layout.stem_of(label)
        if stem is None:
            unused.append(path)
            continue
        full = f"{name}/{microphone}" if microphone and microphone != name else name
        unique, number = full, 2
        while unique in taken:
            unique, number = f"{full} ({number})", number + 1
        taken.add(unique)
        feeds[stem].append(Microphone(unique, path))
    by_name = {
        stem: tuple(sorted(found, key=lambda microphone: microphone.name))
        for stem, found in feeds.items()
        if found
    }
    return by_name, unused
