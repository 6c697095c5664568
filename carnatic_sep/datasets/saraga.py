"""Saraga Carnatic 1.5 through mirdata, with its official index or one made from the folder.

mirdata's wheels hold no index: it must be downloaded. Where it cannot be, an index of the same
form is made from the files that are there, so that tracks load through the same code.

Source: mirdata.datasets.saraga_carnatic; the keys of its index are repeated in `INDEX_KEYS`.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from carnatic_sep.datasets.facts import gather
from carnatic_sep.datasets.folder import FoundTrack, read_folder
from carnatic_sep.datasets.home import cached_indexes
from carnatic_sep.datasets.layout import DatasetLayout, RemoteFile
from carnatic_sep.datasets.multitrack import Microphone, Multitrack
from carnatic_sep.errors import DatasetError, UsageError
from carnatic_sep.stems import DEFAULT_STEMS

NAME = "saraga_carnatic"
FOLDER = "saraga1.5_carnatic"

INDEX_KEYS = {
    "audio-mix": (".mp3.mp3", ".mp3"),
    "audio-ghatam": (".multitrack-ghatam.mp3",),
    "audio-mridangam-left": (".multitrack-mridangam-left.mp3",),
    "audio-mridangam-right": (".multitrack-mridangam-right.mp3",),
    "audio-violin": (".multitrack-violin.mp3",),
    "audio-vocal-s": (".multitrack-vocal-s.mp3",),
    "audio-vocal": (".multitrack-vocal.mp3",),
    "ctonic": (".ctonic.txt",),
    "pitch": (".pitch.txt",),
    "pitch-vocal": (".pitch-vocal.txt",),
    "tempo": (".tempo-manual.txt",),
    "sama": (".sama-manual.txt",),
    "sections": (".sections-manual-p.txt", ".sections-manual.txt"),
    "phrases": (".mphrases-manual.txt",),
    "metadata": (".json",),
}
"""Key of mirdata's index to the endings of the files that it names, the first that is there."""

_MICROPHONES = ("ghatam", "mridangam-left", "mridangam-right", "violin", "vocal", "vocal-s")


@dataclass(frozen=True)
class SaragaIndex:
    """Which files the collection consists of.

    Attributes
    ----------
    tracks : track id of mirdata to key to path below `home` and MD5, either may be None
    home : the folder that holds ``saraga1.5_carnatic``
    official : whether this is the published index; one made from a folder has no MD5
    """

    tracks: dict[str, dict[str, tuple[str | None, str | None]]]
    home: Path
    official: bool

    def files(self) -> Iterator[tuple[str, Path, str | None]]:
        """Yield the folder of the track, each of its files and its MD5."""
        for entries in self.tracks.values():
            for relative, md5 in entries.values():
                if relative is not None:
                    yield "/".join(Path(relative).parts[-3:-1]), self.home / relative, md5


def read_saraga(root: Path, layout: DatasetLayout) -> list[FoundTrack]:
    """Find the tracks of Saraga below `root`, sorted by id; no audio is opened.

    Goes through mirdata where it is installed (extra ``data``); without it the folder is read as
    the layout says, which gives the same tracks. Of an official index, only the tracks with audio
    in the folder are given.

    Raises
    ------
    DatasetError
        There is no such folder.
    """
    found = read_folder(root, layout)
    if find_spec("mirdata") is None:
        return found
    beside = {entry.track.id: entry for entry in found}
    index = load_index(root)
    tracks = []
    with _mirdata(index) as dataset:
        for track_id in dataset.track_ids:
            track = _multitrack(dataset.track(track_id), layout)
            if track is not None:
                entry = beside.get(track.id)
                tracks.append(
                    FoundTrack(
                        track,
                        unused=entry.unused if entry else (),
                        problems=entry.problems if entry else (),
                    )
                )
    return sorted(tracks, key=lambda entry: entry.track.id)


def from_mirdata(track: Any) -> Multitrack | None:
    """Turn a track of mirdata's ``saraga_carnatic`` into ours; None if none of its audio is there.

    Parameters
    ----------
    track : what ``mirdata.initialize("saraga_carnatic").track(ID)`` gives, or anything with the
        same attributes
    """
    from carnatic_sep.datasets.layout import read_layout

    return _multitrack(track, read_layout(NAME))


def load_index(root: Path) -> SaragaIndex:
    """Return the official index if it was downloaded, else one made from the folder.

    Raises
    ------
    DatasetError
        The downloaded index is damaged.
    """
    home, folder = _home(root)
    for path in _official_paths():
        if path.is_file():
            try:
                tracks = json.loads(path.read_text(encoding="utf-8"))["tracks"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise DatasetError(
                    f"{path}: not an index of Saraga ({error}); delete it and run "
                    f"`carnatic-sep datasets download {NAME}` again"
                ) from error
            pairs = {i: {k: (v[0], v[1]) for k, v in entry.items()} for i, entry in tracks.items()}
            return SaragaIndex(pairs, home, official=True)
    return SaragaIndex(_scan(home, folder), home, official=False)


def remote_files() -> tuple[list[RemoteFile], RemoteFile]:
    """Return what mirdata says is to be downloaded: the archives, and the index.

    Raises
    ------
    UsageError
        mirdata is not installed.
    """
    if find_spec("mirdata") is None:
        raise UsageError(
            "downloading Saraga needs mirdata: install with pip install 'carnatic-sep[data]'"
        )
    with _root_logger_kept():
        from mirdata.datasets import saraga_carnatic

    archives = [
        RemoteFile(url=remote.url, filename=remote.filename, md5=remote.checksum)
        for remote in saraga_carnatic.REMOTES.values()
    ]
    index = saraga_carnatic.INDEXES[saraga_carnatic.INDEXES["default"]].remote
    return archives, RemoteFile(
        url=index.url, filename=index.filename, md5=index.checksum, unpack=False
    )


def _home(root: Path) -> tuple[Path, Path]:
    """Return the folder above ``saraga1.5_carnatic`` and that folder, whichever `root` is."""
    if (root / FOLDER).is_dir():
        return root, root / FOLDER
    resolved = root.resolve()
    return (resolved.parent, resolved) if resolved.name == FOLDER else (root, root)


def _official_paths() -> list[Path]:
    """Return where an index may lie: in our cache, or where mirdata itself puts it."""
    archives = remote_files()[1]
    package = Path(str(find_spec("mirdata").origin)).parent  # type: ignore[union-attr]
    return [
        cached_indexes() / archives.filename,
        package / "datasets" / "indexes" / archives.filename,
    ]


def _scan(home: Path, folder: Path) -> dict[str, dict[str, tuple[str | None, str | None]]]:
    tracks: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for concert in sorted(path for path in folder.iterdir() if path.is_dir()):
        for track in sorted(path for path in concert.iterdir() if path.is_dir()):
            names = sorted(path.name for path in track.iterdir() if path.is_file())
            entries = {
                key: (_first(track, names, endings, home), None)
                for key, endings in INDEX_KEYS.items()
            }
            if any(entries[key][0] for key in entries if key.startswith("audio-")):
                tracks[f"{concert.name}/{track.name}"] = entries  # type: ignore[assignment]
    return tracks


def _first(track: Path, names: list[str], endings: tuple[str, ...], home: Path) -> str | None:
    for ending in endings:
        for name in names:
            # A mixture ends in .mp3 as microphones do.
            if name.endswith(ending) and (".multitrack-" in ending or ".multitrack-" not in name):
                return os.path.relpath(track / name, home)
    return None


@contextmanager
def _mirdata(index: SaragaIndex) -> Iterator[Any]:
    """Open the collection in mirdata with `index`, which it wants as a file."""
    with _root_logger_kept():
        import mirdata

        dataset = mirdata.initialize(NAME, data_home=str(index.home))
    with tempfile.TemporaryDirectory(prefix="saraga-index-") as folder:
        path = Path(folder) / "index.json"
        path.write_text(json.dumps({"tracks": index.tracks}), encoding="utf-8")
        dataset.index_path = str(path)
        yield dataset


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """Undo what importing mirdata does to the root logger: a handler and the level INFO."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    try:
        yield
    finally:
        logger.handlers[:] = handlers
        logger.setLevel(level)


def _multitrack(track: Any, layout: DatasetLayout) -> Multitrack | None:
    """Turn a track of mirdata into ours; None if none of its audio is there."""
    feeds: dict[str, list[Microphone]] = {stem: [] for stem in DEFAULT_STEMS}
    for name in _MICROPHONES:
        path = _present(getattr(track, f"audio_{name.replace('-', '_')}_path"))
        stem = layout.stem_of(name)
        if path is not None and stem is not None:
            feeds[stem].append(Microphone(name, path))
    mixture = _present(track.audio_path)
    stems = {stem: tuple(found) for stem, found in feeds.items() if found}
    if mixture is None and not stems:
        return None
    annotations = {
        "pitch": _present(track.pitch_vocal_path) or _present(track.pitch_path),
        "tonic": _present(track.ctonic_path),
        "sama": _present(track.sama_path),
        "tempo": _present(track.tempo_path),
        "sections": _present(track.sections_path),
    }
    present = {kind: path for kind, path in annotations.items() if path is not None}
    facts = gather(layout.metadata, _metadata(track), tonic=present.get("tonic"))
    some = mixture or next(iter(stems.values()))[0].path
    concert, name = some.parent.parent.name, some.parent.name
    return Multitrack(
        id=f"{concert}/{name}",
        concert=concert,
        artists=facts.artists,
        mixture=mixture,
        stems=stems,
        tonic_hz=facts.tonic_hz,
        raga=facts.raga,
        tala=facts.tala,
        annotations=present,
        licence=layout.licence,
        mixture_is_sum_of_stems=bool(stems) and mixture is None,
    )


def _present(path: str | None) -> Path | None:
    return Path(path) if path is not None and Path(path).is_file() else None


def _metadata(track: Any) -> list[Any]:
    """Return the content of the metadata file; a damaged one is reported with the folder."""
    if _present(track.metadata_path) is None:
        return []
    try:
        return [track.metadata]
    except (OSError, ValueError):
        return []
