"""What is wrong with a dataset: every fault named in one report, the rest of it usable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from carnatic_sep.audio.info import AudioInfo
from carnatic_sep.audio.reader import probe
from carnatic_sep.datasets.checksums import expected_checksums
from carnatic_sep.datasets.facts import dig, read_document
from carnatic_sep.datasets.multitrack import LENGTH_TOLERANCE_SECONDS, Multitrack
from carnatic_sep.datasets.registry import Dataset
from carnatic_sep.datasets.scan import FileScan, scan_file
from carnatic_sep.datasets.splits import BY, shared_people
from carnatic_sep.errors import AudioReadError, CarnaticSepError, DatasetError
from carnatic_sep.transfer.digest import file_digest
from carnatic_sep.transfer.origin import OnProgress

Kind = Literal[
    "missing file",
    "missing stem",
    "wrong checksum",
    "unreadable",
    "truncated",
    "unequal length",
    "duplicate",
    "silent",
    "bad metadata",
    "split",
    "unused file",
    "absent tracks",
    "in no part",
]

BREAKING: tuple[Kind, ...] = ("missing file", "wrong checksum", "unreadable", "truncated")
"""Faults that make a track unusable; with the others it can be used, with open eyes."""

NOTES: tuple[Kind, ...] = ("unused file", "absent tracks", "in no part")
"""What is worth saying and no fault."""

SILENCE_DB = -60.0


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    kind : see `Kind`
    track : id of the track, empty where the fault is the dataset's
    file : the file in question, None where there is none
    message : what was found, and what helps
    """

    kind: Kind
    track: str
    file: Path | None
    message: str


@dataclass
class ValidationReport:
    """What a validation looked at and found.

    Attributes
    ----------
    dataset, root : what was looked at
    tracks : ids of all tracks
    files : number of audio files looked at
    seconds : audio that decoded, over all files
    checksums_from : where expected checksums are from; empty if there are none
    problems : faults and notes, track by track
    """

    dataset: str
    root: Path
    tracks: list[str] = field(default_factory=list)
    files: int = 0
    seconds: float = 0.0
    checksums_from: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def faults(self) -> list[Problem]:
        """The problems that are more than notes."""
        return [problem for problem in self.problems if problem.kind not in NOTES]

    @property
    def usable(self) -> list[str]:
        """Ids of the tracks whose files are all there and whole."""
        broken = {problem.track for problem in self.problems if problem.kind in BREAKING}
        return [track for track in self.tracks if track not in broken]


def validate(
    dataset: Dataset, *, decode: bool = True, on_progress: OnProgress | None = None
) -> ValidationReport:
    """Look at every file of `dataset` and name everything that is wrong.

    Parameters
    ----------
    decode : decode every file to its end, which finds truncated and silent ones and compares
        contents and checksums; without it, only names and headers are looked at
    on_progress : told about every file

    Raises
    ------
    DatasetError
        There is no such folder or no track in it.
    """
    tracks = dataset.tracks()
    report = ValidationReport(dataset.name, dataset.root, tracks=[track.id for track in tracks])
    expected: Mapping[Path, tuple[str, str]] = {}
    try:
        expected, report.checksums_from = expected_checksums(dataset)
    except DatasetError as error:
        report.problems.append(Problem("bad metadata", "", None, str(error)))
    report.problems += _missing_files(dataset, tracks, expected)
    scans: dict[Path, FileScan] = {}
    total = sum(len(track.files) for track in tracks)
    for found, track in zip(dataset.found, tracks, strict=True):
        report.problems += _missing_stems(dataset, track)
        report.problems += [Problem("bad metadata", track.id, None, m) for m in found.problems]
        report.problems += [
            Problem("unused file", track.id, path, f"{path}: left out, no stem is called so")
            for path in found.unused
        ]
        for path in track.files:
            report.files += 1
            scan = scan_file(path) if decode else None
            if scan is not None:
                scans[path] = scan
                report.seconds += scan.seconds
            report.problems += _file_problems(track, path, scan, expected if decode else {})
            if on_progress is not None:
                on_progress(f"checking {track.id}", report.files, total)
        report.problems += _unequal_lengths(track, scans)
    report.problems += _duplicates(tracks, scans)
    report.problems += _split_problems(dataset)
    return report


def _missing_files(
    dataset: Dataset, tracks: Iterable[Multitrack], expected: Mapping[Path, tuple[str, str]]
) -> list[Problem]:
    """Name expected files that are not there, and count the tracks of which nothing is."""
    by_folder = {path.parent: track.id for track in tracks for path in track.files}
    missing = [path for path in expected if not path.is_file()]
    problems = [
        Problem("missing file", by_folder[path.parent], path, f"{path}: the file is missing")
        for path in missing
        if path.parent in by_folder
    ]
    absent = {path.parent for path in missing if path.parent not in by_folder}
    if absent:
        message = (
            f"{dataset.root}: {len(absent)} tracks that belong to {dataset.layout.title} are not "
            "here at all"
        )
        problems.append(Problem("absent tracks", "", None, message))
    return problems


def _missing_stems(dataset: Dataset, track: Multitrack) -> list[Problem]:
    """Name expected stems that a multitrack lacks; a recording without any stem is a mixture."""
    if not track.stems:
        return []
    return [
        Problem(
            "missing stem", track.id, None, f"{track.id}: no file for {stem}; see `datasets show`"
        )
        for stem in dataset.layout.expected
        if stem not in track.stems
    ]


def _file_problems(
    track: Multitrack,
    path: Path,
    scan: FileScan | None,
    expected: Mapping[Path, tuple[str, str]],
) -> list[Problem]:
    if scan is None:
        try:
            probe(path)
        except AudioReadError as error:
            return [Problem("unreadable", track.id, path, str(error))]
        return []
    problems = []
    if scan.error is not None:
        kind: Kind = "truncated" if scan.frames else "unreadable"
        problems.append(Problem(kind, track.id, path, scan.error))
    elif scan.peak_db < SILENCE_DB and not _rests(path):
        level = "digital silence" if scan.peak_db == float("-inf") else f"{scan.peak_db:.0f} dBFS"
        problems.append(
            Problem("silent", track.id, path, f"{path}: nothing is heard (peak {level})")
        )
    if path in expected and path.is_file():
        algorithm, wanted = expected[path]
        digest = scan.sha256 if algorithm == "sha256" else file_digest(path, algorithm)
        if digest != wanted:
            problems.append(
                Problem(
                    "wrong checksum",
                    track.id,
                    path,
                    f"{path}: {algorithm} is {digest}, not {wanted}; download the file again",
                )
            )
    return problems


def _rests(path: Path) -> bool:
    """Say whether a score beside the stem, as ``carnatic-sep render`` writes it, has it rest."""
    score = path.with_name("score.json")
    try:
        return score.is_file() and dig(read_document(score), f"activity.{path.stem}") == []
    except DatasetError:
        return False  # told as bad metadata


def _unequal_lengths(track: Multitrack, scans: Mapping[Path, FileScan]) -> list[Problem]:
    lengths: dict[Path, float] = {}
    for path in track.files:
        scan = scans.get(path)
        if scan is not None:
            if scan.error is None:
                lengths[path] = scan.seconds
            continue
        info = _header(path)
        if info is not None and info.duration_seconds is not None:
            lengths[path] = info.duration_seconds
    if not lengths:
        return []
    longest = max(lengths.values())
    return [
        Problem(
            "unequal length",
            track.id,
            path,
            f"{path}: {seconds:.2f} s long, the longest file of the track {longest:.2f} s; "
            "silence is read after its end",
        )
        for path, seconds in lengths.items()
        if longest - seconds > LENGTH_TOLERANCE_SECONDS
    ]


def _header(path: Path) -> AudioInfo | None:
    try:
        return probe(path)
    except AudioReadError:
        return None


def _duplicates(tracks: Iterable[Multitrack], scans: Mapping[Path, FileScan]) -> list[Problem]:
    first: dict[str, Path] = {}
    problems = []
    for track in tracks:
        for path in track.files:
            scan = scans.get(path)
            if scan is None or not scan.sha256:
                continue
            other = first.setdefault(scan.sha256, path)
            if other != path:
                message = f"{path}: the same bytes as {other}; one of them is misplaced"
                problems.append(Problem("duplicate", track.id, path, message))
    return problems


def _split_problems(dataset: Dataset) -> list[Problem]:
    """Name people on both sides of the dataset's split, as far as that split promises none."""
    if not dataset.layout.split and not (dataset.root / "split.yaml").is_file():
        return []
    try:
        parts = dataset.parts()
        by = dataset.split_file().by or BY[-1]
    except CarnaticSepError as error:
        return [Problem("split", "", None, str(error))]
    sorted_in = {track.id for members in parts.values() for track in members}
    return [
        *(
            Problem("split", "", None, f"{line}; make another split with `datasets split`")
            for line in shared_people(parts, by=by)
        ),
        *(
            Problem("in no part", track.id, None, f"{track.id}: the split does not name it")
            for track in dataset.tracks()
            if track.stems and track.id not in sorted_in
        ),
    ]
