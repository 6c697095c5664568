"""From a name that a user types to a model: bundled, cached, downloadable, or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from carnatic_sep.errors import CheckpointError, TransferError, UnknownNameError, UsageError
from carnatic_sep.models.download import CACHE_VARIABLE, Download, cache_dir, fetch
from carnatic_sep.transfer.origin import OnProgress, unheard

if TYPE_CHECKING:
    from carnatic_sep.models.base import SeparationModel

DEFAULT_MODEL = "default"
SUFFIX = ".safetensors"
WEIGHTS_DIR = Path(__file__).parent / "weights"

_SPLEETER_RELEASE = "https://github.com/deezer/spleeter/releases/download/v1.4.0"

DOWNLOADS: Mapping[str, Download] = {
    "spleeter-2stems": Download(
        f"{_SPLEETER_RELEASE}/2stems.tar.gz",
        "f3a90b39dd2874269e8b05a48a86745df897b848c61f3958efc80a39152bd692",
        73_109_797,
        "spleeter",
    ),
    "spleeter-4stems": Download(
        f"{_SPLEETER_RELEASE}/4stems.tar.gz",
        "3adb4a50ad4eb18c7c4d65fcf4cf2367a07d48408a5eb7d03cd20067429dfaa8",
        format="spleeter",
    ),
    "spleeter-5stems": Download(
        f"{_SPLEETER_RELEASE}/5stems.tar.gz",
        "25a1e87eb5f75cc72a4d2d5467a0a50ac75f05611f877c278793742513cc7218",
        format="spleeter",
    ),
}
"""Models that are published but not bundled, by name; sums as in Spleeter's own test_checksum."""

ALIASES = {"spleeter": "spleeter-2stems"}
"""Short names. A colon, as Spleeter itself writes ``spleeter:2stems``, is read as a hyphen."""


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
    for path in _cached():
        entries[path.stem] = ModelEntry(path.stem, "cached", path, downloads.get(path.stem))
    for path in weights_dir.glob(f"*{SUFFIX}"):
        entries[path.stem] = ModelEntry(path.stem, "bundled", path)
    return sorted(entries.values(), key=lambda entry: (entry.origin != "bundled", entry.name))


def _cached() -> list[Path]:
    """Return the models in the cache folder; where there can be none, the others still count."""
    try:
        return list(cache_dir().glob(f"*{SUFFIX}"))
    except (CheckpointError, OSError):
        return []


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
    UsageError
        Neither a name nor a path.
    """
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise UsageError(
            f"model {name_or_path!r}: give a model's name or a checkpoint file "
            "(to Separator also a SeparationModel)"
        )
    path = Path(name_or_path).expanduser()
    text = ALIASES.get(str(name_or_path), str(name_or_path)).replace("spleeter:", "spleeter-")
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
    on_progress: OnProgress = unheard,
) -> Path:
    """Return the file that holds the model `name_or_path`, downloading it where that is needed.

    Parameters
    ----------
    on_progress : told about every step of a download

    Raises
    ------
    UnknownNameError
        Neither a model nor a file is called so (see :func:`find`).
    CheckpointError
        A path to no file, or a download that failed.
    """
    entry = find(name_or_path, weights_dir=weights_dir, downloads=downloads)
    if entry.download is None:
        assert entry.path is not None, "only downloadable models lack a path"
        return entry.path
    target = cache_dir() / f"{entry.name}{SUFFIX}"
    if entry.download.format == "spleeter":
        if target.is_file():
            return target
        return _fetch_spleeter(entry.name, entry.download, target, on_progress)
    return fetch(entry.download, target, on_progress=on_progress)


def _fetch_spleeter(name: str, download: Download, target: Path, on_progress: OnProgress) -> Path:
    """Fetch one of Spleeter's archives and keep what it holds as a checkpoint of this package.

    Of several processes that want it, one does so and the others wait.
    """
    from carnatic_sep.transfer.disk import disk_errors
    from carnatic_sep.transfer.lock import only_one

    def waiting() -> None:
        on_progress(f"waiting for another process that fetches {name}", 0, None)

    lock = target.with_name(f"{target.name}.lock")
    try:
        with disk_errors(
            target, elsewhere=f"point {CACHE_VARIABLE} to a folder that can be written"
        ):
            target.parent.mkdir(parents=True, exist_ok=True)
            with only_one(lock, waiting=waiting):
                if not target.is_file():
                    _convert_spleeter(name, download, target, on_progress)
    except TransferError as error:
        raise CheckpointError(str(error)) from error
    return target


def _convert_spleeter(name: str, download: Download, target: Path, on_progress: OnProgress) -> None:
    from carnatic_sep.models.checkpoint import Provenance, save_checkpoint
    from carnatic_sep.models.spleeter import load_spleeter

    archive = fetch(download, target.with_name(f"{name}.tar.gz"), on_progress=on_progress)
    provenance = Provenance(
        name=name,
        licence="MIT",
        description="Deezer's released Spleeter model, converted from its TensorFlow checkpoint",
        credits=["Romain Hennequin et al., Spleeter, JOSS 2020"],
        extra={"source": download.url, "source_sha256": download.sha256},
    )
    save_checkpoint(target, load_spleeter(archive), provenance)
    archive.unlink(missing_ok=True)


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
