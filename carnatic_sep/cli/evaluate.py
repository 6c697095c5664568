"""``carnatic-sep evaluate``: score models on a dataset, on mixtures, or look at a concert."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from carnatic_sep.cli._terminal import require_extra


class DatasetByDefault(TyperGroup):
    """A group whose bare options are those of its subcommand `dataset`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `dataset` before options that name no subcommand."""
        if args and args[0].startswith("-") and args[0] != "--help":
            args = ["dataset", *args]
        return list(super().parse_args(ctx, args))


evaluate_app = typer.Typer(
    cls=DatasetByDefault,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Score models, or folders of estimates, on a dataset, beside floors and bounds.",
    epilog="\b\nTry:             carnatic-sep evaluate --model default --dataset DIR --out report"
    "\nAll options:     carnatic-sep evaluate dataset --help",
)

Views = Annotated[
    int,
    typer.Option(
        "--views", min=1, metavar="N", help="Let each model look N times; see separate --views."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@evaluate_app.command()
def dataset(
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME|DIR", help="A dataset, or a folder of tracks.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", help="A model or checkpoint; repeat for more."),
    ] = None,
    estimates: Annotated[
        list[Path] | None,
        typer.Option("--estimates", metavar="DIR", help="Somebody's TRACK/STEM.flac; repeat."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", file_okay=False, metavar="DIR", help="Folder for scores and report."),
    ] = Path("evaluation"),
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="Part of the dataset: test, say.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", metavar="DIR", help="Where the dataset NAME lies.")
    ] = None,
    references: Annotated[
        Literal["bleeding", "clean"],
        typer.Option(help="Whether the microphones hear each other; if so they are cleaned."),
    ] = "bleeding",
    mixture: Annotated[
        Literal["auto", "sum", "file"],
        typer.Option(help="What is separated; auto: the sum of the stems where there are any."),
    ] = "auto",
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics", metavar="A,B", help="Metrics or groups; default: all quick ones."
        ),
    ] = None,
    baselines: Annotated[
        str | None,
        typer.Option("--baselines", metavar="A,B", help="Of them only these; none: no baselines."),
    ] = None,
    ceiling: Annotated[
        float, typer.Option("--ceiling", metavar="DB", help="Stems below it are set apart.")
    ] = 8.0,
    excerpt: Annotated[
        float, typer.Option("--excerpt", metavar="SECONDS", help="Length of excerpts; 0: none.")
    ] = 6.0,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="Tracks at once.")] = 1,
    views: Views = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the report; what is unchanged is kept.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score models, or folders of estimates, on a dataset, beside floors and bounds.

    Writes DIR/report.html, summary.json, scores.csv (and scores.parquet, with pyarrow), and the
    scores of each track, from which an interrupted evaluation goes on.

    \b
    Examples:
      carnatic-sep evaluate --model default --dataset renders --references clean --out report
      carnatic-sep evaluate --model default --dataset saraga_carnatic --split test --jobs 4
      carnatic-sep evaluate --estimates separated --dataset renders --metrics lc_sdr,lc_sir
      carnatic-sep evaluate --model default --model runs/mine/checkpoint.safetensors \\
          --dataset renders --baselines mixture,"oracle ratio mask"

    Exit code: 0 all scored, 1 some tracks or systems failed, 2 wrong usage, 130 interrupted.
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.cli._evaluation_display import print_evaluation, watcher_for
    from carnatic_sep.evaluation.dataset import evaluate
    from carnatic_sep.evaluation.options import EvaluationOptions

    watcher = watcher_for(quiet=quiet)
    try:
        found = evaluate(
            model or (),
            dataset=dataset,
            estimates=estimates or (),
            split=split,
            out=out,
            baselines=_names(baselines),
            options=EvaluationOptions(
                references=references,
                mixture=mixture,
                metrics=_names(metrics),
                ceiling_db=ceiling,
                excerpt_seconds=excerpt,
            ),
            root=root,
            jobs=jobs,
            views=views,
            overwrite=overwrite,
            watcher=watcher,
        )
    finally:
        watcher.end()
    if as_json:
        _print_json(found.summary)
    else:
        print_evaluation(found)
    raise typer.Exit(int(bool(found.failures)))


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))


@evaluate_app.command()
def mixtures(
    config: Annotated[
        Path,
        typer.Argument(metavar="CONFIG", help="What to score on, e.g. configs/evaluation.yaml."),
    ],
    data: Annotated[
        Path,
        typer.Option("--data", envvar="CARNATIC_SEP_DATA", help="Folder of the recordings."),
    ] = Path("../shared/data"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="Model name or checkpoint; repeat to compare. [default: default]"
        ),
    ] = None,
    views: Views = 1,
    cache: Annotated[
        Path, typer.Option("--cache", help="Folder that keeps pitch contours between runs.")
    ] = Path("runs/cache"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Print global SDR per stem of models and baselines, in one table.

    The sets are mixtures of takes that were kept out of training, and real excerpts.

    \b
    Examples:
      carnatic-sep evaluate mixtures configs/evaluation.yaml --data recordings
      carnatic-sep evaluate mixtures configs/evaluation.yaml --model default \\
          --model runs/mine/checkpoint.safetensors
    """  # noqa: D301 (\b keeps the lines after it as they are)
    require_extra("eval", "librosa", purpose="scoring")

    from carnatic_sep.cli._mixture_display import print_scores, row_document
    from carnatic_sep.evaluation.config import load_evaluation_config
    from carnatic_sep.evaluation.scores import score_sets

    rows = score_sets(
        load_evaluation_config(config),
        data,
        models=model or ["default"],
        views=views,
        cache=cache,
        report=_reporter(quiet),
    )
    if as_json:
        _print_json([row_document(row) for row in rows])
    else:
        print_scores(rows)


@evaluate_app.command()
def concert(
    mixture: Annotated[Path, typer.Argument(metavar="MIXTURE", help="The recording.")],
    stems_dir: Annotated[
        Path, typer.Argument(metavar="STEMS_DIR", help="Folder of its stems, as separate wrote it.")
    ],
    pitch: Annotated[
        Path | None,
        typer.Option("--pitch", help="Annotated pitch of the voice: lines of seconds and Hz."),
    ] = None,
    pitch_offset: Annotated[
        float | None,
        typer.Option(
            "--pitch-offset",
            metavar="SECONDS",
            help="Added to the annotation's times; default: what Saraga's files lag the music by.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Describe a real concert and its stems, whose truth nobody knows.

    Prints level and spectrum of mixture and stems, how deep their difference nulls, and with
    --pitch the raw pitch accuracy at 50 cents of vocals and mixture against the annotation.
    Saraga's NAME.pitch.txt are read 25 ms earlier: they count the delay of an MP3 decoder.

    \b
    Examples:
      carnatic-sep evaluate concert concert.mp3 separated/concert
      carnatic-sep evaluate concert concert.mp3 separated/concert --pitch concert.pitch.txt
    """  # noqa: D301 (\b keeps the lines after it as they are)
    if pitch:
        require_extra("eval", "librosa", "mir_eval", purpose="tracking pitch")

    from carnatic_sep.cli._mixture_display import concert_document, print_concert
    from carnatic_sep.evaluation.concert import look_at

    found = look_at(
        mixture,
        stems_dir,
        annotation=pitch,
        offset_seconds=pitch_offset,
        report=_reporter(quiet),
    )
    if as_json:
        _print_json(concert_document(found))
    else:
        print_concert(found)


def _reporter(quiet: bool) -> Callable[[str], None]:
    def report(line: str) -> None:
        if not quiet:
            typer.echo(line, err=True)

    return report


def _print_json(document: Any) -> None:
    import json

    typer.echo(json.dumps(document, indent=2, allow_nan=False))
