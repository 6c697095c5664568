"""Rendered pieces on disk: one folder a piece, complete or not there at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from carnatic_sep import __version__
from carnatic_sep.ensemble.codec import check_mp3, mp3_round_trip
from carnatic_sep.ensemble.contour import CONTROL_RATE
from carnatic_sep.errors import AudioWriteError, UsageError

if TYPE_CHECKING:
    from carnatic_sep.ensemble.config import Rendering
    from carnatic_sep.ensemble.kutcheri import Ensemble

RENDERER = 2
"""Counts the changes after which a seed gives another piece; 2 has another reverb and more air."""
LONGEST_SECONDS = 1800.0
"""A piece is in memory, whole: some 7 MB a second."""
SCORE = "score.json"
MIXTURE = "mixture"
_PITCH_STEP = 5
_PARTIAL = ".partial"

Status = Literal["rendered", "kept"]


@dataclass(frozen=True)
class Order:
    """What is to be rendered.

    Attributes
    ----------
    pieces : how many
    seconds : length of each, 1 to :data:`LONGEST_SECONDS`
    seed : piece i grows from ``seed + i`` and is called after it, so that a set can be extended
    bleeding : whether to write ``STEM.bled.wav`` beside the stems
    mp3_kbps : rate of an mp3 round trip of the mixture; None for none
    """

    pieces: int
    seconds: float
    seed: int = 0
    bleeding: bool = False
    mp3_kbps: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered.

        Raises
        ------
        UsageError
            Fewer than one piece, less than a second or more than half an hour, or a negative seed.
        """
        if self.pieces < 1:
            raise UsageError(f"pieces must be at least 1, not {self.pieces}")
        if not self.seconds >= 1.0 or not np.isfinite(self.seconds):
            raise UsageError(f"seconds must be at least 1, not {self.seconds}")
        if self.seconds > LONGEST_SECONDS:
            raise UsageError(
                f"seconds must be {LONGEST_SECONDS:g} at most, not {self.seconds:g}: a piece is in "
                "memory, whole; ask for more --pieces"
            )
        if self.seed < 0:
            raise UsageError(f"the seed must be 0 or above, not {self.seed}")


@dataclass(frozen=True)
class Written:
    """A piece on disk: where it is, and whether it was there before."""

    folder: Path
    status: Status


def render_pieces(
    make: Callable[[], Ensemble],
    order: Order,
    out: Path,
    *,
    settings: dict[str, Any] | None = None,
    overwrite: bool = False,
) -> Iterator[Written]:
    """Render pieces into ``out/PIECE/``, one after another, and tell of each.

    A folder appears under its name when it is complete. A piece that is there already, made with
    the same settings, is kept, so an interrupted call goes on where it was.

    Parameters
    ----------
    make : returns the ensemble; called only if there is something to render
    settings : what else decides the sound, such as the bank's name; kept in each score, and
        compared with that of pieces that are there
    overwrite : render again what is there with other settings

    Raises
    ------
    AudioWriteError
        A folder cannot be written, or holds something else and `overwrite` is off.
    UsageError
        An mp3 that cannot be; said before anything is rendered.
    """
    wanted = {**asdict(order), **(settings or {}), "version": __version__, "renderer": RENDERER}
    wanted.pop("pieces")
    wanted.pop("seed")
    wanted = json.loads(json.dumps(wanted))
    names = {order.seed + index: f"{order.seed + index:06d}" for index in range(order.pieces)}
    todo = {
        seed: _must_render(out / name, wanted, overwrite=overwrite) for seed, name in names.items()
    }
    ensemble = make() if any(todo.values()) else None
    if ensemble is not None and order.mp3_kbps is not None:
        check_mp3(order.mp3_kbps, sample_rate=ensemble.sample_rate)
    for seed, name in names.items():
        folder = out / name
        if ensemble is None or not todo[seed]:
            yield Written(folder, "kept")
            continue
        rendering = ensemble.render(seconds=order.seconds, seed=seed, bleeding=order.bleeding)
        write_rendering(rendering, folder, settings=wanted, mp3_kbps=order.mp3_kbps)
        yield Written(folder, "rendered")


def write_rendering(
    rendering: Rendering,
    folder: Path,
    *,
    settings: dict[str, Any] | None = None,
    mp3_kbps: int | None = None,
) -> None:
    """Write mixture, stems, score and annotations as one folder, replacing what stood there.

    Mixture and stems are 24-bit WAV. ``score.json`` holds the whole truth; ``pitch.txt``
    (seconds and Hz of the voice, 0 where it rests) and ``sama.txt`` say part of it in Saraga's way.

    Raises
    ------
    AudioWriteError
        The folder cannot be written; what is incomplete is called ``*.partial``.
    """
    from carnatic_sep.audio.writer import OutputFormat, StemWriter

    growing = folder.with_name(folder.name + _PARTIAL)
    audio = {MIXTURE: rendering.mixture, **rendering.stems}
    audio |= {f"{name}.bled": sound for name, sound in rendering.bleeding.items()}
    if mp3_kbps is not None:
        audio[MIXTURE] = mp3_round_trip(
            audio[MIXTURE], sample_rate=rendering.sample_rate, kbps=mp3_kbps
        )
    try:
        if growing.exists():
            shutil.rmtree(growing)
        growing.mkdir(parents=True)
    except OSError as error:
        raise AudioWriteError(
            f"{growing}: cannot be made ({error.strerror}); choose another folder with --out"
        ) from error
    with StemWriter(
        {name: growing / f"{name}.wav" for name in audio},
        sample_rate=rendering.sample_rate,
        channels=2,
        output_format=OutputFormat("wav", "24"),
    ) as writer:
        writer.write(audio)
        gain = writer.commit()
    facts = {
        "settings": settings or {},
        "mixture_is_sum_of_stems": mp3_kbps is None,
        "gain": gain,
        "desk": asdict(rendering.desk),
    }
    try:
        _write_texts(rendering, growing, facts)
        if folder.exists():
            shutil.rmtree(folder)
        growing.rename(folder)
    except OSError as error:
        raise AudioWriteError(
            f"{folder}: cannot be written ({error.strerror}); what there is stands in {growing}"
        ) from error


def _must_render(folder: Path, wanted: dict[str, Any], *, overwrite: bool) -> bool:
    if not folder.exists() or overwrite:
        return True
    try:
        there = json.loads((folder / SCORE).read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, LookupError, TypeError):
        there = None
    if there != wanted:
        raise AudioWriteError(
            f"{folder}: holds something else, or a piece made with other settings; choose another "
            "--out or --seed, or replace it with --overwrite"
        )
    return False


def _write_texts(rendering: Rendering, folder: Path, facts: dict[str, Any]) -> None:
    score = rendering.score
    whole = {**json.loads(score.to_json()), **facts}
    (folder / SCORE).write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    sings = score.voice.level > 0.02
    hz = np.where(sings, score.tonic_hz * 2.0 ** (score.voice.cents / 1200.0), 0.0)
    rows = [
        f"{index / CONTROL_RATE:.3f}\t{hz[index]:.3f}" for index in range(0, hz.size, _PITCH_STEP)
    ]
    (folder / "pitch.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    frame = score.frame
    samas = np.arange(frame.first_beat_seconds, frame.seconds, frame.cycle_seconds)
    metrical = [
        s for s in samas if any(p.metrical and p.start - 1e-6 <= s < p.end for p in frame.sections)
    ]
    (folder / "sama.txt").write_text(
        "".join(f"{sama:.4f}\n" for sama in metrical), encoding="utf-8"
    )
