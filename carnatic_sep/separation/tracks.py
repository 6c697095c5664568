"""One recording from file to files: read, separate, write, verify, record."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from carnatic_sep.audio.info import BrokenAudioError, Downmix
from carnatic_sep.audio.quantise import SAFE_PEAK
from carnatic_sep.audio.writer import OutputFormat, StemWriter
from carnatic_sep.errors import AudioReadError, AudioWriteError, CarnaticSepError
from carnatic_sep.separation.inputs import plain_name
from carnatic_sep.separation.naming import FilenameTemplate
from carnatic_sep.separation.progress import Progress, Silent
from carnatic_sep.separation.provenance import Outcome, describe, write_sidecar
from carnatic_sep.separation.selection import Selection, select
from carnatic_sep.separation.verification import null_depth
from carnatic_sep.transfer.lock import writing_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from carnatic_sep.audio.reader import AudioReader
    from carnatic_sep.separation.separator import Separator

NULL_LIMIT_DB = -90.0
"""Stems in formats of 24 bits and more must sum to their input to within this, in dBFS; below the
peak of an input that is beyond full scale."""


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """What becomes of a recording's stems.

    Attributes
    ----------
    stems : those to write; all, if neither these nor `mix_minus` are given
    mix_minus : stems to leave out of one further file, ``mix-minus-NAME``, with all the others
    output_format : of every file
    filename : where files go, below the output folder
    overwrite : whether files that are there may be replaced
    verify : whether to read the written stems again and to sum them against the input
    downmix : what becomes of channels, ``none``, ``stereo`` or ``mono``
    """

    stems: tuple[str, ...] = ()
    mix_minus: tuple[str, ...] = ()
    output_format: OutputFormat = field(default_factory=OutputFormat)
    filename: FilenameTemplate = field(default_factory=FilenameTemplate)
    overwrite: bool = False
    verify: bool = False
    downmix: Downmix = "none"


@dataclass(frozen=True)
class SeparationResult:
    """What a separated file came to.

    Attributes
    ----------
    outputs : output name to file
    sidecar : the record beside them
    seconds : length of the recording
    gain : by which all outputs were scaled, so that none clips; 1 as a rule
    null_depth_db : peak of "outputs minus input" in dBFS; None where it was not verified
    elapsed_seconds : time that it took
    warnings : what went otherwise than asked
    """

    outputs: dict[str, Path]
    sidecar: Path
    seconds: float
    gain: float
    null_depth_db: float | None
    elapsed_seconds: float
    warnings: tuple[str, ...]


def plan_outputs(
    separator: Separator, track: str, out_dir: Path, *, options: TrackOptions
) -> tuple[dict[str, Path], Path]:
    """Return the files that separating `track` would leave: by output name, and the record.

    Raises
    ------
    UsageError
        A stem that the model does not have.
    """
    template = options.filename
    model = separator.model_name
    selection = select(separator.stems, stems=options.stems, mix_minus=options.mix_minus)
    paths = {
        name: template.path(
            out_dir, track=track, stem=name, extension=options.output_format.extension, model=model
        )
        for name in selection.outputs
    }
    return paths, template.sidecar(out_dir, track=track, model=model)


def separate_file(
    separator: Separator,
    path: Path,
    out_dir: Path,
    *,
    options: TrackOptions | None = None,
    track: str | None = None,
    progress: Progress | None = None,
) -> SeparationResult:
    """Separate the recording `path` into files below `out_dir`.

    The recording is decoded twice: once to find its peak, its length and any damage before hours
    are spent on it, and once to be separated.

    Parameters
    ----------
    track : what the outputs are called after; the file's name without suffix if None
    progress : is told how far the separation is

    Raises
    ------
    AudioReadError
        The file cannot be read, or only up to a break: then the stems up to there, and a record
        that says so, are kept, the stems as ``*.partial``.
    AudioWriteError
        An output exists and may not be replaced, or cannot be written.
    UsageError
        A stem that the model does not have, or a format that cannot hold the sample rate.
    CarnaticSepError
        The outputs were verified, and do not sum to the input.
    """
    from carnatic_sep.audio.reader import AudioReader, peak_and_check

    started = time.perf_counter()
    options = options or TrackOptions()
    selection = select(separator.stems, stems=options.stems, mix_minus=options.mix_minus)
    paths, sidecar = plan_outputs(separator, track or plain_name(path), out_dir, options=options)
    _refuse_existing(path, paths, overwrite=options.overwrite)
    watcher = _Recorder(progress or Silent())
    with AudioReader(path, downmix=options.downmix) as reader:
        options.output_format.check(reader.info.sample_rate, reader.info.channels)
        scan = peak_and_check(path, downmix=options.downmix)
        seconds = scan.frames / reader.info.sample_rate
        record = describe(separator, reader.info, scan, options=options)
        with (
            writing_alone(sidecar),
            StemWriter(
                paths,
                sample_rate=reader.info.sample_rate,
                channels=reader.info.channels,
                output_format=options.output_format,
                overwrite=options.overwrite,
                gain=_headroom(scan.peak, options.output_format),
                expected_frames=scan.frames,
            ) as writer,
        ):
            broken = _write_stems(separator, reader, writer, selection, seconds, watcher)
            if broken is not None:
                partials = dict(zip(paths, writer.partial_paths, strict=True))
                outcome = Outcome("damaged", partials, time.perf_counter() - started)
                write_sidecar(sidecar, record, replace(outcome, damage=str(broken)))
                raise AudioReadError(
                    f"{broken} The stems up to there are kept as *.partial in {sidecar.parent}."
                ) from broken
            if sidecar.exists():  # what it says of the files that are replaced now ends here
                replaced = Outcome("unfinished", paths, time.perf_counter() - started)
                write_sidecar(sidecar, record, replaced)
            gain = writer.commit()
            elapsed = time.perf_counter() - started
            outcome = Outcome("complete", paths, elapsed, gain, None, tuple(watcher.warnings))
            write_sidecar(sidecar, record, outcome)
        depth = None
        if options.verify and selection.sums_to_mixture:
            depth = null_depth(path, list(paths.values()), gain=gain, downmix=options.downmix)
        elif options.verify:
            watcher.warn("not verified: only all stems together sum to the input")
        limit = NULL_LIMIT_DB + 20.0 * math.log10(max(1.0, scan.peak))
        wrong = depth is not None and depth > limit and _is_fine(options.output_format)
        elapsed = time.perf_counter() - started
        if options.verify:
            status = "wrong" if wrong else "complete"
            outcome = Outcome(status, paths, elapsed, gain, depth, tuple(watcher.warnings))
            write_sidecar(sidecar, record, outcome)
    if wrong:
        raise CarnaticSepError(
            f"{path}: the stems sum to the input only to {depth:.1f} dBFS, and should to "
            f"{limit:.0f}; they are kept in {sidecar.parent}, do not rely on them"
        )
    return SeparationResult(
        outputs=paths,
        sidecar=sidecar,
        seconds=seconds,
        gain=gain,
        null_depth_db=depth,
        elapsed_seconds=elapsed,
        warnings=tuple(watcher.warnings),
    )


def _write_stems(
    separator: Separator,
    reader: AudioReader,
    writer: StemWriter,
    selection: Selection,
    seconds: float,
    progress: Progress,
) -> BrokenAudioError | None:
    """Separate all that decodes; return the break, if there is one."""
    broken: list[BrokenAudioError] = []

    def up_to_the_break() -> Iterator[NDArray[np.float32]]:
        try:
            yield from reader.blocks()
        except BrokenAudioError as error:
            broken.append(error)

    rate = reader.info.sample_rate
    done = 0
    pieces = separator.stream_with_mixture(
        up_to_the_break(), sample_rate=rate, channels=reader.info.channels, progress=progress
    )
    for mixture, stems in pieces:
        writer.write(selection.of(stems))
        done += mixture.shape[1]
        progress.update(done_seconds=done / rate, total_seconds=seconds)
    return broken[0] if broken else None


class _Recorder:
    """Progress that passes everything on, and remembers the warnings."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.warnings: list[str] = []

    def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
        self._progress.update(done_seconds=done_seconds, total_seconds=total_seconds)

    def warn(self, message: str) -> None:
        self.warnings.append(message)
        self._progress.warn(message)


def _refuse_existing(source: Path, paths: dict[str, Path], *, overwrite: bool) -> None:
    """Say at once what the writer would say after the input was scanned."""
    for path in paths.values():
        try:
            there = path.exists()
        except OSError as error:  # a name that is too long, say
            raise AudioWriteError(
                f"{path}: cannot be a file here ({error.strerror}); choose another --filename or "
                "--out, or a shorter name for the input"
            ) from error
        if there and source.exists() and path.samefile(source):
            raise AudioWriteError(f"{path}: would replace its own input; choose another folder")
        if there and not overwrite:
            raise AudioWriteError(
                f"{path}: is there already and is kept; --overwrite replaces it, another --out "
                "leaves both"
            )


def _headroom(peak: float, output_format: OutputFormat) -> float:
    """Return the gain that lets the input itself fit into a format with a ceiling."""
    has_ceiling = output_format.lossy or output_format.bits is not None
    return SAFE_PEAK / peak if has_ceiling and peak > 1.0 else 1.0


def _is_fine(output_format: OutputFormat) -> bool:
    """Whether rounding in the format alone stays far below :data:`NULL_LIMIT_DB`."""
    return not output_format.lossy and output_format.bits != 16
