"""With what an evaluation was made, so that it can be made again."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("numpy", "scipy", "torch", "librosa", "museval", "mir_eval", "soundfile")


def versions(*, cleaned: bool) -> dict[str, str]:
    """Return name -> version of this package, Python, what scores depend on, and the cleaner."""
    from carnatic_sep import __version__

    found = {"carnatic_sep": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if cleaned:
        from carnatic_sep.evaluation.bleed import cleaner_version

        found["cleaner"] = cleaner_version()
    return found
