"""From what a person names to recordings: mixtures, folders of stems, annotations."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from carnatic_sep.audio.info import AUDIO_SUFFIXES
from carnatic_sep.errors import AnalysisError, UsageError
from carnatic_sep.files import below
from carnatic_sep.separation.inputs import find_tracks
from carnatic_sep.stems import DEFAULT_STEMS, canonical

_MIXTURES = ("mixture", "mix")
_LENGTHS_DIFFER_SECONDS = 0.1


@dataclass(frozen=True)
class Recording:
    """One thing to analyse.

    Attributes
    ----------
    name : what its folder of results is called
    mixture : the whole recording; None where only stems are there
    stems : stem to file; empty where it is still to be separated
    sama : file of annotated samas beside it, None without
    """

    name: str
    mixture: Path | None
    stems: Mapping[str, Path] = field(default_factory=dict)
    sama: Path | None = None

    @property
    def title(self) -> str:
        """The name as it can be written: bytes that are no letters become question marks."""
        return os.fsencode(self.name).decode("utf-8", errors="replace")

    @property
    def source(self) -> Path:
        """The file or folder that a message about it names."""
        if self.mixture is not None:
            return self.mixture
        return next(iter(self.stems.values())).parent


def find_recordings(inputs: Sequence[Path], *, out_dir: Path) -> list[Recording]:
    """Return what `inputs` name: mixtures, folders of stems, or folders of either.

    A folder that holds ``vocals.*``, ``violin.*`` and so on is one recording with stems, with
    ``mixture.*`` if that is there too; any other folder is searched for such folders and for
    audio files, which are mixtures. What lies in `out_dir` is left out.

    Raises
    ------
    UsageError
        No input, nothing to analyse in a folder, or two recordings of one name.
    AnalysisError
        A folder holds one stem twice.
    """
    if not inputs:
        raise UsageError("no input: name a recording, a folder of stems, or a folder of either")
    found: list[Recording] = []
    for given in inputs:
        if not given.exists():
            raise UsageError(f"{given}: no such file or folder")
        if not given.is_dir():
            found.append(_mixture(given, given.stem))
            continue
        stems = stem_files(given)
        if stems:
            found.append(_with_stems(given, stems, given.resolve().name))
            continue
        found += _below(given, out_dir)
    names = [recording.name for recording in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two recordings are called {name}; analyse them into two folders")
    return found


def stem_files(folder: Path) -> dict[str, Path]:
    """Return the stems in `folder`, in their usual order; empty where it holds none.

    Raises
    ------
    AnalysisError
        One stem lies there in two files.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in AUDIO_SUFFIXES or not path.is_file():
            continue
        stem = _stem(path)
        if stem is None:
            continue
        if stem in found:
            raise AnalysisError(
                f"{folder}: {found[stem].name} and {path.name} are both {stem}; keep one of them"
            )
        found[stem] = path
    return {stem: found[stem] for stem in DEFAULT_STEMS if stem in found}


def check_length(recording: Recording) -> None:
    """Refuse stems that are not as long as their mixture.

    Raises
    ------
    AnalysisError
        Naming both files.
    """
    from carnatic_sep.audio.reader import probe

    if recording.mixture is None:
        return
    whole = probe(recording.mixture).duration_seconds
    for path in recording.stems.values():
        seconds = probe(path).duration_seconds
        if whole and seconds and abs(whole - seconds) > _LENGTHS_DIFFER_SECONDS:
            raise AnalysisError(
                f"{path} lasts {seconds:.2f} s but {recording.mixture} {whole:.2f} s: they are "
                "not of the same recording, or one was cut; separate it again"
            )


def _stem(path: Path) -> str | None:
    from carnatic_sep.errors import UnknownNameError

    try:
        return canonical(path.stem)
    except UnknownNameError:
        return None


def _below(folder: Path, out_dir: Path) -> list[Recording]:
    away = out_dir.resolve()
    holders = {
        path: stem_files(path)
        for path in sorted(each for each in below(folder) if each.is_dir())
        if not path.resolve().is_relative_to(away)
    }
    holders = {path: stems for path, stems in holders.items() if stems}
    found = [
        _with_stems(path, stems, path.relative_to(folder).as_posix())
        for path, stems in holders.items()
    ]
    try:
        tracks = find_tracks([folder], out_dir=out_dir)
    except UsageError:
        if not found:
            raise
        return found
    inside = tuple(path.resolve() for path in holders)
    found += [
        _mixture(track.path, track.name)
        for track in tracks
        if not any(track.path.resolve().is_relative_to(holder) for holder in inside)
    ]
    return sorted(found, key=lambda recording: recording.name)


def _mixture(path: Path, name: str) -> Recording:
    bare = path.with_name(path.name.split(".mp3")[0])
    return Recording(name, path, sama=_first([bare.with_name(f"{bare.name}.sama-manual.txt")]))


def _with_stems(folder: Path, stems: dict[str, Path], name: str) -> Recording:
    mixtures = [
        path
        for path in sorted(folder.iterdir())
        if path.stem.lower() in _MIXTURES and path.suffix.lower() in AUDIO_SUFFIXES
    ]
    sama = _first([folder / "sama.txt", *sorted(folder.glob("*.sama-manual.txt"))])
    return Recording(name, mixtures[0] if mixtures else None, stems, sama)


def _first(paths: Sequence[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)
