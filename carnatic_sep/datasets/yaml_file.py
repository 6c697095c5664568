"""YAML files as pydantic models, with errors that name file, key and fault."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from carnatic_sep.errors import ConfigError

_Model = TypeVar("_Model", bound=BaseModel)


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file of keys and values; an empty one has none.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, or holds something else than keys and values.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values at the top level")
    return values


def change(values: dict[str, Any], override: str) -> None:
    """Set one key of nested `values`, in place, as ``key.key=value`` says.

    Raises
    ------
    ConfigError
        There is no ``=``, the value is no YAML, or the way leads through a plain value.
    """
    import yaml

    key, sign, text = override.partition("=")
    if not sign:
        raise ConfigError(f"override {override!r}: write it as key=value")
    *parents, leaf = key.split(".")
    place = values
    for depth, parent in enumerate(parents, start=1):
        if place.get(parent) is None:
            place[parent] = {}
        place = place[parent]
        if not isinstance(place, dict):
            raise ConfigError(
                f"override {override!r}: {'.'.join(parents[:depth])} is a plain value and has "
                "no keys below it"
            )
    try:
        place[leaf] = yaml.safe_load(text)
    except yaml.YAMLError as error:
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


def _described(model: type[BaseModel], fault: dict[str, Any]) -> str:
    """Return a fault with its key; a key that nothing answers to comes with the nearest ones."""
    place = [str(part) for part in fault["loc"]]
    key = ".".join(place)
    if fault["type"] != "extra_forbidden":
        return f"{key}: {fault['msg']}"
    near = difflib.get_close_matches(place[-1], _keys(model, place[:-1]), n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "see the documentation for its keys"
    return f"{key}: unknown key; {hint}"


def _keys(model: type[BaseModel], place: list[str]) -> list[str]:
    """Return the keys that `model` knows below `place`."""
    inner: Any = model
    for part in place:
        field = inner.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
    return list(inner.model_fields)
