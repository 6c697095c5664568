"""``carnatic-sep render``: multitracks of a rendered kutcheri, with scores."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carnatic_sep.cli._terminal import require_extra

if TYPE_CHECKING:
    from carnatic_sep.ensemble.kutcheri import Ensemble


def render(
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, help="Folder that gets a folder a piece.")
    ],
    pieces: Annotated[int, typer.Option("--pieces", help="How many pieces.")] = 1,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of each piece.")] = 30.0,
    seed: Annotated[
        int, typer.Option("--seed", help="Piece i grows from SEED + i and is called after it.")
    ] = 0,
    bank: Annotated[
        Path | None,
        typer.Option("--bank", help="Folder of solo recordings to play from. [default: by rule]"),
    ] = None,
    bleed: Annotated[
        float | None,
        typer.Option(
            "--bleed",
            metavar="DB",
            help="Let microphones hear the other players, this many dB below (a negative number) "
            "their own, and write STEM.bled.wav beside the stems.",
        ),
    ] = None,
    mp3: Annotated[
        int | None,
        typer.Option("--mp3", metavar="KBPS", help="Send the mixture through mp3 of this rate."),
    ] = None,
    sample_rate: Annotated[int, typer.Option("--sample-rate", help="Hz.")] = 44100,
    cache: Annotated[
        Path, typer.Option("--cache", help="Folder that keeps what is prepared from a bank.")
    ] = Path("runs/cache"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace pieces made with other settings.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Render Carnatic ensembles with known truth: mixture, exact stems, score.

    Writes DIR/PIECE/mixture.wav, vocals.wav, violin.wav, mridangam.wav and other.wav, which sum
    to the mixture, score.json (tonic, raga, tala, pitch lines, strokes, activity), and pitch.txt
    and sama.txt. Pieces that are there already are kept, so a call that was interrupted goes on
    when it is given again, and more --pieces extend a set.

    \b
    Examples:
      carnatic-sep render --pieces 10 --seconds 30 --out renders
      carnatic-sep render --pieces 200 --bank recordings --bleed -12 --out renders
      carnatic-sep evaluate --model default --dataset renders --references clean --out report

    \b
    --json prints objects with an "event" each:
      piece    folder, status (rendered or kept), done, pieces
      summary  rendered, kept, elapsed_seconds            (the last line)
    """  # noqa: D301 (\b keeps the lines after it as they are)
    from carnatic_sep.ensemble.config import EnsembleConfig
    from carnatic_sep.ensemble.renders import Order, render_pieces

    order = Order(pieces, seconds, seed, bleeding=bleed is not None, mp3_kbps=mp3)
    if bank is not None:
        require_extra("ensemble", "pyworld", purpose="a bank")
        require_extra("train", "librosa", purpose="a bank")

    config = EnsembleConfig(
        bleed_db=None if bleed is None else (bleed, bleed),
        violin_variety=0.0 if bank is None else 1.0,
    )

    def make() -> Ensemble:
        from carnatic_sep.ensemble.orders import make_ensemble

        if bank is not None and not quiet:
            print(f"preparing {bank}; kept in {cache}", file=sys.stderr, flush=True)
        return make_ensemble(bank=bank, cache=cache, config=config, sample_rate=sample_rate)

    started, counts = time.monotonic(), {"rendered": 0, "kept": 0}
    settings = {
        "bank": None if bank is None else bank.name,
        "bleed_db": bleed,
        "sample_rate": sample_rate,
        "violin_variety": config.violin_variety,
    }
    for written in render_pieces(make, order, out, settings=settings, overwrite=overwrite):
        counts[written.status] += 1
        done = sum(counts.values())
        if as_json:
            _print_json(
                event="piece",
                folder=str(written.folder),
                status=written.status,
                done=done,
                pieces=pieces,
            )
        elif not quiet:
            typer.echo(f"{done} of {pieces}: {written.folder} {written.status}")
    elapsed = time.monotonic() - started
    if as_json:
        _print_json(event="summary", **counts, elapsed_seconds=round(elapsed, 2))
    else:
        typer.echo(
            f"{counts['rendered']} rendered, {counts['kept']} kept in {elapsed:.0f} s; in {out}"
        )


def _print_json(**fields: object) -> None:
    import json

    print(json.dumps(fields, ensure_ascii=False), flush=True)
