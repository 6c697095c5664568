"""Where datasets and what belongs to them lie if nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "CARNATIC_SEP_DATASETS"
CACHE_VARIABLE = "CARNATIC_SEP_CACHE"


def dataset_home(name: str) -> Path:
    """Return where the dataset `name` lies if nobody says otherwise.

    ``$CARNATIC_SEP_DATASETS/NAME``, else ``~/mir_datasets/NAME`` as mirdata has it.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    base = Path(chosen).expanduser() if chosen else Path.home() / "mir_datasets"
    return base / name


def cached_indexes() -> Path:
    """Return where downloaded indexes of datasets are kept, beside downloaded models."""
    chosen = os.environ.get(CACHE_VARIABLE)
    shared = os.environ.get("XDG_CACHE_HOME")
    base = Path(shared) if shared else Path.home() / ".cache"
    return (Path(chosen).expanduser() if chosen else base / "carnatic-sep") / "indexes"
