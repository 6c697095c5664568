"""Architectures by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from carnatic_sep.errors import UnknownNameError
from carnatic_sep.models.base import SeparationModel

_Model = TypeVar("_Model", bound=type[SeparationModel])
_ARCHITECTURES: dict[str, type[SeparationModel]] = {}
_MODULES = ("band_unet", "cold_diffusion", "scnet", "tfc_tdf", "unet")


def register(name: str) -> Callable[[_Model], _Model]:
    """Class decorator: make a :class:`SeparationModel` buildable as `name`."""

    def add(cls: _Model) -> _Model:
        if name in _ARCHITECTURES and _ARCHITECTURES[name] is not cls:
            raise ValueError(f"two architectures are called {name!r}")
        cls.architecture = name
        _ARCHITECTURES[name] = cls
        return cls

    return add


def architectures() -> dict[str, type[SeparationModel]]:
    """Return every registered architecture, the package's own included, by name."""
    for module in _MODULES:
        import_module(f"carnatic_sep.models.{module}")
    return dict(sorted(_ARCHITECTURES.items()))


def build(name: str, **config: Any) -> SeparationModel:
    """Build the architecture `name` with `config`.

    Raises
    ------
    UnknownNameError
        No architecture is called `name`.
    """
    known = architectures()
    if name not in known:
        raise UnknownNameError("architecture", name, list(known))
    return known[name](**config)
