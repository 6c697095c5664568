"""A split of a dataset by hours of audio, made with a seed."""

from __future__ import annotations

from collections.abc import Mapping

from carnatic_sep.datasets.registry import Dataset
from carnatic_sep.datasets.splits import BY, By, SplitFile, make_split
from carnatic_sep.datasets.stats import track_seconds
from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.transfer.origin import OnProgress

DEFAULT_PARTS = "train=0.8,valid=0.1,test=0.1"


def divide(
    dataset: Dataset,
    *,
    parts: Mapping[str, float],
    seed: int,
    by: str,
    mixtures_too: bool = False,
    on_progress: OnProgress | None = None,
) -> SplitFile:
    """Divide the multitracks of `dataset` by length into parts without common people.

    Tracks that cannot be opened are in no part.

    Parameters
    ----------
    parts : name of a part to its share
    seed : the same seed gives the same split of the same tracks
    by : ``concert``, ``lead`` or ``accompanist``, see
        :func:`~carnatic_sep.datasets.splits.make_split`
    mixtures_too : also recordings without stems

    Raises
    ------
    DatasetError
        Too few groups of tracks without common people.
    UnknownNameError
        `by` is none of the three.
    """
    chosen: dict[str, By] = {name: name for name in BY}
    if by not in chosen:
        raise UnknownNameError("way to split", by, list(BY))
    tracks = [track for track in dataset.tracks() if track.stems or mixtures_too]
    seconds, _, unreadable = track_seconds(tracks, on_progress=on_progress)
    return make_split(
        [track for track in tracks if track.id not in unreadable],
        dataset=dataset.name,
        seed=seed,
        fractions=parts,
        by=chosen[by],
        weights=seconds,
    )


def parse_parts(text: str) -> dict[str, float]:
    """Read ``train=0.8,test=0.2``.

    Raises
    ------
    UsageError
        Something else was given, or a share that is not above zero.

    >>> parse_parts("train=3, test=1")
    {'train': 3.0, 'test': 1.0}
    """
    parts: dict[str, float] = {}
    for piece in text.split(","):
        name, sign, share = (word.strip() for word in piece.partition("="))
        if name in parts:
            raise UsageError(f"{text!r}: names the part {name} twice")
        try:
            parts[name] = float(share)
        except ValueError:
            sign = ""
        if not (sign and name and 0 < parts[name] < float("inf")):
            raise UsageError(f"{piece.strip()!r}: write parts as {DEFAULT_PARTS}")
    return parts
