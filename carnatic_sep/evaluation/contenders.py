"""Who is scored: a model, a folder of estimates, and the floors and bounds beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from carnatic_sep.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Stems = Mapping[str, NDArray[np.float32]]

Kind = Literal["model", "estimates", "floor", "classic", "bound"]

BASELINES: Mapping[str, Kind] = {
    "silence": "floor",
    "mixture": "floor",
    "HPSS": "classic",
    "REPET-SIM": "classic",
    "NMF": "classic",
    "RPCA": "classic",
    "oracle ratio mask": "bound",
    "oracle Wiener": "bound",
}
"""What stands beside every system: below it, what it must beat; above it, what no mask beats."""

TESTED: tuple[Kind, ...] = ("model", "estimates")


@dataclass(frozen=True)
class Contender:
    """A system to score.

    Attributes
    ----------
    name : in tables
    kind : where its estimates come from
    source : a model's name or file, or the folder of the estimates; empty for baselines
    identity : what changes when its estimates may: a checkpoint's checksum, say
    views : how many times a model looks; see :class:`carnatic_sep.Separator`
    """

    name: str
    kind: Kind
    source: str = ""
    identity: str = ""
    views: int = 1

    @property
    def tested(self) -> bool:
        """Whether this is what the evaluation is about, not a floor or a bound."""
        return self.kind in TESTED


def line_up(
    *,
    models: Sequence[str | Path] = (),
    estimates: Sequence[Path] = (),
    baselines: Sequence[str] | None = None,
    views: int = 1,
) -> tuple[Contender, ...]:
    """Return the systems in the order of the tables: floors, methods, what is tested, bounds.

    Parameters
    ----------
    models : names or checkpoint files
    estimates : folders of estimates, ``FOLDER/TRACK/STEM.ext``
    baselines : names in :data:`BASELINES`; all if None
    views : how many times each model looks; a model's name tells where it is more than once

    Raises
    ------
    UsageError
        Nothing to score, a folder that is not there, two systems of one name, or more views than a
        model has.
    UnknownNameError
        A model or baseline that nothing is called.
    """
    wanted = list(BASELINES) if baselines is None else list(baselines)
    for name in wanted:
        if name not in BASELINES:
            raise UnknownNameError("baseline", name, list(BASELINES))
    tested = [*(_model(model, views) for model in models), *map(_folder, estimates)]
    if not tested and not wanted:
        raise UsageError("nothing to score: give a model, a folder of estimates, or a baseline")
    names = [contender.name for contender in tested]
    for name in names:
        if names.count(name) > 1 or name in BASELINES:
            raise UsageError(f"two systems are called {name}; rename a file or folder")
    others = [Contender(name, BASELINES[name]) for name in BASELINES if name in wanted]
    bounds = [contender for contender in others if contender.kind == "bound"]
    return (*(each for each in others if each not in bounds), *tested, *bounds)


def _model(model: str | Path, views: int) -> Contender:
    from carnatic_sep.models.checkpoint import read_metadata
    from carnatic_sep.models.zoo import resolve

    path = resolve(model)
    if views > 1:
        from carnatic_sep.separation.separator import Separator

        Separator(path, device="cpu", views=views)  # refuses views that it has not, before any work
    # A training run calls its file `checkpoint`; its folder has the run's name.
    name = path.resolve().parent.name if path.stem == "checkpoint" else path.stem
    name = named(name, views)
    return Contender(name, "model", str(model), read_metadata(path).sha256, views)


def named(model: str, views: int) -> str:
    """Return what a model is called in tables when it looks `views` times."""
    return f"{model}, {views} views" if views > 1 else model


def _folder(folder: Path) -> Contender:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name the one that holds TRACK/STEM.flac")
    return Contender(folder.resolve().name, "estimates", str(folder))


def separate_with(
    contender: Contender,
    mixture: NDArray[np.float32],
    references: Stems,
    *,
    sample_rate: int,
) -> dict[str, NDArray[np.float32]]:
    """Return what `contender`, a model or a baseline, makes of a mixture.

    Parameters
    ----------
    mixture : (channels, frames)
    references : stem -> (channels of its own, frames); bounds look at them, the others at the names
    sample_rate : Hz

    Returns
    -------
    stem -> (channels, frames)
    """
    from carnatic_sep.evaluation import baselines

    if contender.kind == "model":
        from carnatic_sep.separation.separator import Separator

        separator = Separator(contender.source, views=contender.views)
        return separator.separate(mixture, sample_rate)
    if contender.kind == "classic":
        from carnatic_sep.models.classic.separators import separate_classic

        return separate_classic(contender.name, mixture, sample_rate=sample_rate)
    same = {
        "silence": baselines.silence,
        "mixture": baselines.untouched,
        "oracle ratio mask": baselines.oracle_ratio_mask,
        "oracle Wiener": baselines.oracle_wiener,
    }[contender.name]
    if contender.kind == "bound":
        references = {name: fit_channels(x, len(mixture)) for name, x in references.items()}
    return same(mixture, references)


def fit_channels(audio: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return (channels, frames) of `audio`: mono on every channel, or the mean of its channels.

    Raises
    ------
    ValueError
        Neither is possible: several channels for another number of several.
    """
    if len(audio) == channels:
        return audio
    if channels == 1:
        mean: NDArray[np.float32] = audio.mean(axis=0, keepdims=True, dtype=np.float32)
        return mean
    if len(audio) == 1:
        return np.repeat(audio, channels, axis=0)
    raise ValueError(f"{len(audio)} channels cannot be compared with {channels}")
