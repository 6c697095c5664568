"""Libraries of the ``eval`` extra, loaded only where a metric is computed with them."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from carnatic_sep.errors import UsageError

_INSTALL = "install it with: pip install 'carnatic-sep[eval]'"


def require(name: str) -> Any:
    """Import the library `name`.

    Raises
    ------
    UsageError
        It is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"this metric needs {name}; {_INSTALL}") from error


def museval_metrics() -> ModuleType:
    """Return ``museval.metrics`` without importing the package around it.

    The package itself imports musdb and stempeg, which refuse to load where ffmpeg is missing; the
    module that computes BSSEval needs NumPy and SciPy only.

    Raises
    ------
    UsageError
        museval is not installed, or not laid out as in 0.4.
    """
    package = importlib.util.find_spec("museval")
    if package is None or not package.submodule_search_locations:
        raise UsageError(f"this metric needs museval; {_INSTALL}")
    path = Path(next(iter(package.submodule_search_locations))) / "metrics.py"
    found = importlib.util.spec_from_file_location("carnatic_sep_museval_metrics", path)
    if found is None or found.loader is None or not path.is_file():
        raise UsageError(f"this metric needs museval 0.4, but {path} is missing; {_INSTALL}")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
