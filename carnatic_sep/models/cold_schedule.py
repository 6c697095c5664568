"""How cold diffusion degrades a target into its mixture, step by step, and how it goes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["convex", "ismir23"]
Sampling = Literal["improved", "direct"]
Prediction = Literal["clean", "previous"]


@dataclass(frozen=True)
class ColdSchedule:
    """The degradation ``D(x, t) = clean[t] * x + mixture[t] * m`` for t from 0 to `steps`.

    Attributes
    ----------
    clean, mixture : coefficients of the target x and of the mixture m; one more than there are
        steps, so that index 0 is the target itself
    """

    clean: tuple[float, ...]
    mixture: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse coefficients that do not lead from the target to somewhere else.

        Raises
        ------
        ValueError
            Fewer than one step, uneven lengths, or a step 0 that is not the target itself.
        """
        if len(self.clean) != len(self.mixture) or len(self.clean) < 2:
            raise ValueError("a schedule needs as many coefficients of either kind, two or more")
        if (self.clean[0], self.mixture[0]) != (1.0, 0.0):
            raise ValueError("step 0 must be the target itself: coefficients 1 and 0")

    @classmethod
    def of(cls, kind: Kind, steps: int) -> ColdSchedule:
        """Return a schedule by name, from the target at step 0 to the mixture at the last.

        Parameters
        ----------
        kind : with a = 1 - t / steps: "convex" is a and 1 - a. "ismir23" is a and 1 - sqrt(a), as
            the public code of Plaja-Roglans et al. (ISMIR 2023) has it, whose middle steps are
            quieter than both ends
        steps : 1 or more

        Raises
        ------
        ValueError
            An unknown kind, or no steps.
        """
        if kind not in get_args(Kind) or steps < 1:
            raise ValueError(
                f"schedule {kind!r} must be convex or ismir23, steps {steps} 1 or more"
            )
        kept = [1.0 - step / steps for step in range(steps + 1)]
        if kind == "convex":
            return cls(tuple(kept), tuple(1.0 - each for each in kept))
        return cls(tuple(kept), tuple(1.0 - each**0.5 for each in kept))

    @property
    def steps(self) -> int:
        """The number of the last step."""
        return len(self.clean) - 1

    def degrade(self, clean: Tensor, mixture: Tensor, step: int | Tensor) -> Tensor:
        """Return ``D(clean, step)``.

        Parameters
        ----------
        clean, mixture : (batch, ...), shapes that broadcast
        step : one for all, or (batch,), integers
        """
        return (
            self._of(self.clean, step, clean) * clean
            + self._of(self.mixture, step, mixture) * mixture
        )

    def recover(self, degraded: Tensor, mixture: Tensor, step: int | Tensor) -> Tensor:
        """Return the x of which `degraded` is ``D(x, step)``; `step` below the last one.

        Raises
        ------
        ValueError
            A step in which nothing of the target is left.
        """
        if isinstance(step, int) and self.clean[step] == 0.0:
            raise ValueError(f"step {step} holds nothing of the target to recover")
        known = self._of(self.mixture, step, mixture) * mixture
        return (degraded - known) / self._of(self.clean, step, degraded)

    def advance(
        self,
        prediction: Tensor,
        state: Tensor,
        mixture: Tensor,
        *,
        step: int,
        to: int,
        predicts: Prediction = "clean",
        sampling: Sampling = "improved",
    ) -> Tensor:
        """Go from `state`, at `step`, to the earlier step `to` with what a network predicts.

        Parameters
        ----------
        prediction : the target, or the state one step earlier, as `predicts` says
        state, mixture : shapes that broadcast
        sampling : with x the target that is predicted: "direct" is D(x, to) (algorithm 1);
            "improved" is state - D(x, step) + D(x, to) (algorithm 2), in which what is wrong in x
            counts by the difference of two degradations only

        Raises
        ------
        ValueError
            Steps that do not lead back, or an unknown option.

        Source: Bansal et al., "Cold Diffusion: Inverting Arbitrary Image Transforms Without
        Noise", NeurIPS 2023.
        """
        if not 0 <= to < step <= self.steps:
            raise ValueError(f"from step {step} to {to}: steps go down, within 0 to {self.steps}")
        if predicts not in get_args(Prediction) or sampling not in get_args(Sampling):
            raise ValueError(
                f"prediction {predicts!r} must be clean or previous, sampling {sampling!r} "
                "improved or direct"
            )
        if sampling == "direct" and predicts == "previous" and to == step - 1:
            return prediction
        clean = prediction
        if predicts == "previous":
            clean = self.recover(prediction, mixture, step - 1)
        there = self.degrade(clean, mixture, to)
        if sampling == "direct":
            return there
        return state - self.degrade(clean, mixture, step) + there

    def _of(self, coefficients: Sequence[float], step: int | Tensor, like: Tensor) -> Tensor:
        """Return the coefficients of `step`, to be multiplied with `like`."""
        import torch

        table = torch.tensor(coefficients, dtype=like.dtype, device=like.device)
        if isinstance(step, int):
            return table[step]
        return table[step.to(like.device)].reshape(-1, *[1] * (like.ndim - 1))
