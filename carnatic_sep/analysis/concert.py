"""From one recording to everything that is found in it, and to the files that hold it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carnatic_sep import __version__
from carnatic_sep.analysis import tables
from carnatic_sep.analysis.compiam_tools import RagaVote, deepsrgm
from carnatic_sep.analysis.distribution import Distribution, SvaraPeak, distribution, svara_peaks
from carnatic_sep.analysis.jams_file import write_jams
from carnatic_sep.analysis.labels import spans, write_audacity, write_instants, write_values
from carnatic_sep.analysis.levels import Levels, stem_levels
from carnatic_sep.analysis.options import DEEPSRGM, AnalysisOptions
from carnatic_sep.analysis.picture import Scene, check_span, save_picture
from carnatic_sep.analysis.pitch import RANGES_HZ, PitchTrack, track_file
from carnatic_sep.analysis.ragas import RagaGuess, nearest_ragas
from carnatic_sep.analysis.recordings import Recording, check_length
from carnatic_sep.analysis.rhythm import (
    Rhythm,
    SamaAgreement,
    analyse_rhythm,
    read_sama,
    sama_agreement,
)
from carnatic_sep.analysis.surface import melody_surface
from carnatic_sep.analysis.tonic import Tonic, find_tonic, given_tonic
from carnatic_sep.analysis.voicing import gate
from carnatic_sep.errors import AnalysisError, AudioWriteError
from carnatic_sep.stems import MRIDANGAM, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Report = Callable[[str, float], None]

SUMMARY = "analysis.json"


@dataclass(frozen=True)
class Analysis:
    """What was found in a recording.

    Attributes
    ----------
    pitch : the melody of `part`, unvoiced where its stem is silent
    tonic : Sa
    folded, unfolded : how long the melody stays at each height
    svaras : on which it dwells
    surface : see :func:`carnatic_sep.analysis.surface.melody_surface`
    raga : the nearest ragas of the renderer's table
    vote : what compIAM's DEEPSRGM says; None where it was not asked
    levels : of the stems
    rhythm : of the mridangam; None without its stem
    sama : annotated times; empty without
    agreement : of strokes with sama; None without either
    """

    pitch: PitchTrack
    tonic: Tonic
    folded: Distribution
    unfolded: Distribution
    svaras: tuple[SvaraPeak, ...]
    surface: NDArray[np.float64]
    raga: RagaGuess
    vote: RagaVote | None
    levels: Levels
    rhythm: Rhythm | None
    sama: tuple[float, ...]
    agreement: SamaAgreement | None


def analyse(
    recording: Recording,
    *,
    options: AnalysisOptions | None = None,
    report: Report = lambda step, share: None,
) -> Analysis:
    """Find melody, tonic, raga and rhythm in a recording with stems.

    Parameters
    ----------
    recording : with its stems; memory grows by some bytes for each hop, not with the audio
    report : takes a step and the seconds of it that are done

    Raises
    ------
    AnalysisError
        The stem of the melody is missing, stems, mixture and a given melody differ in length,
        nothing is voiced, or the picture's span lies outside.
    UsageError
        An option that cannot be met, or a library that is not installed.
    AudioReadError
        A file cannot be read.
    """
    options = options or AnalysisOptions()
    options.check()
    part = recording.stems.get(options.part)
    if part is None:
        raise AnalysisError(
            f"{recording.source}: there is no stem of {options.part} beside it; there is "
            f"{', '.join(recording.stems) or 'none'}. {_instead(recording, options.part)}"
        )
    check_length(recording)
    sama = read_sama(recording.sama) if recording.sama else ()
    told = given_tonic(options.tonic) if options.tonic != "auto" else None
    levels = stem_levels(
        recording.stems, report=lambda stem, done: report(f"level of {stem}", done)
    )
    if options.span is not None:
        check_span(recording.source, options.span, levels.seconds)
    pitch = _melody(part, levels.seconds, options, report)
    pitch = gate(pitch, levels, part=options.part)
    if not pitch.voiced.any():
        lowest, highest = RANGES_HZ[options.part]
        raise AnalysisError(
            f"{recording.source}: no voiced frames in its {options.part} ({part}): silent, shorter "
            f"than half a second, or without a melody between {lowest:.0f} and {highest:.0f} Hz; "
            f"listen to it, and try --part {_other_part(options.part)} or --pitch FILE.csv"
        )
    report("tonic", 0.0)
    tonic = told or find_tonic(recording.mixture, drone=recording.stems.get(OTHER), f0=pitch.f0)
    folded = distribution(pitch, tonic.hz)
    vote = None
    if options.raga == DEEPSRGM:
        report("raga by DEEPSRGM", 0.0)
        vote = deepsrgm(pitch, tonic.hz)
    rhythm = None
    if MRIDANGAM in recording.stems:
        rhythm = analyse_rhythm(
            recording.stems[MRIDANGAM], report=lambda done: report("strokes", done)
        )
    return Analysis(
        pitch=pitch,
        tonic=tonic,
        folded=folded,
        unfolded=distribution(pitch, tonic.hz, folded=False),
        svaras=tuple(svara_peaks(folded)),
        surface=melody_surface(pitch, tonic.hz),
        raga=nearest_ragas(folded),
        vote=vote,
        levels=levels,
        rhythm=rhythm,
        sama=sama,
        agreement=sama_agreement(rhythm, sama) if rhythm and len(sama) > 1 else None,
    )


def write_analysis(
    folder: Path,
    recording: Recording,
    found: Analysis,
    *,
    options: AnalysisOptions | None = None,
    settings: dict[str, Any] | None = None,
) -> None:
    """Write everything that was found into `folder`.

    ``analysis.json`` says that all the rest is whole: an older one goes first, the new one comes
    last.

    Parameters
    ----------
    settings : kept in ``analysis.json``, so that a later call can tell whether it is done

    Raises
    ------
    AudioWriteError
        A file cannot be written.
    UsageError
        The jams package is not installed.
    """
    options = options or AnalysisOptions()
    try:
        (folder / SUMMARY).unlink(missing_ok=True)
    except OSError as error:
        raise AudioWriteError(
            f"{folder / SUMMARY}: cannot be replaced ({error.strerror}); check its permissions"
        ) from error
    tables.write_pitch(folder, found.pitch)
    tables.write_distributions(folder, found.folded, found.unfolded)
    tables.write_rows(
        folder / "surface.csv", [[float(cell) for cell in row] for row in found.surface], digits=8
    )
    write_values(folder / "pitch.svl", found.pitch, name=f"melody of {options.part}")
    active = found.levels.active(options.part)
    write_audacity(
        folder / f"{options.part}.labels.txt",
        [(*span, options.part) for span in spans(active, found.levels.hop_seconds)],
    )
    if found.rhythm is not None:
        tables.write_rhythm(folder, found.rhythm)
        marks = [(stroke.seconds, stroke.hand) for stroke in found.rhythm.strokes]
        write_audacity(folder / "strokes.labels.txt", [(at, at, hand) for at, hand in marks])
        write_instants(folder / "strokes.svl", marks, name="strokes")
    if found.sama:
        write_instants(folder / "sama.svl", [(at, "sama") for at in found.sama], name="sama")
    write_jams(
        folder / "analysis.jams",
        title=recording.title,
        seconds=found.levels.seconds,
        pitch=found.pitch,
        tonic=found.tonic,
        rhythm=found.rhythm,
        sama=found.sama,
    )
    scene = Scene(
        title=recording.title,
        sound=recording.stems[options.part],
        sound_name=f"sound of the {options.part}",
        pitch=found.pitch,
        tonic_hz=found.tonic.hz,
        levels=found.levels,
        rhythm=found.rhythm,
        sama=found.sama,
        raga=_raga(found),
    )
    save_picture(folder / "picture.png", scene, span=options.span)
    summary = {**summarise(recording, found), "settings": settings or {}}
    text = json.dumps(summary, ensure_ascii=False, indent=2, allow_nan=False)
    tables.write_text(folder / SUMMARY, [text])


def summarise(recording: Recording, found: Analysis) -> dict[str, Any]:
    """Return what was found in a few numbers, as ``analysis.json`` holds it."""
    pitch, rhythm = found.pitch, found.rhythm
    return {
        "format": 1,
        "version": __version__,
        "recording": recording.title,
        "seconds": round(found.levels.seconds, 3),
        "tonic": asdict(found.tonic),
        "pitch": {
            "tracker": pitch.tracker,
            "hop_seconds": pitch.hop_seconds,
            "voiced_seconds": round(float(pitch.voiced.sum() * pitch.hop_seconds), 2),
            "median_hz": round(float(np.median(pitch.f0[pitch.voiced])), 2),
        },
        "svaras": [{k: _rounded(v) for k, v in asdict(each).items()} for each in found.svaras],
        "ragas": {
            "confidence": round(found.raga.confidence, 3),
            "nearest": [
                {"name": r.name, "distance": round(r.distance, 4)} for r in found.raga.nearest
            ],
            "deepsrgm": None
            if found.vote is None
            else {k: _rounded(v) for k, v in asdict(found.vote).items()},
        },
        "rhythm": None
        if rhythm is None
        else {
            "strokes": len(rhythm.strokes),
            "left": sum(stroke.hand != "right" for stroke in rhythm.strokes),
            "right": sum(stroke.hand != "left" for stroke in rhythm.strokes),
            "pulse_per_minute": _number(rhythm.pulse_per_minute),
            "pulse_confidence": round(rhythm.pulse_confidence, 3),
        },
        "sama": None
        if found.agreement is None
        else {k: _number(v) for k, v in asdict(found.agreement).items()},
    }


def _instead(recording: Recording, part: str) -> str:
    if _other_part(part) in recording.stems:
        return f"Add it, or try --part {_other_part(part)}"
    return f"Add it, or name {recording.mixture or 'the mixture'} itself, which is then separated"


def _melody(part: Path, seconds: float, options: AnalysisOptions, report: Report) -> PitchTrack:
    if options.holds_melody:
        path = Path(options.pitch)
        return tables.read_pitch(path, hop_seconds=options.hop_seconds, lasts_seconds=seconds)
    return track_file(
        part,
        tracker=options.pitch,
        hop_seconds=options.hop_seconds,
        range_hz=RANGES_HZ[options.part],
        alone=True,
        report=lambda done: report("melody", done),
    )


def _other_part(part: str) -> str:
    return next(each for each in RANGES_HZ if each != part)


def _raga(found: Analysis) -> str:
    if found.vote is not None:
        return f"DEEPSRGM: {found.vote.name} ({100 * found.vote.share:.0f} % of its votes)"
    confidence = round(found.raga.confidence, 3)  # as in the summary
    return f"svaras nearest to {found.raga.nearest[0].name} (confidence {confidence:.2f})"


def _number(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def _rounded(value: float | str) -> float | str:
    return round(value, 4) if isinstance(value, float) else value
