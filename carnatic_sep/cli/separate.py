"""The verb `separate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from carnatic_sep.cli._steps import Steps
from carnatic_sep.cli._terminal import INTERRUPTED
from carnatic_sep.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carnatic_sep.cli._separation_display import QuietDisplay
    from carnatic_sep.separation.inputs import Track
    from carnatic_sep.separation.separator import Separator
    from carnatic_sep.separation.tracks import TrackOptions


def separate(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="Audio files, and folders of them.")
    ],
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, metavar="DIR", help="Output folder.")
    ] = Path("separated"),
    model: Annotated[
        str, typer.Option(metavar="NAME", help="A model's name, or a checkpoint file.")
    ] = "default",
    stems: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Write only these stems, e.g. vocals,mridangam."),
    ] = None,
    mix_minus: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Write the recording without these stems, as mix-minus-A."
        ),
    ] = None,
    output_format: Annotated[
        Literal["wav", "flac", "ogg", "mp3", "opus"],
        typer.Option("--format", help="Of the stems; their sample rate is the input's."),
    ] = "flac",
    bit_depth: Annotated[
        Literal["16", "24", "32f"], typer.Option(help="For wav; for flac, 16 or 24.")
    ] = "24",
    filename: Annotated[
        str,
        typer.Option(
            metavar="TEMPLATE",
            help="Path below --out, made of {track}, {stem}, {model} and {ext}.",
        ),
    ] = "{track}/{stem}.{ext}",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace stems that are there already.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Pass over what an earlier run has finished alike.")
    ] = False,
    downmix: Annotated[
        Literal["none", "stereo", "mono"],
        typer.Option(help="What to make of the channels; needed if there are more than two."),
    ] = "none",
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where the model runs.")
    ] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(help="Number format of the network; auto: bf16 where it is fast."),
    ] = "auto",
    segment: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Audio that the model sees at once; default: its own."
        ),
    ] = None,
    overlap: Annotated[
        float, typer.Option(metavar="FRACTION", help="Part of a segment that the next one repeats.")
    ] = 0.25,
    views: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Let the model look N times, up to 3, and average: N times slower, a bit better.",
        ),
    ] = 1,
    batch_size: Annotated[
        int | None,
        typer.Option(metavar="N", help="Segments at once; default: 1 on a CPU, 4 on a GPU."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Read the stems again and print how well they sum up."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
    json_lines: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, for programs.")
    ] = False,
) -> None:
    """Separate recordings into vocals, violin, mridangam and the rest.

    For a.wav this writes DIR/a/vocals.flac, violin.flac, mridangam.flac and other.flac, which sum
    to the recording, and DIR/a/separation.json, which says how they were made. A file grows as
    NAME.partial and gets its name when all are complete.

    \b
    Examples:
      carnatic-sep separate concert.mp3
      carnatic-sep separate season/ --out stems --format wav --bit-depth 32f --verify
      carnatic-sep separate season/ --out stems --resume         (after an interrupt)
      carnatic-sep separate varnam.wav --mix-minus violin        (to practise with)
      carnatic-sep separate *.flac --stems vocals --filename "{track} - {stem}.{ext}"

    \b
    --json prints objects with an "event" each:
      start    tracks, audio_seconds, estimate_seconds, device
      progress input, done_seconds, total_seconds       (about once a second)
      warning  input, message
      track    input, status done: outputs, sidecar, seconds, gain, null_depth_db,
               elapsed_seconds, warnings; status failed: error; status skipped
      summary  done, failed, skipped, elapsed_seconds   (the last line)
      interrupted  input, partials                      (the last line, after Ctrl-C)

    Exit code: 0 all separated, 1 some failed, 2 wrong usage, 130 interrupted.
    """  # noqa: D301 (a line of \b keeps the lines after it as they are)
    from carnatic_sep.audio.formats import OutputFormat
    from carnatic_sep.models.zoo import resolve
    from carnatic_sep.separation.batch import check_batch
    from carnatic_sep.separation.inputs import find_tracks
    from carnatic_sep.separation.naming import FilenameTemplate
    from carnatic_sep.separation.separator import Separator
    from carnatic_sep.separation.tracks import TrackOptions

    options = TrackOptions(
        stems=_names(stems, option="--stems"),
        mix_minus=_names(mix_minus, option="--mix-minus"),
        output_format=OutputFormat(output_format, bit_depth),
        filename=FilenameTemplate(filename),
        overwrite=overwrite,
        verify=verify,
        downmix=downmix,
    )
    tracks = find_tracks(inputs, out_dir=out)
    with Steps(quiet=quiet or json_lines) as steps:
        checkpoint = resolve(model, on_progress=steps)
    separator = Separator(
        checkpoint,
        device=device,
        segment_seconds=segment,
        overlap=overlap,
        batch_size=batch_size,
        precision=precision,
        views=views,
    )
    check_batch(separator, tracks, out, options=options)
    display = _display(quiet=quiet, json_lines=json_lines)
    raise typer.Exit(_run(separator, tracks, out, options, display, resume=resume))


def _run(
    separator: Separator,
    tracks: Sequence[Track],
    out: Path,
    options: TrackOptions,
    display: QuietDisplay,
    *,
    resume: bool,
) -> int:
    from carnatic_sep.separation.batch import separate_tracks, unfinished
    from carnatic_sep.separation.estimate import forecast

    try:
        if display.wants_forecast:
            display.begin(forecast(separator, tracks, progress=display))
        reports = separate_tracks(
            separator, tracks, out, options=options, observer=display, resume=resume
        )
    except KeyboardInterrupt:
        display.interrupted(unfinished(separator, tracks, out, options=options))
        return INTERRUPTED
    display.end(reports)
    return int(any(report.error is not None for report in reports))


def _names(text: str | None, *, option: str) -> tuple[str, ...]:
    names = tuple(name for name in (text or "").split(",") if name.strip())
    if text and not names:
        raise UsageError(f"{option} {text!r}: names no stem; give one, or leave it out for all")
    return names


def _display(*, quiet: bool, json_lines: bool) -> QuietDisplay:
    from carnatic_sep.cli import _separation_display as displays

    if json_lines:
        return displays.JsonDisplay()
    if quiet:
        return displays.QuietDisplay()
    return displays.BarDisplay() if sys.stdout.isatty() else displays.LineDisplay()
