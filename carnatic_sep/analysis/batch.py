"""Many recordings one after the other: separated where needed, kept where done."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from carnatic_sep.analysis.concert import SUMMARY, analyse, write_analysis
from carnatic_sep.analysis.options import AnalysisOptions
from carnatic_sep.analysis.recordings import Recording, stem_files
from carnatic_sep.errors import AudioReadError, CarnaticSepError, UsageError
from carnatic_sep.files import reason

if TYPE_CHECKING:
    from carnatic_sep.separation.separator import Separator

_log = logging.getLogger(__name__)

STEMS = "stems"

Status = Literal["analysed", "kept", "failed"]


@dataclass(frozen=True)
class Outcome:
    """How one recording went.

    Attributes
    ----------
    recording : which
    folder : where its results are
    status : ``analysed`` now, ``kept`` from an earlier call, or ``failed``
    summary : what ``analysis.json`` holds; None where it failed
    error : why it failed
    """

    recording: Recording
    folder: Path
    status: Status
    summary: dict[str, Any] | None = None
    error: CarnaticSepError | None = None


def analyse_recordings(
    recordings: Sequence[Recording],
    out_dir: Path,
    *,
    options: AnalysisOptions,
    make_separator: Callable[[], Separator],
    model: str = "default",
    overwrite: bool = False,
    report: Callable[[str, float], None] = lambda step, share: None,
) -> Iterator[Outcome]:
    """Analyse each recording into ``out_dir/NAME/`` and tell of it; one that fails stops no other.

    A recording whose folder holds results of the same input with the same options is kept; stems
    that an interrupted call has left complete are used again.

    Parameters
    ----------
    make_separator : called once, when the first mixture has to be separated
    model : its name, which is part of the options
    overwrite : whether to analyse, and to separate, again what is done
    report : takes a step and the seconds of it that are done

    Raises
    ------
    UsageError
        A melody was given in a file, but there are several recordings.
    """
    if options.holds_melody and len(recordings) > 1:
        raise UsageError(
            f"{options.pitch} holds the melody of one recording, but there are {len(recordings)}; "
            "analyse them one by one"
        )
    separators: list[Separator] = []
    for recording in recordings:
        folder = out_dir / recording.name
        try:
            settings = _settings(recording, options, model)
            there = None if overwrite else _finished(folder, settings)
            if there is not None:
                yield Outcome(recording, folder, "kept", there)
                continue
            whole = recording
            if not recording.stems:
                stems = {} if overwrite else _complete(folder / STEMS, settings)
                if not stems:
                    if not separators:
                        separators.append(make_separator())
                    stems = _separate(separators[0], recording, folder, settings, report)
                whole = replace(recording, stems=stems)
            found = analyse(whole, options=options, report=report)
            report("writing", 0.0)
            write_analysis(folder, whole, found, options=options, settings=settings)
            summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        except CarnaticSepError as error:
            yield Outcome(recording, folder, "failed", error=error)
        except Exception as error:
            # a mistake of ours; the other recordings are still to be done
            _log.exception("%s: unexpected error", recording.source)
            message = f"{recording.source}: unexpected {type(error).__name__}: {error}"
            yield Outcome(
                recording, folder, "failed", error=CarnaticSepError(f"{message}; please report it")
            )
        else:
            yield Outcome(recording, folder, "analysed", summary)


def _separate(
    separator: Separator,
    recording: Recording,
    folder: Path,
    settings: dict[str, Any],
    report: Callable[[str, float], None],
) -> dict[str, Path]:
    from carnatic_sep.analysis.tables import write_text
    from carnatic_sep.separation.tracks import TrackOptions

    class _Told:
        def update(self, *, done_seconds: float, total_seconds: float | None) -> None:
            report("separating", done_seconds)

        def warn(self, message: str) -> None:
            _log.warning("%s", message)

    assert recording.mixture is not None
    result = separator.separate_file(
        recording.mixture,
        folder,
        options=TrackOptions(overwrite=True),
        track=STEMS,
        progress=_Told(),
    )
    write_text(folder / STEMS / "made-from.json", [json.dumps(_made_from(settings))])
    return dict(result.outputs)


def _complete(folder: Path, settings: dict[str, Any]) -> dict[str, Path]:
    """Return the stems that an earlier call made of the same mixture with the same model."""
    try:
        made = json.loads((folder / "made-from.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stem_files(folder) if made == _made_from(settings) else {}


def _finished(folder: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return the summary of an earlier call with the same input and options."""
    try:
        summary: dict[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return summary if summary.get("settings") == settings else None


def _made_from(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: settings[key] for key in ("input", "model")}


def _settings(recording: Recording, options: AnalysisOptions, model: str) -> dict[str, Any]:
    """Return what the results depend on: files by size and time, options, model."""
    files = [recording.mixture, *recording.stems.values(), recording.sama]
    files += [Path(options.pitch)] if options.holds_melody else []
    marks = [_mark(path) for path in files if path]
    chosen: dict[str, Any] = json.loads(json.dumps(asdict(options)))
    return {
        "input": hashlib.sha256("\n".join(marks).encode(errors="surrogateescape")).hexdigest()[:16],
        "model": None if recording.stems else _identity(model),
        **chosen,
    }


def _identity(model: str) -> str:
    """Return the SHA-256 of a model's weights: its file may hold others by the next call."""
    from carnatic_sep.models.checkpoint import read_metadata
    from carnatic_sep.models.zoo import resolve

    return read_metadata(resolve(model)).sha256


def _mark(path: Path) -> str:
    """Return what changes when the file does.

    Raises
    ------
    AudioReadError
        It is not there, or is a link to nothing.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise AudioReadError(
            f"{path}: the file cannot be opened ({reason(error)}); check its name and permissions, "
            "and where it points if it is a link"
        ) from error
    return f"{path.name}:{found.st_size}:{found.st_mtime_ns}"
