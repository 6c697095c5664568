"""From a name that a user types to a model: bundled, cached, downloadable, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from carnatic_sep.errors import CheckpointError, UnknownNameError
from carnatic_sep.models.download import Download, cache_dir, fetch

if TYPE_CHECKING:
    from carnatic_sep.models.base import SeparationModel

DEFAULT_MODEL = "default"
SUFFIX = ".safetensors"
WEIGHTS_DIR = Path(__file__).parent / "weights"

DOWNLOADS: Mapping[str, Download] = {}
"""Models that are published but not bundled, by name."""


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be had: bundled, in the cache folder, to be downloaded, or a user's file.

    `path` is None until a downloadable model has been fetched; `download` is None for every model
    that is not published elsewhere.
    """

    name: str
    origin: Literal["bundled", "cached", "download", "file"]
    path: Path | None
    download: Download | None = None


def list_models(
    *, weights_dir: Path = WEIGHTS_DIR, downloads: Mapping[str, Download] = DOWNLOADS
) -> list[ModelEntry]:
    """Return every model that can be had by name: bundled ones first, each name once."""
    entries = {
        name: ModelEntry(name, "download", None, download) for name, download in downloads.items()
    }
    for path in cache_dir().glob(f"*{SUFFIX}"):
        entries[path.stem] = ModelEntry(path.stem, "cached", path, downloads.get(path.stem))
    for path in weights_dir.glob(f"*{SUFFIX}"):
        entries[path.stem] = ModelEntry(path.stem, "bundled", path)
    return sorted(entries.values(), key=lambda entry: (entry.origin != "bundled", entry.name))


def find(
    name_or_path: str | Path,
    *,
    weights_dir: Path = WEIGHTS_DIR,
    downloads: Mapping[str, Download] = DOWNLOADS,
) -> ModelEntry:
    """Return what `name_or_path` stands for, without downloading anything.

    A known name wins over a file of that name in the working directory; write ``./NAME`` for the
    file.

    Raises
    ------
    UnknownNameError
        Neither a model nor a file is called so; the nearest names are suggested.
    CheckpointError
        A path to no file.
    """
    path = Path(name_or_path).expanduser()
    text = str(name_or_path)
    known = {e.name: e for e in list_models(weights_dir=weights_dir, downloads=downloads)}
    if isinstance(name_or_path, str) and text in known:
        return known[text]
    if path.is_file():
        return ModelEntry(path.stem, "file", path)
    if isinstance(name_or_path, Path) or path.name != text or path.suffix == SUFFIX:
        raise CheckpointError(
            f"{path}: {'a directory' if path.is_dir() else 'no such file'}; name a {SUFFIX} "
            "file, or a model from `carnatic-sep models list`"
        )
    raise UnknownNameError("model", text, list(known))


def resolve(
    name_or_path: str | Path = DEFAULT_MODEL,
    *,
    weights_dir: Path = WEIGHTS_DIR,
    downloads: Mapping[str, Download] = DOWNLOADS,
) -> Path:
    """Return the file that holds the model `name_or_path`, downloading it where that is needed.

    Raises
    ------
    UnknownNameError
        Neither a model nor a file is called so (see :func:`find`).
    CheckpointError
        A path to no file, or a download that failed.
    """
    entry = find(name_or_path, weights_dir=weights_dir, downloads=downloads)
    if entry.download is not None:
        return fetch(entry.download, cache_dir() / f"{entry.name}{SUFFIX}")
    assert entry.path is not None, "only downloadable models lack a path"
    return entry.path


def load_model(name_or_path: str | Path = DEFAULT_MODEL, *, device: str = "cpu") -> SeparationModel:
    """Load a model by name or from a checkpoint file, ready to separate on `device`.

    Raises
    ------
    UnknownNameError
        No model is called so.
    CheckpointError
        The file is damaged or foreign, or could not be downloaded.
    """
    from carnatic_sep.models.checkpoint import load_checkpoint

    return load_checkpoint(resolve(name_or_path), device=device)
