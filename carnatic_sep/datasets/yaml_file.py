"""YAML files as pydantic models, with errors that name file, key and fault."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ValidationError

from carnatic_sep.datasets.yaml_text import YamlError, parse_yaml
from carnatic_sep.errors import ConfigError

_Model = TypeVar("_Model", bound=BaseModel)
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls it, in its own models and in dataclasses."""


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file of keys and values; an empty one has none.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or holds something else than keys and values.
    """
    try:
        values = parse_yaml(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from error
    except YamlError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values at the top level")
    return values


def change(values: dict[str, Any], override: str) -> None:
    """Set one key of nested `values`, in place, as ``key.key=value`` says.

    Values are YAML: ``a=null`` for none, ``a=[1, 2]`` for a list, which is replaced whole.

    Raises
    ------
    ConfigError
        There is no ``=`` or no key, the value is no YAML, or the way leads through something that
        has no keys.
    """
    key, sign, text = override.partition("=")
    *parents, leaf = key.strip().split(".")
    if not sign or not all([*parents, leaf]):
        raise ConfigError(f"override {override!r}: write it as key=value, or as key.key=value")
    place = values
    for depth, parent in enumerate(parents, start=1):
        if place.get(parent) is None:
            place[parent] = {}
        place = place[parent]
        if not isinstance(place, dict):
            kind = "a list: give all of it" if isinstance(place, list) else "a plain value"
            raise ConfigError(
                f"override {override!r}: {'.'.join(parents[:depth])} is {kind} and has "
                "no keys below it"
            )
    try:
        place[leaf] = parse_yaml(text)
    except YamlError as error:
        raise ConfigError(f"override {override!r}: not a YAML value: {error}") from error


def fit(model: type[_Model], values: dict[str, Any], *, path: Path) -> _Model:
    """Turn `values`, read from `path`, into a `model`.

    Raises
    ------
    ConfigError
        Names or values do not fit; each fault is named, and an unknown key's nearest ones.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(_described(model, dict(fault)) for fault in error.errors())
        raise ConfigError(f"{path}: {faults}") from error


def nearest(key: str, known: Iterable[str]) -> str:
    """Say which of `known` a wrong `key` may have meant; empty where none is near.

    >>> nearest("widhts", ["widths", "hidden"])
    'did you mean widths?'
    """
    near = difflib.get_close_matches(key, list(known), n=2, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else ""


def keys_of(concept: type) -> dict[str, Any]:
    """Return the keys of a pydantic model or a dataclass, each with what its values are."""
    if issubclass(concept, BaseModel):
        return {name: field.annotation for name, field in concept.model_fields.items()}
    assert is_dataclass(concept)
    hints = get_type_hints(concept)
    return {field.name: hints[field.name] for field in fields(concept)}


def concept_of(annotation: Any) -> type | None:
    """Return the model or dataclass that an annotation means, be it optional; None for none."""
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or is_dataclass(annotation)
    ):
        return annotation
    found = (concept_of(part) for part in get_args(annotation))
    return next((each for each in found if each is not None), None)


def _described(model: type[BaseModel], fault: dict[str, Any]) -> str:
    """Return a fault with its key; a key that nothing answers to comes with the nearest ones."""
    place = [str(part) for part in fault["loc"]]
    key = ".".join(place)
    if fault["type"] not in _UNKNOWN_KEY:
        what = str(fault["msg"]).removeprefix("Value error, ")  # of ours, said by pydantic
        return f"{key}: {what}" if key else what
    paths = _paths(model)
    elsewhere = [path for path in paths if path.split(".")[-1] == place[-1]]
    if elsewhere:  # the right key in the wrong place
        hint = f"did you mean {' or '.join(elsewhere[:2])}?"
    else:
        hint = nearest(place[-1], _keys(model, place[:-1])) or _nearest_anywhere(paths, place[-1])
    return f"{key}: unknown key; {hint or 'see the documentation for its keys'}"


def _nearest_anywhere(paths: list[str], key: str) -> str:
    last = {path.split(".")[-1]: path for path in reversed(paths)}
    near = difflib.get_close_matches(key, list(last), n=1, cutoff=0.7)
    return f"did you mean {last[near[0]]}?" if near else ""


def _paths(concept: type, lead: str = "") -> list[str]:
    """Return every key of `concept` with the keys that lead to it, those near the top first."""
    keys = keys_of(concept)
    paths = [f"{lead}{name}" for name in keys]
    for name, annotation in keys.items():
        below = concept_of(annotation)
        if below is not None:
            paths += _paths(below, f"{lead}{name}.")
    return paths


def _keys(concept: type, place: list[str]) -> list[str]:
    """Return the keys that `concept` knows below `place`."""
    inner: type | None = concept
    for part in place:
        inner = concept_of(keys_of(inner).get(part)) if inner is not None else None
    return list(keys_of(inner)) if inner is not None else []
