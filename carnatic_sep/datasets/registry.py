"""From a name, a layout file or a folder to a dataset."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.datasets.home import dataset_home
from carnatic_sep.errors import DatasetError, UnknownNameError

if TYPE_CHECKING:
    from carnatic_sep.datasets.folder import FoundTrack
    from carnatic_sep.datasets.layout import DatasetLayout
    from carnatic_sep.datasets.multitrack import Multitrack
    from carnatic_sep.datasets.splits import SplitFile

PLAIN = "plain"
SPLIT_FILE = "split.yaml"


@dataclass(frozen=True)
class Dataset:
    """Recordings in a folder; the folder is walked when its tracks are first asked for.

    Attributes
    ----------
    name : of the dataset, or of the folder where it is a plain one
    root : the folder
    layout : what the dataset is and how it lies on disk
    """

    name: str
    root: Path
    layout: DatasetLayout

    def tracks(self) -> list[Multitrack]:
        """Return all tracks, sorted by id; no audio is opened.

        Raises
        ------
        DatasetError
            There is no such folder, or no track in it.
        """
        if not self.found:
            lie = f"they lie as {' or '.join(self.layout.stems)}"
            if self.layout.name != PLAIN:
                raise DatasetError(f"{self.root}: no tracks of {self.layout.title} here; {lie}")
            from carnatic_sep.datasets.layout import shipped_layouts

            named = ", ".join(name for name in shipped_layouts() if name != PLAIN)
            raise DatasetError(
                f"{self.root}: no tracks here; {lie}. A dataset that is laid out in its own way is "
                f"given by its name ({named}), and this folder as its root (--root, or "
                "tracks.root in a configuration)"
            )
        return [found.track for found in self.found]

    def track(self, track_id: str) -> Multitrack:
        """Return one track by its id.

        Raises
        ------
        UnknownNameError
            No track has this id; the nearest are suggested.
        """
        by_id = {track.id: track for track in self.tracks()}
        if track_id not in by_id:
            raise UnknownNameError(f"track of {self.name}", track_id, list(by_id))
        return by_id[track_id]

    def split(self, name: str, *, file: Path | None = None) -> list[Multitrack]:
        """Return the tracks of one part, such as ``test``; see :meth:`parts`.

        Raises
        ------
        UnknownNameError
            The split has no such part.
        """
        from carnatic_sep.datasets.splits import part_of

        return part_of(self.parts(file=file), name, self.name)

    def parts(self, *, file: Path | None = None) -> dict[str, list[Multitrack]]:
        """Return the parts of the dataset, by name.

        The split comes from `file`, else from ``split.yaml`` in the dataset's folder, else from
        its folders where they are called train, test and so on, else from the package.

        Raises
        ------
        ConfigError
            A split file that cannot be read.
        DatasetError
            The dataset has no split, or its split names a track twice.
        """
        from carnatic_sep.datasets.splits import apply_split

        named = [found for found in self.found if found.split]
        if named and file is None and not (self.root / SPLIT_FILE).is_file():
            parts: dict[str, list[Multitrack]] = {}
            for found in named:
                parts.setdefault(found.split or "", []).append(found.track)
            return parts
        return apply_split(self.split_file(file), self.tracks())

    def split_file(self, file: Path | None = None) -> SplitFile:
        """Return what `file` says, else the folder's own ``split.yaml``, else the package's split.

        Raises
        ------
        ConfigError
            A split file that cannot be read.
        DatasetError
            The dataset has none.
        """
        from carnatic_sep.datasets.splits import read_split

        own = self.root / SPLIT_FILE
        if file is None and not own.is_file():
            if not self.layout.split:
                raise DatasetError(
                    f"{self.name} has no split; make one with `carnatic-sep datasets split "
                    f"{self.root} --out {own}`"
                )
            return read_split(self.layout.split)
        return read_split(file or own)

    @cached_property
    def found(self) -> list[FoundTrack]:
        """The tracks with what else was found beside them."""
        if self.layout.loader == "saraga":
            from carnatic_sep.datasets.saraga import read_saraga

            return read_saraga(self.root, self.layout)
        from carnatic_sep.datasets.folder import read_folder

        return read_folder(self.root, self.layout)


def load_dataset(name_or_folder: str | Path, *, root: Path | None = None) -> Dataset:
    """Return a dataset; nothing is read but its layout.

    Parameters
    ----------
    name_or_folder : name of a layout that comes with the package, such as ``saraga_carnatic``; a
        layout of your own as a YAML file; or a plain folder of tracks, ``track/stem.ext``
    root : the folder of a dataset that was named; if None, where
        :func:`~carnatic_sep.datasets.home.dataset_home` says

    Raises
    ------
    ConfigError
        A YAML file that describes no layout.
    UnknownNameError
        No such name, and no such folder.

    Examples
    --------
    >>> tracks = load_dataset("renders").tracks()  # doctest: +SKIP
    >>> load_dataset("saraga_carnatic").layout.licence
    'CC BY-NC-SA 4.0'
    """
    from carnatic_sep.datasets.layout import read_layout, shipped_layouts

    text, path = str(name_or_folder), Path(name_or_folder)
    known = isinstance(name_or_folder, str) and text in shipped_layouts() and text != PLAIN
    if known or path.suffix.lower() in (".yaml", ".yml"):
        layout = read_layout(name_or_folder)
        return Dataset(layout.name, root or dataset_home(layout.name), layout)
    if not text.strip():
        raise DatasetError("the name of a dataset is empty; name one, or give its folder")
    if path.is_dir():
        return Dataset(path.resolve().name, path, read_layout(PLAIN))
    if path.is_file():
        raise DatasetError(f"{path}: this is a file; name the folder of its track, {path.parent}")
    if os.sep in text or isinstance(name_or_folder, Path):
        raise DatasetError(f"{path}: there is no such folder; check its name")
    names = [name for name in shipped_layouts() if name != PLAIN]
    raise UnknownNameError("dataset or folder", text, names)
