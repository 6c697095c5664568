"""Where datasets and what belongs to them lie if nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from carnatic_sep.errors import DatasetError

HOME_VARIABLE = "CARNATIC_SEP_DATASETS"
CACHE_VARIABLE = "CARNATIC_SEP_CACHE"


def dataset_home(name: str) -> Path:
    """Return where the dataset `name` lies if nobody says otherwise.

    ``$CARNATIC_SEP_DATASETS/NAME``, else ``~/mir_datasets/NAME`` as mirdata has it.

    Raises
    ------
    DatasetError
        Nobody says where the user's home is.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    return _expanded(chosen or "~/mir_datasets", f"give --root, or set {HOME_VARIABLE}") / name


def cached_indexes() -> Path:
    """Return where downloaded indexes of datasets are kept, beside downloaded models.

    Raises
    ------
    DatasetError
        Nobody says where the user's home is.
    """
    remedy = f"set {CACHE_VARIABLE} to a folder"
    if chosen := os.environ.get(CACHE_VARIABLE):
        return _expanded(chosen, remedy) / "indexes"
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = shared if shared.is_absolute() else _expanded("~/.cache", remedy)
    return base / "carnatic-sep" / "indexes"


def _expanded(path: str, remedy: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DatasetError(f"no home folder is known ({error}); {remedy}") from error
