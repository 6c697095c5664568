"""Tracks written the way Saraga Carnatic lays out its own, with an index for mirdata."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carnatic_sep.datasets.multitrack import Multitrack
from carnatic_sep.datasets.saraga import FOLDER, INDEX_KEYS, from_mirdata
from carnatic_sep.errors import DatasetError
from carnatic_sep.files import growing
from carnatic_sep.stems import MRIDANGAM, OTHER, VIOLIN, VOCALS

if TYPE_CHECKING:
    from carnatic_sep.audio.info import FloatArray

__all__ = ["export_saraga", "from_mirdata", "write_index"]

_FILES = {
    VOCALS: ("audio-vocal", "multitrack-vocal"),
    VIOLIN: ("audio-violin", "multitrack-violin"),
    MRIDANGAM: ("audio-mridangam-left", "multitrack-mridangam-left"),
    OTHER: ("audio-ghatam", "multitrack-ghatam"),
}
_ANNOTATIONS = {
    "pitch": ("pitch-vocal", "pitch-vocal.txt"),
    "sama": ("sama", "sama-manual.txt"),
    "tempo": ("tempo", "tempo-manual.txt"),
    "sections": ("sections", "sections-manual-p.txt"),
    "tonic": ("ctonic", "ctonic.txt"),
}
_MIXTURE = "audio-mix"


def export_saraga(
    tracks: Iterable[Multitrack],
    home: Path,
    *,
    extension: str = "wav",
    stems: Mapping[str, Mapping[str, Path]] | None = None,
) -> Path:
    """Write tracks below ``home/saraga1.5_carnatic/CONCERT/TRACK/`` and an index beside them.

    Scripts that look for Saraga's names find them: ``TRACK.multitrack-vocal.wav`` and so on,
    ``TRACK.ctonic.txt``, ``TRACK.pitch-vocal.txt``. A mridangam of one stem is written as the left
    microphone, and ``other`` as the ghatam. Files that are there already are kept.

    Parameters
    ----------
    extension : of the audio; Saraga's own is mp3, its loaders read any
    stems : track id to stem to file, of separated stems that take the place of the recorded ones

    Returns
    -------
    the index, ``home/saraga_index.json``: set a mirdata dataset's ``index_path`` to it

    Raises
    ------
    DatasetError
        No track, or one whose id is no path of a concert and a track.
    AudioReadError
        A track's audio cannot be read.
    """
    found: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for track in tracks:
        concert, _, name = track.id.rpartition("/")
        folder = home / FOLDER / (concert or track.concert or "concert") / name
        if not name or ".." in folder.parts:
            raise DatasetError(f"track {track.id!r}: its id must be CONCERT/TRACK")
        entries = _write(track, folder, name, extension, (stems or {}).get(track.id, {}))
        found[track.id] = {
            key: (os.path.relpath(entries[key], home) if key in entries else None, None)
            for key in INDEX_KEYS
        }
    if not found:
        raise DatasetError(f"{home}: no track to write; the dataset is empty")
    return write_index(home / "saraga_index.json", found)


def write_index(
    path: Path, tracks: Mapping[str, Mapping[str, tuple[str | None, str | None]]]
) -> Path:
    """Write an index of the form that mirdata's saraga_carnatic reads."""
    text = json.dumps({"version": "1.5", "tracks": tracks}, ensure_ascii=False, indent=1)
    with growing(path) as place:
        place.write_text(text, encoding="utf-8")
    return path


def _write(
    track: Multitrack, folder: Path, name: str, extension: str, separated: Mapping[str, Path]
) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    entries: dict[str, Path] = {}
    rate = track.info()[0]
    for stem, (key, ending) in _FILES.items():
        path = folder / f"{name}.{ending}.{extension}"
        if stem in separated:
            path = path.with_suffix(separated[stem].suffix)
            _copy(separated[stem], path)
        elif stem in track.stem_names:
            _sound(path, track.read_stem(stem) if not path.exists() else None, rate)
        else:
            continue
        entries[key] = path
    entries[_MIXTURE] = folder / f"{name}.{extension}"
    missing = not entries[_MIXTURE].exists()
    _sound(entries[_MIXTURE], track.read_mixture() if missing else None, rate)
    for kind, (key, ending) in _ANNOTATIONS.items():
        if kind in track.annotations:
            entries[key] = folder / f"{name}.{ending}"
            _copy(track.annotations[kind], entries[key])
    if track.tonic_hz is not None and "ctonic" not in entries:
        entries["ctonic"] = folder / f"{name}.ctonic.txt"
        entries["ctonic"].write_text(f"{track.tonic_hz:.6f}", encoding="utf-8")
    entries["metadata"] = folder / f"{name}.json"
    entries["metadata"].write_text(
        json.dumps(_metadata(track, name), ensure_ascii=False), encoding="utf-8"
    )
    return entries


def _sound(path: Path, audio: FloatArray | None, rate: int) -> None:
    """Write audio unless it is there (None)."""
    if audio is None:
        return
    from carnatic_sep.audio.formats import OutputFormat
    from carnatic_sep.audio.writer import StemWriter

    name = path.suffix.lstrip(".")
    # An unknown name is refused by OutputFormat itself.
    form = OutputFormat("wav", "32f") if name == "wav" else OutputFormat(name, "24")  # type: ignore[arg-type]
    with StemWriter(
        {"stem": path},
        sample_rate=rate,
        channels=audio.shape[0],
        output_format=form,
    ) as writer:
        writer.write({"stem": audio})
        writer.commit()


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        with growing(target) as place:
            shutil.copyfile(source, place)


def _metadata(track: Multitrack, name: str) -> dict[str, Any]:
    """Return the facts in the keys that Saraga's own metadata use."""
    return {
        "title": name,
        "concert": [{"title": track.concert}],
        "raaga": [{"name": track.raga}] if track.raga else [],
        "taala": [{"name": track.tala}] if track.tala else [],
        "artists": [
            {
                "artist": {"name": artist.name},
                "instrument": {"name": "Voice" if artist.role == "lead" else artist.role.title()},
                "lead": artist.role == "lead",
            }
            for artist in track.artists
        ],
    }
