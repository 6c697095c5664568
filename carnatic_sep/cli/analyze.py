"""``carnatic-sep analyze``: from stems to melody, tonic, raga and strokes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from carnatic_sep.cli._terminal import INTERRUPTED, print_error

if TYPE_CHECKING:
    from carnatic_sep.analysis.batch import Outcome
    from carnatic_sep.separation.separator import Separator


def analyze(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="CONCERT|STEMS_DIR...",
            help="Recordings, folders of stems (vocals.*, violin.*, ...), or folders of either.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, help="Folder that gets a folder a recording.")
    ],
    pitch: Annotated[
        str,
        typer.Option(
            "--pitch",
            metavar="auto|melodia|pyin|ftanet|FILE.csv",
            help="Who tracks the melody, or a file that holds it.",
        ),
    ] = "auto",
    tonic: Annotated[
        str, typer.Option("--tonic", metavar="auto|HZ", help="Sa of the singer.")
    ] = "auto",
    part: Annotated[
        Literal["vocals", "violin"], typer.Option("--part", help="Whose melody.")
    ] = "vocals",
    raga: Annotated[
        Literal["histogram", "deepsrgm"],
        typer.Option("--raga", help="Who names ragas: our histogram, or compIAM's model as well."),
    ] = "histogram",
    hop: Annotated[
        float, typer.Option("--hop", metavar="SECONDS", help="Step of the melody.")
    ] = 0.01,
    show: Annotated[
        str | None,
        typer.Option(
            "--show", metavar="START-END", help="Seconds in the picture. [default: it chooses]"
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="Model that separates mixtures, or its file.")
    ] = "default",
    device: Annotated[
        str, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where it runs.")
    ] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do again what is done.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Find melody, tonic, raga and strokes, separating first where there are no stems.

    Writes OUT/NAME/ with pitch.csv (seconds, Hz; 0 where nobody sings) and confidence.csv,
    histogram.csv, histogram-folded.csv and surface.csv, strokes.csv and tempo.csv, analysis.json
    and analysis.jams with all of it, *.labels.txt for Audacity and *.svl for Sonic Visualiser, and
    picture.png to print. Stems that it separates stay in OUT/NAME/stems/. What is done is kept, so
    a call that was interrupted goes on when it is given again.

    \b
    Examples:
      carnatic-sep analyze concert.mp3 --out analysis
      carnatic-sep analyze separated/concert --out analysis --tonic 146.8 --show 60-120
      carnatic-sep analyze season/ --out analysis --pitch pyin
      carnatic-sep analyze separated/concert --out violin --part violin

    \b
    --json prints objects with an "event" each:
      recording  name, folder, status analysed or kept: summary; status failed: error
      summary    analysed, kept, failed                      (the last line)

    Exit code: 0 all analysed, 1 some failed, 2 wrong usage, 130 interrupted.
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.analysis.batch import analyse_recordings
    from carnatic_sep.analysis.options import AnalysisOptions, parse_span
    from carnatic_sep.analysis.recordings import find_recordings
    from carnatic_sep.cli._steps import Steps

    options = AnalysisOptions(
        pitch=pitch,
        tonic=tonic,
        part=part,
        raga=raga,
        hop_seconds=hop,
        span=parse_span(show),
    )
    options.check()
    recordings = find_recordings(inputs, out_dir=out)

    def make_separator() -> Separator:
        from carnatic_sep.separation.separator import Separator

        return Separator(model, device=device)

    counts = {"analysed": 0, "kept": 0, "failed": 0}
    try:
        with Steps(quiet=quiet or as_json) as steps:
            for outcome in analyse_recordings(
                recordings,
                out,
                options=options,
                make_separator=make_separator,
                model=model,
                overwrite=overwrite,
                report=lambda step, seconds: steps(f"{step} (s)", round(seconds), None),
            ):
                counts[outcome.status] += 1
                _tell(outcome, quiet=quiet, as_json=as_json)
    except KeyboardInterrupt:
        typer.echo("interrupted; what is complete stays, give the call again to go on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        _print_json(event="summary", **counts)
    raise typer.Exit(int(counts["failed"] > 0))


def _tell(outcome: Outcome, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        facts = {"summary": outcome.summary} if outcome.error is None else {}
        error = {} if outcome.error is None else {"error": str(outcome.error)}
        _print_json(
            event="recording",
            name=outcome.recording.name,
            folder=str(outcome.folder),
            status=outcome.status,
            **facts,
            **error,
        )
    elif outcome.error is not None:
        print_error(outcome.error)
    elif not quiet:
        typer.echo("\n".join(_lines(outcome)))


def _lines(outcome: Outcome) -> list[str]:
    """Say what was found in one recording."""
    found: dict[str, Any] = outcome.summary or {}
    tonic, pitch, ragas = found["tonic"], found["pitch"], found["ragas"]
    svaras = ", ".join(
        f"{each['svara']} {each['cents']:.0f} ({100 * each['share']:.0f} %)"
        for each in found["svaras"]
    )
    lines = [
        f"{outcome.recording.name} ({outcome.status})",
        f"  tonic    {tonic['hz']:.2f} Hz, confidence {tonic['confidence']:.2f} "
        f"({tonic['method']})",
        *_doubt(tonic),
        f"  melody   {pitch['voiced_seconds']:.1f} of {found['seconds']:.1f} s voiced, "
        f"{pitch['tracker']}",
        f"  svaras   {svaras}",
        f"  ragas    nearest {', '.join(raga['name'] for raga in ragas['nearest'][:3])}; "
        f"confidence {ragas['confidence']:.2f}",
    ]
    vote = ragas["deepsrgm"]
    if vote:
        lines.append(
            f"  DEEPSRGM {vote['name']}, {100 * vote['share']:.0f} % of {vote['windows']} windows"
        )
    rhythm = found["rhythm"]
    if rhythm:
        pulse = rhythm["pulse_per_minute"]
        tempo = f"akshara pulse {pulse:.1f} a minute" if pulse else "no pulse"
        lines.append(f"  strokes  {rhythm['strokes']}, {tempo}")
    if found["sama"]:
        sama = found["sama"]
        lines.append(
            f"  sama     {100 * sama['with_stroke']:.0f} % with a stroke "
            f"({100 * sama['by_chance']:.0f} % by chance)"
        )
    return [*lines, f"  written  {outcome.folder}"]


def _doubt(tonic: dict[str, Any]) -> list[str]:
    """Say where a tonic is only one of several that were heard, and what to do."""
    from carnatic_sep.analysis.tonic import DOUBTFUL_BELOW

    if tonic["confidence"] >= DOUBTFUL_BELOW:
        return []
    heard = ", ".join(f"{hz:.1f}" for hz in tonic["candidates"])
    return [
        f"           doubtful: excerpts and methods heard {heard} Hz, in any octave; "
        "give Sa with --tonic HZ if you know it"
    ]


def _print_json(**fields: object) -> None:
    import json

    print(json.dumps(fields, ensure_ascii=False), flush=True)
