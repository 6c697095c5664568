"""Bleed out of recordings on disk: a multitrack in, a folder of cleaned stems out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep.errors import AudioWriteError, DatasetError, UsageError
from carnatic_sep.files import growing
from carnatic_sep.leakage.clean import CLEANER_VERSION, CleanReport, Tally, related_microphones
from carnatic_sep.leakage.config import CleanConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.audio.formats import OutputFormat
    from carnatic_sep.datasets.multitrack import Multitrack

    Audio = NDArray[np.float32]

__all__ = ["RECORD", "CleanedTrack", "clean_multitrack"]

RECORD = "cleaning.json"
CONFIDENCE = "confidence.npz"
METADATA = "metadata.json"

_DEFAULT = CleanConfig()

Progress = Callable[[int, int], None]
"""Called with frames done and frames in all."""


@dataclass(frozen=True)
class CleanedTrack:
    """What lies in the folder of a cleaned track.

    Attributes
    ----------
    folder : stems, ``confidence.npz``, ``metadata.json`` and ``cleaning.json``
    stems : stem to its file
    report : what was done to each microphone; None where it was done before
    """

    folder: Path
    stems: dict[str, Path]
    report: CleanReport | None


@dataclass(frozen=True)
class _Rows:
    """Which microphone each row of the array is, its stem, and its channel; None if mono."""

    names: list[str]
    stems: list[str]
    channels: list[int | None]


def was_cleaned(track: Multitrack, out_dir: Path) -> bool:
    """Whether `track` is what an earlier cleaning has written below `out_dir`."""
    folders = {path.parent.resolve() for path in track.files}
    below = all(out_dir.resolve() in folder.parents for folder in folders)
    return below and any((folder / RECORD).is_file() for folder in folders)


def _refuse_own_folder(track: Multitrack, folder: Path) -> None:
    """Keep cleaned stems apart from the recordings, which nobody can make again."""
    for path in track.files:
        if path.parent.resolve() == folder.resolve():
            raise AudioWriteError(
                f"{folder}: holds the recordings of {track.id} themselves, {path.name} for one; "
                "choose another --out"
            )


def clean_multitrack(
    track: Multitrack,
    out_dir: Path,
    *,
    config: CleanConfig = _DEFAULT,
    output_format: OutputFormat | None = None,
    overwrite: bool = False,
    on_progress: Progress | None = None,
) -> CleanedTrack:
    """Clean a track and write its stems to ``out_dir/ID``, where `load_dataset` finds them.

    Every microphone is cleaned of all that stand at other stems, channel by channel; the
    microphones of a stem are summed then, as `Multitrack.read_stem` does. Memory holds one
    segment, however long the recording.

    Parameters
    ----------
    track : recorded on one clock
    out_dir : a folder per track is made in it
    config : how; see `CleanConfig`
    output_format : of the stems; 24-bit FLAC if None
    overwrite : clean again what is there already
    on_progress : told how far it is

    Returns
    -------
    CleanedTrack; at once, without a report, where the same cleaning was done before

    Raises
    ------
    AudioReadError
        A microphone cannot be read.
    AudioWriteError
        A file cannot be written, another cleaning lies there and `overwrite` is off, or the
        recordings themselves do.
    DatasetError
        The track has one stem only, so that nothing can bleed.
    """
    from carnatic_sep.audio.formats import OutputFormat
    from carnatic_sep.audio.writer import StemWriter
    from carnatic_sep.leakage.confidence_file import ConfidenceFile
    from carnatic_sep.leakage.stream import clean_stream
    from carnatic_sep.transfer.lock import writing_alone

    if len(track.stems) < 2:
        there = ", ".join(track.stems) or "none"
        raise DatasetError(
            f"{track.id}: bleed needs two stems or more; of those here there is {there}"
        )
    chosen = output_format or OutputFormat()
    folder = out_dir / track.id
    paths = {stem: folder / f"{stem}.{chosen.extension}" for stem in track.stems}
    _refuse_own_folder(track, folder)
    order = _order(track, config, chosen)
    if not overwrite and _is_done(folder, order, paths):
        return CleanedTrack(folder, paths, None)

    sample_rate, frames = track.info()
    rows = _rows(track)
    _check_length(track, frames, sample_rate)

    def read(start: int, count: int) -> Audio:
        heard = track.read_microphones(start=start, frames=count, sample_rate=sample_rate)
        return np.concatenate([heard[microphone.name] for microphone in track.microphones])

    tally = Tally(rows.names)
    channels = 1 + max(channel or 0 for channel in rows.channels)
    with (
        writing_alone(folder / RECORD),
        StemWriter(
            paths,
            sample_rate=sample_rate,
            channels=channels,
            output_format=chosen,
            overwrite=overwrite,
            expected_frames=frames,
        ) as writer,
        ConfidenceFile(folder / CONFIDENCE, rows.names) as sure,
    ):
        for piece in clean_stream(
            read,
            frames=frames,
            sample_rate=sample_rate,
            related=related_microphones(rows.names, dict(zip(rows.names, rows.stems, strict=True))),
            config=config,
        ):
            tally.add(piece)
            sure.write(piece.confidence)
            writer.write(_sum_stems(piece.audio, rows, channels))
            if on_progress is not None:
                on_progress(piece.done, frames)
        report = tally.report(config=config, sample_rate=sample_rate)
        # A record says that all the rest is whole: the old one goes first, the new one comes last.
        earlier = _written_before(folder)
        (folder / RECORD).unlink(missing_ok=True)
        sure.commit(report)
        _write_json(folder / METADATA, _metadata(track))
        gain = writer.commit()
        for path in earlier - set(paths.values()):  # another format's, or of stems no longer there
            path.unlink(missing_ok=True)
        record = {
            "order": order,
            "stems": sorted(path.name for path in paths.values()),
            "gain": gain,
            "report": report.as_dict(),
        }
        _write_json(folder / RECORD, record)
    return CleanedTrack(folder, paths, report)


def _rows(track: Multitrack) -> _Rows:
    """Lay the channels of all microphones out as rows."""
    from carnatic_sep.datasets.track_audio import file_info

    names: list[str] = []
    stems: list[str] = []
    channels: list[int | None] = []
    taken = [microphone.name for microphone in track.microphones]
    if len(set(taken)) < len(taken):
        raise DatasetError(f"{track.id}: two microphones have one name among {', '.join(taken)}")
    for stem, feeds in track.stems.items():
        for microphone in feeds:
            count = file_info(microphone.path).channels
            for channel in range(count):
                names.append(microphone.name if count == 1 else f"{microphone.name}.{channel + 1}")
                stems.append(stem)
                channels.append(None if count == 1 else channel)
    return _Rows(names, stems, channels)


def _sum_stems(audio: Audio, rows: _Rows, channels: int) -> dict[str, Audio]:
    """Sum cleaned rows to stems (channels, frames); a mono microphone sounds on every channel."""
    sums: dict[str, Audio] = {}
    for stem in dict.fromkeys(rows.stems):
        total = np.zeros((channels, audio.shape[1]), dtype=np.float32)
        for index, played in enumerate(rows.stems):
            if played != stem:
                continue
            channel = rows.channels[index]
            total[slice(None) if channel is None else channel] += audio[index]
        sums[stem] = total
    return sums


def _check_length(track: Multitrack, frames: int, sample_rate: int) -> None:
    from carnatic_sep.leakage.config import window_frames

    if sample_rate < 8000:
        raise UsageError(
            f"{track.id}: stems must be sampled at 8000 Hz or more, not {sample_rate}; find the "
            "recording at its own rate"
        )
    if frames < window_frames(sample_rate):
        raise UsageError(
            f"{track.id}: {frames} frames are too short to clean; at {sample_rate} Hz "
            f"{window_frames(sample_rate)} are needed"
        )


def _order(track: Multitrack, config: CleanConfig, chosen: OutputFormat) -> dict[str, Any]:
    """Say what is to be done to what; equal orders have equal results."""
    return {
        "version": CLEANER_VERSION,
        "config": json.loads(json.dumps(asdict(config))),
        "format": [chosen.name, chosen.bit_depth],
        "files": {
            microphone.name: _mark(microphone.path)
            for microphone in track.microphones
            if microphone.path.is_file()
        },
    }


def _mark(path: Path) -> list[str | int]:
    found = path.stat()
    return [path.name, found.st_size, found.st_mtime_ns]


def _is_done(folder: Path, order: dict[str, Any], paths: dict[str, Path]) -> bool:
    """Whether this very order was carried out to its end; another one there is an error."""
    record = folder / RECORD
    if not record.is_file():
        return False
    try:
        before = json.loads(record.read_text(encoding="utf-8"))["order"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AudioWriteError(
            f"{record}: this record cannot be read; add --overwrite to clean the track again"
        ) from error
    if before != order:
        raise AudioWriteError(
            f"{folder}: the track was cleaned before, from other files or with other settings; "
            "add --overwrite to replace that, or choose another --out"
        )
    return all(path.is_file() for path in (*paths.values(), folder / CONFIDENCE))


def _written_before(folder: Path) -> set[Path]:
    """Return the stems that the last cleaning wrote into `folder`, as its record has them."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {folder / Path(name).name for name in record["stems"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _metadata(track: Multitrack) -> dict[str, Any]:
    facts = {
        "concert": track.concert or None,
        "tonic_hz": track.tonic_hz,
        "raga": track.raga,
        "tala": track.tala,
        "licence": track.licence or None,
        "artists": [asdict(artist) for artist in track.artists] or None,
        "bleed_removed_by": f"carnatic-sep cleaner {CLEANER_VERSION}",
    }
    return {key: value for key, value in facts.items() if value is not None}


def _write_json(path: Path, document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        with growing(path) as place:
            place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AudioWriteError(f"{path}: cannot be written ({error.strerror})") from error
