"""Render a kutcheri with known truth, separate it, and say how near the stems came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import AudioWriteError, UsageError
from carnatic_sep.stems import OTHER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carnatic_sep.ensemble.score import Score
    from carnatic_sep.models.base import SeparationModel

SAMPLE_RATE = 44100
LONGEST_SECONDS = 600.0
"""A demo is in memory, whole."""


@dataclass(frozen=True)
class StemScore:
    """How near an estimate came to its truth, global SDR in dB.

    Attributes
    ----------
    stem : name
    mixture_db : of the untouched mixture, taken for the stem
    estimate_db : of the estimate
    """

    stem: str
    mixture_db: float
    estimate_db: float

    @property
    def improvement_db(self) -> float:
        """By how much separating beats doing nothing."""
        return self.estimate_db - self.mixture_db


@dataclass(frozen=True)
class DemoResult:
    """What a demo left behind.

    Attributes
    ----------
    mixture, picture : files
    truth, estimates : stem name -> file
    scores : one for each stem of the model
    model : name of the model
    title : what was played
    separation_seconds : how long the separation took
    """

    mixture: Path
    truth: dict[str, Path]
    estimates: dict[str, Path]
    picture: Path
    scores: tuple[StemScore, ...]
    model: str
    title: str
    separation_seconds: float

    @property
    def mean(self) -> StemScore:
        """Mean over all stems but `other`, which holds only the tanpura."""
        played = [s for s in self.scores if s.stem != OTHER] or list(self.scores)
        return StemScore(
            stem="mean",
            mixture_db=float(np.mean([s.mixture_db for s in played])),
            estimate_db=float(np.mean([s.estimate_db for s in played])),
        )


def run_demo(
    folder: Path,
    *,
    seconds: float = 20.0,
    seed: int = 0,
    model: SeparationModel | str | Path = "default",
) -> DemoResult:
    """Render, separate, score and draw; the files of an earlier demo in `folder` are replaced.

    Parameters
    ----------
    folder : gets ``mixture.wav``, ``truth/STEM.wav``, ``stems/STEM.wav`` and ``demo.png``
    seconds : length of the piece, 1 to 600
    seed : of the piece
    model : as :class:`carnatic_sep.Separator` takes it

    Raises
    ------
    UsageError
        A length, seed or model that cannot be, or a model none of whose stems is played here.
    AudioWriteError
        `folder` cannot be written.
    """
    from carnatic_sep.audio.reader import read_audio
    from carnatic_sep.audio.writer import OutputFormat
    from carnatic_sep.ensemble.kutcheri import Ensemble
    from carnatic_sep.metrics.sdr import sdr
    from carnatic_sep.separation.separator import Separator
    from carnatic_sep.separation.tracks import TrackOptions

    if seconds > LONGEST_SECONDS:
        raise UsageError(
            f"--seconds {seconds:g}: a demo takes at most {LONGEST_SECONDS:g}; "
            "`carnatic-sep render` makes longer pieces"
        )
    _refuse_foreign(folder)
    separator = Separator(model)
    piece = Ensemble(sample_rate=SAMPLE_RATE).render(seconds=seconds, seed=seed, form="kriti")
    mixture = piece.mixture
    truth = truth_for(separator.stems, piece.stems)
    mixture_path, truth_paths = _write(folder, mixture, truth)
    separated = separator.separate_file(
        mixture_path,
        folder,
        track="stems",
        options=TrackOptions(output_format=OutputFormat("wav", "24"), overwrite=True),
    )
    estimates = {name: read_audio(separated.outputs[name])[0] for name in truth}
    scores = tuple(
        StemScore(name, sdr(true, mixture), sdr(true, estimates[name]))
        for name, true in truth.items()
    )
    title = _title(piece.score)
    picture = folder / "demo.png"
    _draw(picture, title, mixture=mixture, truth=truth, estimates=estimates, scores=scores)
    return DemoResult(
        mixture=mixture_path,
        truth=truth_paths,
        estimates={name: separated.outputs[name] for name in truth},
        picture=picture,
        scores=scores,
        model=separator.model_name,
        title=title,
        separation_seconds=separated.elapsed_seconds,
    )


def truth_for(
    stems: tuple[str, ...], rendered: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return what each of a model's `stems` should hold.

    `other` takes in whatever the model has no stem for; stems that nobody plays here are left out.

    Raises
    ------
    UsageError
        Not one of `stems` is played.
    """
    from carnatic_sep.ensemble import mix

    rest = {name: sound for name, sound in rendered.items() if name == OTHER or name not in stems}
    truth = {
        name: mix(rest) if name == OTHER else rendered[name] for name in stems if name in rendered
    }
    if not truth:
        raise UsageError(
            f"the demo plays {', '.join(rendered)}, and the model knows only {', '.join(stems)}; "
            "choose another --model"
        )
    return truth


def _title(score: Score) -> str:
    frame = score.frame
    shadows = [part.delay_seconds for part in score.violin_parts if part.role == "shadow"]
    violin = f", violin {1000.0 * shadows[0]:.0f} ms behind the voice" if shadows else ""
    return (
        f"raga {score.raga}, {score.tala} tala at {60.0 / frame.beat_seconds:.0f} beats a minute, "
        f"tonic {score.tonic_hz:.1f} Hz{violin}"
    )


def _refuse_foreign(folder: Path) -> None:
    """Replace what an earlier demo has made, which has a folder for the truth, and nothing else."""
    if (folder / "truth").is_dir():
        return
    for name in ("mixture.wav", "stems", "demo.png"):
        if (folder / name).exists():
            raise UsageError(f"{folder / name}: is not of a demo and is kept; choose another --out")


def _write(
    folder: Path, mixture: NDArray[np.float32], truth: Mapping[str, NDArray[np.float32]]
) -> tuple[Path, dict[str, Path]]:
    """Write the mixture and the truth as 24-bit wav; return where."""
    from carnatic_sep.audio.writer import OutputFormat, StemWriter

    try:
        (folder / "truth").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioWriteError(
            f"{folder}: cannot be made a folder ({error.strerror}); choose another with --out"
        ) from error
    truth_paths = {name: folder / "truth" / f"{name}.wav" for name in truth}
    mixture_path = folder / "mixture.wav"
    # Keyed by path: a model's stem may itself be called "mixture".
    audio = {str(truth_paths[name]): sound for name, sound in truth.items()}
    audio[str(mixture_path)] = mixture
    with StemWriter(
        {key: Path(key) for key in audio},
        sample_rate=SAMPLE_RATE,
        channels=mixture.shape[0],
        output_format=OutputFormat("wav", "24"),
        overwrite=True,
    ) as writer:
        writer.write(audio)
        writer.commit()
    return mixture_path, truth_paths


def _draw(
    path: Path,
    title: str,
    *,
    mixture: NDArray[np.float32],
    truth: Mapping[str, NDArray[np.float32]],
    estimates: Mapping[str, NDArray[np.float32]],
    scores: tuple[StemScore, ...],
) -> None:
    """Save the picture, each estimate labelled with its SDR."""
    from carnatic_sep.evaluation.picture import Panel, save_picture

    rows = {
        score.stem: (
            Panel(f"{score.stem}: truth", truth[score.stem]),
            Panel(
                f"{score.stem}: estimate, SDR {score.estimate_db:.1f} dB "
                f"(mixture {score.mixture_db:.1f} dB)",
                estimates[score.stem],
            ),
        )
        for score in scores
    }
    save_picture(
        path,
        mixture=Panel("mixture", mixture),
        rows=rows,
        sample_rate=SAMPLE_RATE,
        heading=f"carnatic-sep demo: {title}",
    )
