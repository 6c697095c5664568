"""Which files a separation leaves: all stems, some of them, or the mixture without some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carnatic_sep.errors import UsageError
from carnatic_sep.stems import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Selection:
    """The outputs of a separation and the stems that each of them is the sum of.

    Attributes
    ----------
    stems : every stem that the separator yields, in order
    outputs : output name to indices into `stems`
    """

    stems: tuple[str, ...]
    outputs: dict[str, tuple[int, ...]]

    @property
    def sums_to_mixture(self) -> bool:
        """Whether every stem is in exactly one output."""
        used = sorted(index for indices in self.outputs.values() for index in indices)
        return used == list(range(len(self.stems)))

    def of(self, block: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the outputs' samples, (channels, frames) each, from (stems, channels, frames)."""
        return {
            name: block[indices[0]] if len(indices) == 1 else block[list(indices)].sum(axis=0)
            for name, indices in self.outputs.items()
        }


def select(
    known: Sequence[str], *, stems: Sequence[str] = (), mix_minus: Sequence[str] = ()
) -> Selection:
    """Choose outputs: the `stems` named, and one file that is the mixture without `mix_minus`.

    With neither, every stem is an output. The stems sum to the mixture, so that the mixture
    without some of them is the sum of the others.

    Raises
    ------
    UnknownNameError
        A stem that is not among `known`.
    UsageError
        A mixture without any of its stems.

    >>> select(("vocals", "violin", "other"), mix_minus=["voice"]).outputs
    {'mix-minus-vocals': (1, 2)}
    """
    order = tuple(known)
    wanted = {canonical(name, order) for name in stems}
    without = {canonical(name, order) for name in mix_minus}
    if not wanted and not without:
        wanted = set(order)
    outputs: dict[str, tuple[int, ...]] = {
        name: (order.index(name),) for name in order if name in wanted
    }
    if without:
        rest = tuple(index for index, name in enumerate(order) if name not in without)
        if not rest:
            raise UsageError("--mix-minus: nothing is left without all stems; name fewer")
        outputs["mix-minus-" + "+".join(name for name in order if name in without)] = rest
    return Selection(stems=order, outputs=outputs)
