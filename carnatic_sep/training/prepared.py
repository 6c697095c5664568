"""A run that is ready to begin: network, data, and what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch.utils.data import DataLoader, Dataset

    from carnatic_sep.models.checkpoint import Provenance
    from carnatic_sep.training.config import RunConfig
    from carnatic_sep.training.listening import Drawer
    from carnatic_sep.training.module import SeparationModule


@dataclass(frozen=True)
class Findings:
    """What a look at the data has found.

    used : a line for each kind of sound that the run learns from
    problems : what should be mended before a long run
    """

    used: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return what a person wants to know, a line each."""
        used = [f"data: {line}" for line in self.used]
        return used + [f"problem: {line}" for line in self.problems]


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to begin.

    Attributes
    ----------
    module : the network, and where it stands
    batches : rank -> the batches of one of several processes, from the module's step on
    waveforms : makes one batch as sounds: for each item name -> (frames,), "mixture" among them
    drawer : draws a mixture for pictures
    validation : stems of the validation mixtures; none if empty
    provenance : goes into checkpoints
    findings : looks at the data; takes a while
    """

    module: SeparationModule
    batches: Callable[[int], Dataset[Any]]
    waveforms: Callable[[], list[dict[str, NDArray[np.float32]]]]
    drawer: Drawer
    provenance: Provenance
    findings: Callable[[], Findings]
    validation: Sequence[NDArray[np.float32]] = field(default=())

    def loader(self, rank: int = 0) -> DataLoader[Any]:
        """Return what makes the batches of process `rank`, in workers of its own."""
        from torch.utils.data import DataLoader

        from carnatic_sep.training.interrupt import ignore_interrupts

        config: RunConfig = self.module.config
        return DataLoader(
            self.batches(rank),
            batch_size=None,
            num_workers=config.workers,
            worker_init_fn=ignore_interrupts,
        )
