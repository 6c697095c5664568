"""What is known about the music of a track, out of JSON, YAML and text files of any shape."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carnatic_sep.datasets.layout import MetadataLayout
from carnatic_sep.datasets.multitrack import Artist
from carnatic_sep.errors import DatasetError


@dataclass(frozen=True)
class Facts:
    """What the metadata files of one track say; None or empty where they are silent."""

    concert: str | None = None
    tonic_hz: float | None = None
    raga: str | None = None
    tala: str | None = None
    sum_of_stems: bool | None = None
    artists: tuple[Artist, ...] = ()


def read_document(path: Path) -> Any:
    """Read a JSON or YAML file.

    Raises
    ------
    DatasetError
        The file cannot be read or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); copy it again") from error
    except Exception as error:
        raise DatasetError(
            f"{path}: not valid {path.suffix[1:].upper()} ({error}); copy or download it again"
        ) from error


def dig(document: Any, path: str) -> Any:
    """Follow a dotted path of keys and list positions; None where it ends too soon.

    >>> dig({"raaga": [{"name": "Bhairavi"}]}, "raaga.0.name")
    'Bhairavi'
    """
    value = document
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def gather(layout: MetadataLayout, documents: Iterable[Any], *, tonic: Path | None = None) -> Facts:
    """Collect the facts of a track from its documents, the first that has one gives it.

    Parameters
    ----------
    documents : contents of metadata files
    tonic : text file whose first number is the tonic in Hz, for want of another
    """
    found = list(documents)

    def first(path: str) -> Any:
        values = (dig(document, one) for document in found for one in path.split("|") if one)
        return next((value for value in values if value not in (None, "", [])), None)

    artists = first(layout.artists)
    sums = first(layout.sum_of_stems)
    return Facts(
        concert=_text(first(layout.concert)),
        tonic_hz=_hertz([first(layout.tonic_hz), tonic and _first_number(tonic)]),
        raga=_text(first(layout.raga)),
        tala=_text(first(layout.tala)),
        sum_of_stems=sums if isinstance(sums, bool) else None,
        artists=_artists(layout, artists) if isinstance(artists, list) else (),
    )


def labels(layout: MetadataLayout, documents: Iterable[Any]) -> dict[str, str]:
    """Return what the metadata say that each `stem` placeholder plays, as in ``S01: violin``."""
    named: dict[str, str] = {}
    for document in documents:
        table = dig(document, layout.labels) if layout.labels else None
        pairs = table.items() if isinstance(table, dict) else enumerate(table or ())
        for key, entry in pairs:
            name = dig(entry, layout.label_name) if layout.label_name else entry
            if isinstance(name, list):
                name = name[0] if name else None
            key = dig(entry, layout.label_key) if layout.label_key else key
            if isinstance(name, str) and key is not None:
                named.setdefault(str(key).lower(), name)
    return named


def _artists(layout: MetadataLayout, entries: list[Any]) -> tuple[Artist, ...]:
    artists = []
    for entry in entries:
        name = _text(dig(entry, layout.artist_name)) if not isinstance(entry, str) else entry
        role = _text(dig(entry, layout.artist_role)) or ""
        lead = bool(layout.artist_lead) and dig(entry, layout.artist_lead) is True
        if name:
            artists.append(Artist(name.strip(), "lead" if lead else role.strip().lower()))
    return tuple(artists)


def _text(value: Any) -> str | None:
    """Return a name as text: itself, or the `name` of what has one."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("title")
    return str(value) if isinstance(value, (str, int, float)) and str(value).strip() else None


def _hertz(values: Iterable[Any]) -> float | None:
    for value in values:
        try:
            tonic = float(value)
        except (TypeError, ValueError):
            continue
        if 0 < tonic < 2000:
            return tonic
    return None


def _first_number(path: Path) -> str | None:
    try:
        words = path.read_text(encoding="utf-8", errors="replace").replace(",", " ").split()
    except OSError:
        return None
    return next((word for word in words if word.replace(".", "", 1).isdigit()), None)
